//! Configs that load, and configs that must not.

use super::*;

fn config(value: serde_json::Value) -> Config {
    let mut whole = serde_json::json!({ "aws": { "region": "us-west-2" } });
    for (key, section) in value.as_object().expect("an object") {
        let target =
            whole.as_object_mut().expect("an object").entry(key.clone()).or_insert(serde_json::json!({}));
        for (key, value) in section.as_object().expect("a section") {
            target[key] = value.clone();
        }
    }
    serde_json::from_value(whole).expect("the shape is right")
}

fn errors(value: serde_json::Value) -> Vec<String> {
    validate(&config(value)).expect_err("refused").iter().map(ToString::to_string).collect()
}

#[test]
fn the_original_designs_config_is_valid() {
    let config = config(serde_json::json!({ "node": {
        "name": "orca-aws-node",
        "labels": { "orca.research/provider": "aws", "orca.research/region": "us-west-2", "type": "virtual-kubelet" },
        "taints": [{ "key": "orca.research/burst-node", "value": "true", "effect": "NoSchedule" }],
        "operatingSystem": "Linux",
        "cpu": "1000", "memory": "4Ti", "pods": "1000", "gpu": "100",
    } }));
    assert_eq!(validate(&config), Ok(vec![]));
}

#[test]
fn every_default_is_valid_but_for_the_region() {
    let errors = validate(&Config::default()).expect_err("no region");
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].to_string(), "aws.region is required: give a region such as us-west-2");
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
        serde_json::json!({ "instances": { "selectionMode": "auto" } }),
        serde_json::json!({ "aws": { "tags": { "orca.research/pod-uid": "x" } } }),
        serde_json::json!({ "aws": { "tags": { "aws:x": "x" } } }),
        serde_json::json!({ "aws": { "amiID": "image-1" } }),
        serde_json::json!({ "aws": { "endpoint": "localhost:4566" } }),
        serde_json::json!({ "gc": { "minAgeSeconds": 299 } }),
        serde_json::json!({ "gc": { "intervalSeconds": 0.01 } }),
    ] {
        assert_eq!(errors(section.clone()).len(), 1, "{section}");
    }
}

#[test]
fn only_a_test_server_may_have_a_short_minimum_age() {
    let test = config(serde_json::json!({
        "aws": { "endpoint": "http://127.0.0.1:5000" }, "gc": { "minAgeSeconds": 0 }
    }));
    validate(&test).expect("a test server");
    let text = errors(serde_json::json!({ "gc": { "minAgeSeconds": 60 } })).join("");
    assert!(text.starts_with("gc.minAgeSeconds has the value \"60\": give at least 300"), "{text}");
}

#[test]
fn what_has_no_effect_is_warned_about() {
    let config = config(serde_json::json!({
        "aws": { "vpcID": "vpc-1", "credentials": { "accessKeyID": "AK", "secretAccessKey": "top-secret" } },
        "logging": { "logAWSCalls": true },
    }));
    assert_eq!(validate(&config).expect("valid").len(), 3);
    assert!(!format!("{config:?}").contains("top-secret"), "secrets are not shown");
}

#[test]
fn unknown_keys_and_values_are_refused_by_shape() {
    for text in [
        r#"{ "aws": { "regio": "us-west-2" } }"#,
        r#"{ "instances": { "defaultLaunchType": "sport" } }"#,
        r#"{ "node": { "taints": [{ "key": "a", "effect": "Never" }] } }"#,
    ] {
        assert!(serde_json::from_str::<Config>(text).is_err(), "{text}");
    }
}
