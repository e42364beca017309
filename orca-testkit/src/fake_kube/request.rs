//! A request as the verbs see it.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;
use url::form_urlencoded;

use super::error::ApiError;
use super::protobuf;
use super::resource::Resource;
use super::selector::Selector;
use super::store::Write;

/// A request whose body was read.
#[derive(Debug)]
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) user: String,
}

/// The form in which objects are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    Table,
    Metadata,
}

impl ApiRequest {
    pub(crate) fn new(parts: &http::request::Parts, body: Bytes, user: String) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: parts.headers.clone(),
            body,
            user,
        }
    }

    /// A parameter of the query; empty when it is absent.
    pub(crate) fn parameter(&self, key: &str) -> &str {
        self.query.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// Whether a parameter is on.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        matches!(self.parameter(key), "true" | "1")
    }

    pub(crate) fn is_watch(&self) -> bool {
        self.method == Method::GET && self.is_on("watch")
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether an answer in this form is asked for, as `as=Table`.
    pub(crate) fn accepts(&self, form: &str) -> bool {
        self.header(header::ACCEPT).contains(form)
    }

    pub(crate) fn form(&self) -> Form {
        // The first acceptable form counts.
        let first = self.header(header::ACCEPT).split(',').find_map(|part| {
            if part.contains("as=Table") {
                Some(Form::Table)
            } else if part.contains("as=PartialObjectMetadata") {
                Some(Form::Metadata)
            } else {
                None
            }
        });
        first.unwrap_or(Form::Whole)
    }

    pub(crate) fn selector(&self, resource: &Resource) -> Result<Selector, ApiError> {
        Selector::parse(resource, self.parameter("labelSelector"), self.parameter("fieldSelector"))
    }

    /// Whether the write is meant.
    pub(crate) fn write(&self) -> Result<Write, ApiError> {
        match self.parameter("dryRun") {
            "" => Ok(Write::Commit),
            "All" => Ok(Write::DryRun),
            other => Err(ApiError::bad_request(format!(
                "invalid dryRun: Unsupported value: \"{other}\": supported values: \"All\""
            ))),
        }
    }

    /// The name of the field manager.
    pub(crate) fn manager(&self) -> String {
        match self.parameter("fieldManager") {
            "" => {
                let agent = self.header(header::USER_AGENT);
                let name = agent.split('/').next().unwrap_or_default();
                if name.is_empty() { "unknown".to_owned() } else { name.to_owned() }
            }
            named => named.to_owned(),
        }
    }

    /// The media type of the body, without its parameters.
    pub(crate) fn content_type(&self) -> &str {
        self.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
    }

    /// The body as a JSON value, from JSON or YAML.
    pub(crate) fn json(&self) -> Result<Value, ApiError> {
        match self.content_type() {
            "" | "application/json" => decode_json(&self.body),
            "application/yaml" => decode_yaml(&self.body),
            protobuf::MEDIA_TYPE => protobuf::decode(&self.body).ok_or_else(|| {
                ApiError::unsupported(
                    "this kind of object is not understood as protobuf: send application/json",
                )
            }),
            other => Err(ApiError::unsupported(format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json, application/yaml (it was {other})"
            ))),
        }
    }
}

pub(crate) fn decode_json(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })
}

/// JSON is YAML, and most clients send JSON under that name.
pub(crate) fn decode_yaml(body: &[u8]) -> Result<Value, ApiError> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = String::from_utf8_lossy(body);
    serde_saphyr::from_str(&text)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
}
