//! What a call asks for, decoded: the fields of a form, or the members of a JSON document.

use std::collections::BTreeMap;

use hyper::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;
use url::form_urlencoded;

use crate::fake_ec2::api_error::{ApiError, bad_value, missing};
use crate::fake_ec2::instance::Tags;
use crate::fake_ec2::page::{Filter, Listing};

/// `Credential=KEY/DATE/REGION/SERVICE/aws4_request` in the authorization header.
fn region(head: &Parts) -> Option<String> {
    let header = head.headers.get("authorization")?.to_str().ok()?;
    header.split("Credential=").nth(1)?.split('/').nth(2).map(str::to_owned)
}

/// `20260101T000000Z` in its header.
fn signed_at(head: &Parts) -> Option<Timestamp> {
    let date = head.headers.get("x-amz-date")?.to_str().ok()?;
    DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp())
}

/// One call.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) action: String,
    /// Whether it is a call of a JSON service, which is answered in JSON.
    pub(super) is_json: bool,
    /// The region that it was signed for, if it was signed.
    pub(super) region: Option<String>,
    /// When it was signed, if it was.
    pub(super) signed_at: Option<Timestamp>,
    fields: BTreeMap<String, String>,
}

impl Query {
    pub(super) fn new(head: &Parts, body: &[u8]) -> Self {
        let (region, signed_at) = (region(head), signed_at(head));
        let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        if let Some(target) = target {
            return Self {
                action: target.to_owned(),
                is_json: true,
                region,
                signed_at,
                fields: members(body),
            };
        }
        let in_url = head.uri.query().unwrap_or_default().as_bytes();
        let pairs = form_urlencoded::parse(in_url).chain(form_urlencoded::parse(body));
        let fields: BTreeMap<String, String> =
            pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let action = fields.get("Action").cloned().unwrap_or_default();
        Self { action, is_json: false, region, signed_at, fields }
    }

    pub(super) fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }

    /// A field that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.fields.get(name).filter(|value| !value.is_empty()).cloned()
    }

    pub(super) fn needed(&self, name: &str) -> Result<String, ApiError> {
        self.text(name).ok_or_else(|| missing(name))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, ApiError> {
        let parse = |text: String| {
            text.parse().map_err(|_| bad_value(format!("Value ( {text} ) for parameter {name} is invalid.")))
        };
        self.text(name).map(parse).transpose()
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| value == "true")
    }

    pub(super) fn is_false(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| value == "false")
    }

    /// The values of `Name.1`, `Name.2` and so on.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        (1_u32..).map_while(|number| self.fields.get(&format!("{name}.{number}")).cloned()).collect()
    }

    pub(super) fn filters(&self) -> Vec<Filter> {
        let filter = |number: u32| {
            let name = self.fields.get(&format!("Filter.{number}.Name"))?.clone();
            Some(Filter { name, values: self.list(&format!("Filter.{number}.Value")) })
        };
        (1..).map_while(filter).collect()
    }

    /// What a list call narrows, with this name for its ids.
    pub(super) fn listing(&self, id: &str) -> Result<Listing, ApiError> {
        Ok(Listing {
            ids: self.list(id),
            filters: self.filters(),
            max_results: self.number("MaxResults")?,
            next_token: self.text("NextToken"),
        })
    }

    /// The tags that a call puts on what it makes of this kind.
    pub(super) fn tags_for(&self, kind: &str) -> Result<Tags, ApiError> {
        let mut tags = Tags::new();
        for number in 1_u32.. {
            let at = format!("TagSpecification.{number}");
            let Some(named) = self.fields.get(&format!("{at}.ResourceType")) else { break };
            if named == kind {
                tags.extend(self.tags(&format!("{at}.Tag"))?);
            }
        }
        Ok(tags)
    }

    /// The tags under this name. A key that is there twice is refused.
    pub(super) fn tags(&self, name: &str) -> Result<Tags, ApiError> {
        let mut tags = Tags::new();
        for number in 1_u32.. {
            let Some(key) = self.fields.get(&format!("{name}.{number}.Key")) else { break };
            let value = self.fields.get(&format!("{name}.{number}.Value")).cloned().unwrap_or_default();
            if tags.insert(key.clone(), value).is_some() {
                return Err(bad_value(format!("Duplicate tag key '{key}' specified.")));
            }
        }
        Ok(tags)
    }
}

fn members(body: &[u8]) -> BTreeMap<String, String> {
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return BTreeMap::new() };
    let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.into_iter().map(|(name, value)| (name, text(value))).collect()
}
