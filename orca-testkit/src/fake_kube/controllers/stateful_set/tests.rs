//! The stateful set controller alone.

use serde_json::{Value, json};

use super::super::harness::Harness;
use super::*;

fn harness() -> Harness {
    Harness::new(vec![Box::<StatefulSets>::default()])
}

fn set(replicas: u32, policy: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": { "name": "db", "namespace": "default" },
        "spec": {
            "replicas": replicas, "serviceName": "db", "podManagementPolicy": policy,
            "selector": { "matchLabels": { "app": "db" } },
            "template": {
                "metadata": { "labels": { "app": "db" } },
                "spec": { "containers": [{ "name": "c", "image": "i" }] },
            },
        },
    })
}

fn names(harness: &Harness) -> Vec<String> {
    harness.list(&PODS).into_iter().map(|pod| pod.name().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn in_order_a_pod_is_made_when_the_one_before_it_is_ready() {
    let mut harness = harness();
    harness.create(set(2, "OrderedReady"));
    harness.run_to_rest();
    assert_eq!(names(&harness), ["db-0"]);
    harness.run_pods();
    harness.run_to_rest();
    assert_eq!(names(&harness), ["db-0", "db-1"]);
    let pod = harness.get(&PODS, "db-1");
    assert_eq!(pod.text("/metadata/labels/statefulset.kubernetes.io~1pod-name"), "db-1");
    assert_eq!(pod.text("/metadata/labels/apps.kubernetes.io~1pod-index"), "1");
    assert_eq!((pod.text("/spec/hostname"), pod.text("/spec/subdomain")), ("db-1", "db"));
    let said = [
        "SuccessfulCreate: create Pod db-0 in StatefulSet db successful",
        "SuccessfulCreate: create Pod db-1 in StatefulSet db successful",
    ];
    assert_eq!(harness.events("db"), said);
}

#[tokio::test(start_paused = true)]
async fn in_parallel_all_are_made_at_once_and_counted() {
    let mut harness = harness();
    harness.create(set(3, "Parallel"));
    harness.run_to_rest();
    assert_eq!(names(&harness), ["db-0", "db-1", "db-2"]);
    harness.run_pods();
    harness.run_to_rest();
    for count in ["replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "currentReplicas"] {
        assert_eq!(harness.at(&STATEFULSETS, "db", &format!("/status/{count}")), 3, "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_or_has_ended_is_made_again_under_its_name() {
    let mut harness = harness();
    harness.create(set(1, "OrderedReady"));
    harness.run_to_rest();
    let first = harness.get(&PODS, "db-0");
    harness.remove(&first);
    harness.run_to_rest();
    let second = harness.get(&PODS, "db-0");
    assert_ne!(second.uid(), first.uid());
    harness.phase(&second, "Failed");
    harness.run_to_rest();
    let deleted = harness.find(&PODS, "db-0");
    assert!(deleted.is_none_or(|pod| pod.is_deleting() || pod.uid() != second.uid()));
}

#[tokio::test(start_paused = true)]
async fn the_highest_number_goes_first_one_after_the_other() {
    let mut harness = harness();
    harness.create(set(3, "OrderedReady"));
    for _ in 0..3 {
        harness.run_to_rest();
        harness.run_pods();
    }
    harness.run_to_rest();
    harness.update(&harness.get(&STATEFULSETS, "db"), |set| set["spec"]["replicas"] = 1.into());
    harness.run_to_rest();
    let left = |harness: &Harness| {
        let pods = harness.list(&PODS);
        pods.iter().filter(|pod| !pod.is_deleting()).map(|pod| pod.name().to_owned()).collect::<Vec<_>>()
    };
    // Unbound pods go at once, so that the next one follows at once.
    assert_eq!(left(&harness), ["db-0"]);
    let said: Vec<String> = harness.events("db").into_iter().filter(|said| said.contains("delete")).collect();
    assert_eq!(said.len(), 2);
    assert!(said[0].contains("db-2") && said[1].contains("db-1"), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn another_template_replaces_the_pods_from_the_highest_on() {
    let mut harness = harness();
    harness.create(set(2, "OrderedReady"));
    for _ in 0..3 {
        harness.run_to_rest();
        harness.run_pods();
    }
    let image = |harness: &Harness, name: &str| harness.at(&PODS, name, "/spec/containers/0/image");
    harness.update(&harness.get(&STATEFULSETS, "db"), |set| {
        set["spec"]["template"]["spec"]["containers"][0]["image"] = "other".into();
    });
    harness.run_to_rest();
    assert_eq!((image(&harness, "db-0"), image(&harness, "db-1")), (json!("i"), json!("other")));
    harness.run_pods();
    harness.run_to_rest();
    assert_eq!(image(&harness, "db-0"), "other");
}
