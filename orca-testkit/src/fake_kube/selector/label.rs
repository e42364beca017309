//! Label selectors: `app=web,tier in (front,back),!canary`.
//!
//! kube's own `Selector` writes such texts and matches labels, and does not read them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;

/// Requirements on labels, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl LabelSelector {
    /// Reads the text of a request; `BadRequest` when it is malformed.
    ///
    /// # Errors
    ///
    /// 400 as from the API server: it is no selector.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let requirements =
            parts(text).into_iter().map(|part| requirement(part, text)).collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }

    /// Reads the selector of an object: `matchLabels` and `matchExpressions`. None selects nothing.
    #[must_use]
    pub fn of_object(selector: &Value) -> Option<Self> {
        let mut requirements = Vec::new();
        for (key, value) in selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten() {
            requirements.push(Requirement::In(key.clone(), vec![value.as_str()?.to_owned()]));
        }
        for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let key = expression["key"].as_str()?.to_owned();
            let values = expression["values"].as_array().into_iter().flatten();
            let values = values.filter_map(Value::as_str).map(str::to_owned).collect();
            requirements.push(match expression["operator"].as_str()? {
                "In" => Requirement::In(key, values),
                "NotIn" => Requirement::NotIn(key, values),
                "Exists" => Requirement::Exists(key),
                "DoesNotExist" => Requirement::Absent(key),
                _ => return None,
            });
        }
        (!requirements.is_empty()).then_some(Self { requirements })
    }

    /// Whether it selects everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether the object is selected.
    #[must_use]
    pub fn matches(&self, object: &Object) -> bool {
        self.is_empty() || self.matches_labels(&object.labels())
    }

    /// Whether something with these labels is selected.
    #[must_use]
    pub fn matches_labels(&self, labels: &BTreeMap<&str, &str>) -> bool {
        let has = |key: &String, values: &[String]| {
            labels.get(key.as_str()).is_some_and(|found| values.iter().any(|value| value == found))
        };
        self.requirements.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => has(key, values),
            Requirement::NotIn(key, values) => !has(key, values),
            Requirement::Exists(key) => labels.contains_key(key.as_str()),
            Requirement::Absent(key) => !labels.contains_key(key.as_str()),
        })
    }
}

/// Splits at the commas that are not within parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn requirement(part: &str, whole: &str) -> Result<Requirement, ApiError> {
    let malformed = || ApiError::bad_request(format!("unable to parse requirement: {part:?} in {whole:?}"));
    let key = |text: &str| {
        let key = text.trim();
        let is_good = !key.is_empty()
            && !key.contains(|letter: char| letter.is_whitespace() || "()!=".contains(letter));
        if is_good { Ok(key.to_owned()) } else { Err(malformed()) }
    };
    if let Some(absent) = part.strip_prefix('!') {
        return Ok(Requirement::Absent(key(absent)?));
    }
    if let Some(list) = part.strip_suffix(')') {
        let (head, values) = list.split_once('(').ok_or_else(malformed)?;
        let values = values.split(',').map(|value| value.trim().to_owned()).collect();
        let head = head.trim();
        if let Some(name) = head.strip_suffix(" notin") {
            return Ok(Requirement::NotIn(key(name)?, values));
        }
        let name = head.strip_suffix(" in").ok_or_else(malformed)?;
        return Ok(Requirement::In(key(name)?, values));
    }
    if let Some((name, value)) = part.split_once("!=") {
        return Ok(Requirement::NotIn(key(name)?, vec![value.trim().to_owned()]));
    }
    if let Some((name, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Requirement::In(key(name)?, vec![value.trim().to_owned()]));
    }
    Ok(Requirement::Exists(key(part)?))
}
