//! The config in effect as it may be shown: secrets are replaced.

use orca_aws::config::Document;
use serde_json::{Value, json};

/// The config as JSON, with secrets hidden and keys that are not set left out.
#[must_use]
pub fn shown(document: &Document) -> Value {
    let mut document = document.redacted();
    // What is not set and has an effect is shown as what it means.
    document.config.node.taints = Some(document.config.node.taints().into_owned());
    // A config serialises always: its keys are text and its numbers finite.
    without_nulls(json!(document))
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

    #[test]
    fn the_default_taint_is_shown_as_it_is_in_effect() {
        let shown = shown(&Document::default());
        assert_eq!(shown["node"]["taints"][0]["key"], "orca.research/burst-node");
        let mut document = Document::default();
        document.config.node.taints = Some(Vec::new());
        assert_eq!(super::shown(&document)["node"]["taints"], json!([]), "none are none");
    }
}
