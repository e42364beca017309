//! Pods whose authors mean harm: each is refused with a sentence that says why, or what it tries has no effect.

use std::collections::BTreeMap;

use orca_core::admission::{Place, Request, admit, place};
use orca_core::launch::LaunchRecord;
use orca_core::pod::launch_record;
use orca_core::resources::requested;
use orca_core::well_known::{PREFIX, annotation, tag};
use serde_json::{Value, json};

use crate::support::{TROUBLE, config, pod};

const ALLOWED: &str = "t3.micro";

/// A pod that is admitted, but for these annotations.
fn with(annotations: &[(&str, &str)]) -> Value {
    let mut all = BTreeMap::from([(annotation::INSTANCE_TYPE, ALLOWED)]);
    all.extend(annotations.iter().copied());
    json!({ "metadata": { "namespace": "ml", "name": "train", "annotations": all }, "spec": { "containers": [] } })
}

fn answer(object: Value) -> Result<Request, String> {
    admit(&pod(object), &config()).map_err(|rejection| rejection.message)
}

/// The request of a pod that tries nothing.
fn harmless() -> Request {
    answer(with(&[])).expect("admitted")
}

#[track_caller]
fn refused(annotations: &[(&str, &str)], why: &str) {
    let message = answer(with(annotations)).expect_err("refused");
    assert!(message.contains(why), "{annotations:?}: {message}");
    assert!(message.chars().count() < 1_000, "{annotations:?}: {} characters", message.chars().count());
}

#[track_caller]
fn without_effect(object: Value) {
    let request = answer(object).expect("admitted");
    assert_eq!(Request { notes: Vec::new(), ..request }, harmless());
}

#[test]
fn a_value_that_breaks_out_of_something_is_refused_where_it_could_reach_the_cloud() {
    let huge = "x".repeat(256 * 1024);
    for text in TROUBLE.iter().copied().chain([huge.as_str(), ""]) {
        let readable = |key| [(key, text)];
        refused(&readable(annotation::LAUNCH_TYPE), "on-demand or spot");
        refused(&[(annotation::LAUNCH_TYPE, "spot"), (annotation::MAX_SPOT_PRICE, text)], "price");
        refused(&readable(annotation::USER_DATA), "user data cannot be set");
        // These two are made of harmless letters.
        if !["NaN", "-1", "1e308", "0x10"].contains(&text) {
            refused(&readable(annotation::AMI), "machine image id");
            refused(&readable(annotation::INSTANCE_TYPE), "instance type");
        }
    }
}

#[test]
fn money_and_safety_cannot_be_wished_away() {
    refused(&[(annotation::INSTANCE_TYPE, "p5.metal-48xl")], "not allowed here");
    refused(&[(annotation::INSTANCE_TYPE, "P5.48XLARGE")], "not allowed here");
    refused(&[(annotation::MAX_LIFETIME, "100y")], "lifetimes are not enforced");
    refused(&[(annotation::BUDGET_NAMESPACE, "team-b")], "own namespace");
    refused(&[(annotation::TERMINATION_PROTECTION, "true")], "could not be terminated");
    refused(&[(annotation::TERMINATION_PROTECTION, "false")], "could not be terminated");
    for price in ["1e308", "-1", "NaN", "inf", "0", "0.001", "1000001", "1,5", "0x10", "٣"] {
        refused(&[(annotation::LAUNCH_TYPE, "spot"), (annotation::MAX_SPOT_PRICE, price)], "not a price");
    }
    refused(&[(annotation::LAUNCH_TYPE, "on-demand"), (annotation::MAX_SPOT_PRICE, "1.00")], "no effect");
}

#[test]
fn keys_that_imitate_tags_records_and_statuses_are_refused_or_have_no_effect() {
    let ours = [
        tag::POD_UID,
        tag::CLUSTER,
        tag::NODE,
        tag::ATTEMPT,
        "orca.research/Launch",
        "orca.research/expires-at",
    ];
    let others =
        ["Name", "aws:cloudformation:stack-name", "ManagedBy", "orca.research.evil.example/instance-type"];
    for key in ours {
        refused(&[(key, "victim")], "this key is unknown");
    }
    for key in others {
        without_effect(with(&[(key, "victim")]));
    }
    for key in ours.into_iter().chain(others) {
        let mut labelled = with(&[]);
        labelled["metadata"]["labels"] = json!({ key: "victim" });
        without_effect(labelled);
    }
    without_effect(with(&[(annotation::INSTANCE_ID, "i-victim"), (annotation::PUBLIC_IP, "203.0.113.1")]));
}

#[test]
fn what_a_container_asks_for_is_not_read() {
    let mut greedy = with(&[]);
    let environment: Vec<Value> =
        (0..10_000).map(|number| json!({ "name": format!("E{number}"), "value": "$(reboot)" })).collect();
    greedy["spec"] = json!({
        "hostNetwork": true,
        "hostPID": true,
        "volumes": [{ "name": "root", "hostPath": { "path": "/" } }],
        "containers": [{
            "name": "main", "image": "`id`", "command": ["#cloud-config"], "env": environment,
            "securityContext": { "privileged": true },
        }],
    });
    without_effect(greedy);
}

#[test]
fn a_record_that_an_author_wrote_into_an_annotation_is_not_read() {
    let forged = json!({ "v": 2, "instanceId": "i-victim" }).to_string();
    let annotated = pod(with(&[("orca.research/Launch", &forged)]));
    assert_eq!(launch_record(&annotated), None);

    let mut written = with(&[]);
    written["status"] =
        json!({ "conditions": [{ "type": "orca.research/Launch", "status": "True", "message": forged }] });
    let written = pod(written);
    let message = launch_record(&written).expect("the condition is there");
    let error = LaunchRecord::decode(message, &"cluster".into(), &"uid".into()).expect_err("not a record");
    assert!(error.to_string().contains("not readable"), "{error}");
}

#[test]
fn a_toleration_or_a_selector_does_not_move_a_pod_to_another_place() {
    let node = Place {
        name: "orca".into(),
        labels: BTreeMap::from([("zone".into(), "a".into())]),
        taints: Vec::new(),
    };
    for (spec, why) in [
        (json!({ "containers": [], "nodeSelector": { "zone": "b" } }), "node affinity/selector"),
        (json!({ "containers": [], "os": { "name": "windows" } }), "OS field"),
    ] {
        let rejection = place(&pod(json!({ "spec": spec })), &node).expect_err("refused");
        assert!(rejection.message.contains(why), "{}", rejection.message);
    }
}

#[test]
fn amounts_that_overflow_are_capped() {
    let container = |name: &str| json!({ "name": name, "resources": { "requests": { "cpu": "9223372036854775807", "memory": "8Ei" } } });
    let containers: Vec<Value> = (0..200).map(|number| container(&format!("c{number}"))).collect();
    let asked = requested(&pod(json!({ "spec": { "containers": containers } })));
    assert!(asked["cpu"].units() >= i128::from(i64::MAX), "{}", asked["cpu"]);
}

#[test]
fn no_message_says_more_of_a_value_than_people_need() {
    let secret = "s".repeat(10_000);
    let all: Vec<(&str, &str)> = [annotation::AMI, annotation::INSTANCE_TYPE, annotation::LAUNCH_TYPE]
        .into_iter()
        .map(|key| (key, secret.as_str()))
        .collect();
    let message = answer(with(&all)).expect_err("refused");
    assert!(message.len() < 1_000 && message.contains(PREFIX), "{message}");
}
