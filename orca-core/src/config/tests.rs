//! Configs that load, and configs that must not.

use super::*;
use crate::cloud::CloudInfo;

fn config(value: serde_json::Value) -> Config {
    serde_json::from_value(value).expect("the shape is right")
}

/// A real cloud, with no tags of the user's.
fn real() -> CloudInfo {
    CloudInfo::default()
}

fn errors(value: serde_json::Value) -> Vec<String> {
    validate(&config(value), &real()).expect_err("refused").iter().map(ToString::to_string).collect()
}

#[test]
fn every_default_is_valid() {
    assert_eq!(validate(&Config::default(), &real()), Ok(vec![]));
}

#[test]
fn a_wrong_value_names_key_value_and_remedy() {
    let texts = errors(serde_json::json!({ "node": { "cpu": "many", "name": "Orca" } }));
    assert_eq!(texts.len(), 2);
    assert!(texts[1].starts_with("node.cpu has the value \"many\": not a Kubernetes quantity"), "{texts:?}");
}

#[test]
fn what_concerns_money_or_safety_and_is_not_enforced_is_refused() {
    for section in [
        serde_json::json!({ "limits": { "maxConcurrentInstances": 50 } }),
        serde_json::json!({ "limits": { "dailyBudget": 0.5 } }),
        serde_json::json!({ "limits": { "maxInstanceLifetime": "24h" } }),
        serde_json::json!({ "limits": { "namespaceQuotas": { "ml": { "maxGPUs": 8 } } } }),
        serde_json::json!({ "development": { "dryRun": true } }),
        serde_json::json!({ "development": { "mockAWS": true } }),
        serde_json::json!({ "gc": { "minAgeSeconds": 299 } }),
        serde_json::json!({ "gc": { "intervalSeconds": 0.01 } }),
    ] {
        assert_eq!(errors(section.clone()).len(), 1, "{section}");
    }
}

#[test]
fn only_a_cloud_for_tests_may_have_a_short_minimum_age() {
    let short = serde_json::json!({ "gc": { "minAgeSeconds": 0 } });
    let tests = CloudInfo { is_for_tests: true, ..real() };
    validate(&config(short.clone()), &tests).expect("a cloud for tests");
    let text = errors(short).join("");
    assert!(text.starts_with("gc.minAgeSeconds has the value \"0\": give at least 300"), "{text}");
}

#[test]
fn tags_of_a_back_end_must_not_be_orcas_own() {
    let tags = [("team", "vision"), ("orca.research/pod-uid", "x"), ("Name", "x")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let errors = validate(&Config::default(), &CloudInfo { tags: tags.into(), ..real() });
    let keys: Vec<String> = errors.expect_err("refused").into_iter().map(|error| error.key).collect();
    assert_eq!(keys, ["tags.Name", "tags.orca.research/pod-uid"]);
}

#[test]
fn what_has_no_effect_is_warned_about() {
    let config = config(serde_json::json!({ "logging": { "logAWSCalls": true } }));
    assert_eq!(validate(&config, &real()).expect("valid").len(), 1);
}

#[test]
fn unknown_keys_and_values_are_refused_by_shape() {
    for text in [
        r#"{ "node": { "nam": "orca" } }"#,
        r#"{ "instances": { "defaultLaunchType": "sport" } }"#,
        r#"{ "instances": { "selectionMode": "auto" } }"#,
        r#"{ "node": { "taints": [{ "key": "a", "effect": "Never" }] } }"#,
    ] {
        assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
    }
}
