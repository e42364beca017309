//! What a call asks for, decoded.

use http_body_util::{BodyExt, Limited};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// User data has at most 16 KiB, and a call a few tags: this is far more than any lawful one needs.
const BODY_LIMIT: usize = 4 << 20;

/// The decoded parameters of a call, in the order of their names.
///
/// For a JSON service these are the top-level members of the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// The value of one parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a tag that a launch call puts on its instances.
    #[must_use]
    pub fn launch_tag(&self, key: &str) -> Option<&str> {
        self.iter().find_map(|(name, value)| {
            let prefix = name.strip_suffix(".Key").filter(|_| value == key)?;
            let (specification, _) = prefix.split_once(".Tag.")?;
            let resource = self.get(&format!("{specification}.ResourceType"))?;
            if resource == "instance" { self.get(&format!("{prefix}.Value")) } else { None }
        })
    }

    /// The same for the same parameters, whatever their order and spelling on the wire.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (name, value) in self.iter() {
            for part in [name, value] {
                // The length keeps "a" + "bc" apart from "ab" + "c".
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        digest.finalize().into()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// One call, as it arrived.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) action: String,
    pub(super) region: String,
    pub(super) parameters: Parameters,
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl Query {
    /// Reads the call; `None` when the client went away before it was complete.
    pub(super) async fn read(request: Request<Incoming>) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes();
        Some(Self::new(head, body))
    }

    fn new(head: Parts, body: Bytes) -> Self {
        let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let region = header("authorization").and_then(region_of).unwrap_or_default().to_owned();
        if let Some(target) = header("x-amz-target") {
            let action = target.to_owned();
            return Self { action, region, parameters: members(&body), head, body };
        }
        let in_url = head.uri.query().unwrap_or_default().as_bytes();
        let parameters: Parameters =
            form_urlencoded::parse(in_url).chain(form_urlencoded::parse(&body)).collect();
        let action = parameters.get("Action").map_or_else(|| head.uri.path().to_owned(), str::to_owned);
        Self { action, region, parameters, head, body }
    }

    pub(super) fn is_json(&self) -> bool {
        self.head.headers.contains_key("x-amz-target")
    }

    pub(super) fn client_token(&self) -> Option<&str> {
        self.parameters.get("ClientToken").filter(|token| !token.is_empty())
    }

    pub(super) fn authorization(&self) -> &str {
        self.head.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// `Credential=KEY/DATE/REGION/SERVICE/aws4_request` in the authorization header.
fn region_of(authorization: &str) -> Option<&str> {
    authorization.split("Credential=").nth(1)?.split('/').nth(2)
}

fn members(body: &[u8]) -> Parameters {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Parameters::default();
    };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.into_iter().map(|(name, value)| (name, text(value))).collect()
}
