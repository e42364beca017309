//! Sections that are right, and sections that must not be.

use orca_core::config::ConfigError;
use serde_json::json;

use super::*;

fn document(value: serde_json::Value) -> Document {
    let mut whole = json!({ "aws": { "region": "us-west-2" } });
    for (key, section) in value.as_object().expect("an object") {
        let target = whole.as_object_mut().expect("an object").entry(key.clone()).or_insert(json!({}));
        for (key, value) in section.as_object().expect("a section") {
            target[key] = value.clone();
        }
    }
    serde_json::from_value(whole).expect("the shape is right")
}

fn errors(value: serde_json::Value) -> Vec<ConfigError> {
    document(value).validate().expect_err("refused")
}

#[test]
fn the_original_designs_config_is_valid() {
    let document = document(json!({ "node": {
        "name": "orca-aws-node",
        "labels": { "orca.research/provider": "aws", "orca.research/region": "us-west-2", "type": "virtual-kubelet" },
        "taints": [{ "key": "orca.research/burst-node", "value": "true", "effect": "NoSchedule" }],
        "operatingSystem": "Linux",
        "cpu": "1000", "memory": "4Ti", "pods": "1000", "gpu": "100",
    } }));
    assert_eq!(document.validate(), Ok(vec![]));
}

#[test]
fn every_default_is_valid_but_for_the_region() {
    let errors = Document::default().validate().expect_err("no region");
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0].to_string(),
        "aws.region is required: give a region such as us-west-2, here or in AWS_REGION"
    );
}

#[test]
fn a_wrong_value_is_one_error() {
    for section in [
        json!({ "aws": { "tags": { "orca.research/pod-uid": "x" } } }),
        json!({ "aws": { "tags": { "aws:x": "x" } } }),
        json!({ "aws": { "amiID": "image-1" } }),
        json!({ "aws": { "securityGroupIDs": ["sg-1", "default"] } }),
        json!({ "aws": { "endpoint": "localhost:4566" } }),
        json!({ "aws": { "rootVolume": { "sizeGiB": 0 } } }),
    ] {
        assert_eq!(errors(section.clone()).len(), 1, "{section}");
    }
}

#[test]
fn only_a_test_server_may_have_a_short_minimum_age() {
    let test = json!({ "aws": { "endpoint": "http://127.0.0.1:5000" }, "gc": { "minAgeSeconds": 0 } });
    document(test).validate().expect("a test server");
    let text = errors(json!({ "gc": { "minAgeSeconds": 60 } }))[0].to_string();
    assert!(text.starts_with("gc.minAgeSeconds has the value \"60\": give at least 300"), "{text}");
}

#[test]
fn what_has_no_effect_is_warned_about_and_secrets_are_not_shown() {
    let document = document(json!({
        "aws": { "vpcID": "vpc-1", "credentials": { "accessKeyID": "AK", "secretAccessKey": "top-secret" } },
        "logging": { "logAWSCalls": true },
    }));
    assert_eq!(document.validate().expect("valid").len(), 3);
    assert!(!format!("{document:?}").contains("top-secret"));
    let shown = json!(document.redacted()).to_string();
    assert!(shown.contains("(hidden)") && !shown.contains("top-secret") && !shown.contains("AK"), "{shown}");
}

#[test]
fn the_section_says_what_stands_on_the_node() {
    let info = document(json!({ "aws": { "tags": { "team": "vision" } } })).backend.info();
    assert_eq!((info.provider.as_str(), info.region.as_deref()), ("aws", Some("us-west-2")));
    assert_eq!((info.tags["team"].as_str(), info.is_for_tests), ("vision", false));
}
