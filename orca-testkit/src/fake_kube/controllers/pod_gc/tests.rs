//! The pod garbage collector alone.

use serde_json::json;

use super::super::harness::{Harness, node, pod};
use super::*;

fn harness() -> Harness {
    Harness::new(vec![Box::<PodCollector>::default()])
}

fn bound(harness: &Harness, name: &str, finalizer: bool) -> Arc<Object> {
    let mut value = pod(name);
    value["spec"]["nodeName"] = "n".into();
    if finalizer {
        value["metadata"]["finalizers"] = json!(["x.example/y"]);
    }
    harness.create(value)
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_node_that_is_gone_go_after_forty_seconds() {
    let mut harness = harness();
    let node = harness.create(node("n", 4));
    bound(&harness, "plain", false);
    bound(&harness, "held", true);
    harness.pass(60).await;
    harness.delete(&node, &DeleteOptions::default());
    harness.pass(39).await;
    assert_eq!(harness.list(&PODS).len(), 2);
    harness.pass(2).await;
    assert!(harness.find(&PODS, "plain").is_none());
    let held = harness.get(&PODS, "held");
    assert!(held.is_deleting());
    assert_eq!(held.text("/status/phase"), "Failed");
    assert_eq!(harness.condition(&PODS, "held", "DisruptionTarget"), "True DeletionByPodGC");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_in_time_keeps_its_pods() {
    let mut harness = harness();
    let first = harness.create(node("n", 4));
    bound(&harness, "plain", false);
    harness.run_to_rest();
    harness.delete(&first, &DeleteOptions::default());
    harness.pass(30).await;
    harness.create(node("n", 4));
    harness.pass(60).await;
    assert!(harness.find(&PODS, "plain").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_pod_bound_to_a_node_that_never_was_goes_too() {
    let mut harness = harness();
    bound(&harness, "lost", false);
    harness.pass(41).await;
    assert!(harness.find(&PODS, "lost").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_ends_without_a_node_has_failed() {
    let mut harness = harness();
    let mut value = pod("held");
    value["metadata"]["finalizers"] = json!(["x.example/y"]);
    let held = harness.create(value);
    harness.delete(&held, &DeleteOptions::default());
    harness.pass(25).await;
    assert_eq!(harness.get(&PODS, "held").text("/status/phase"), "Failed");
    assert_eq!(harness.condition(&PODS, "held", "DisruptionTarget"), "");
}
