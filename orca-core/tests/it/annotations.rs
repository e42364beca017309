//! Annotations to a launch request: the author of a pod chooses among what is allowed, and nothing else.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::{Request, admit};
use orca_core::instance::CapacityType;
use orca_core::well_known::{PREFIX, annotation};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{config, pod, text};

/// The annotations that mean something, and others under the same prefix.
fn key() -> impl Strategy<Value = String> {
    let known = vec![
        annotation::INSTANCE_TYPE,
        annotation::WORKLOAD_TEMPLATE,
        annotation::LAUNCH_TYPE,
        annotation::MAX_SPOT_PRICE,
        annotation::SPOT_MAX_PRICE,
        annotation::AMI,
        annotation::MAX_LIFETIME,
        annotation::BUDGET_NAMESPACE,
        annotation::USER_DATA,
        annotation::TERMINATION_PROTECTION,
        annotation::DEBUG,
        annotation::INSTANCE_ID,
    ];
    let under_prefix = text().prop_map(|text| format!("{PREFIX}{text}"));
    prop_oneof![6 => prop::sample::select(known).prop_map(str::to_owned), 1 => under_prefix, 1 => text()]
}

fn value() -> impl Strategy<Value = String> {
    let good = vec!["t3.micro", "p5.48xlarge", "m5.large", "small", "spot", "on-demand", "35.00", "ami-1"];
    prop_oneof![2 => prop::sample::select(good).prop_map(str::to_owned), 3 => text()]
}

fn annotated(annotations: &BTreeMap<String, String>) -> Pod {
    pod(json!({ "metadata": { "namespace": "ml", "name": "train", "annotations": annotations } }))
}

/// Whether a text is plain enough to go into a call of a cloud.
fn is_plain(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    (1..=128).contains(&text.len()) && text.chars().all(is_plain)
}

fn is_allowed(request: &Request) -> bool {
    let is_type = request.instance_type.starts_with("t3.") || request.instance_type == "p5.48xlarge";
    let is_priced = request.max_price.is_none() || request.capacity_type == CapacityType::Spot;
    is_type && is_priced && is_plain(&request.instance_type) && request.image.as_deref().is_none_or(is_plain)
}

proptest! {
    #[test]
    fn any_annotations_are_answered_and_what_is_asked_for_is_allowed(
        annotations in prop::collection::btree_map(key(), value(), 0..6),
    ) {
        let (object, config) = (annotated(&annotations), config());
        let answer = admit(&object, &config);
        prop_assert_eq!(&answer, &admit(&object, &config), "two runs must agree");
        match answer {
            Ok(request) => {
                prop_assert!(is_allowed(&request), "{:?}", request);
                let refused = [
                    annotation::MAX_LIFETIME,
                    annotation::BUDGET_NAMESPACE,
                    annotation::USER_DATA,
                    annotation::TERMINATION_PROTECTION,
                ];
                prop_assert!(!refused.iter().any(|key| annotations.contains_key(*key)));
            }
            Err(rejection) => {
                prop_assert!(!rejection.message.is_empty() && rejection.reason.chars().all(char::is_alphanumeric));
            }
        }
    }

    #[test]
    fn annotations_of_others_change_nothing(
        others in prop::collection::btree_map("[a-z]{1,8}/[a-z]{1,8}", text(), 0..4),
    ) {
        let mut annotations = BTreeMap::from([(annotation::INSTANCE_TYPE.to_owned(), "t3.micro".to_owned())]);
        let alone = admit(&annotated(&annotations), &config());
        annotations.extend(others);
        prop_assert_eq!(admit(&annotated(&annotations), &config()), alone);
    }
}
