//! The config in effect as it may be shown: secrets are replaced.

use orca_aws::config::Document;
use serde_json::{Value, json};

/// The config as JSON, with secrets hidden and keys that are not set left out.
#[must_use]
pub fn shown(document: &Document) -> Value {
    // A config serialises always: its keys are text and its numbers finite.
    without_nulls(json!(document.redacted()))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value,
    }
}

#[cfg(test)]
mod tests {
    use orca_aws::config::Credentials;

    use super::*;

    #[test]
    fn secrets_are_hidden_and_unset_keys_left_out() {
        let mut document = Document::default();
        document.backend.credentials =
            Some(Credentials { access_key_id: "AKIA1".into(), secret_access_key: "s3cret".into() });
        let text = shown(&document).to_string();
        assert!(!text.contains("AKIA1") && !text.contains("s3cret") && !text.contains("null"), "{text}");
    }
}
