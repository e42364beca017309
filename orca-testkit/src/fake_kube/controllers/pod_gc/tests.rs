//! The pod garbage collector alone.

use serde_json::json;

use super::super::bench::{Bench, node, pod};
use super::*;

fn bench() -> Bench {
    Bench::new(vec![Box::<PodCollector>::default()])
}

fn bound(bench: &Bench, name: &str, finalizer: bool) -> Arc<Object> {
    let mut value = pod(name);
    value["spec"]["nodeName"] = "n".into();
    if finalizer {
        value["metadata"]["finalizers"] = json!(["x.example/y"]);
    }
    bench.create(value)
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_node_that_is_gone_go_after_forty_seconds() {
    let mut bench = bench();
    let node = bench.create(node("n", 4));
    bound(&bench, "plain", false);
    bound(&bench, "held", true);
    bench.pass(60).await;
    bench.delete(&node, &DeleteOptions::default());
    bench.pass(39).await;
    assert_eq!(bench.list(&PODS).len(), 2);
    bench.pass(2).await;
    assert!(bench.find(&PODS, "plain").is_none());
    let held = bench.get(&PODS, "held");
    assert!(held.is_deleting());
    assert_eq!(held.text("/status/phase"), "Failed");
    assert_eq!(bench.condition(&PODS, "held", "DisruptionTarget"), "True DeletionByPodGC");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_comes_back_in_time_keeps_its_pods() {
    let mut bench = bench();
    let first = bench.create(node("n", 4));
    bound(&bench, "plain", false);
    bench.settle();
    bench.delete(&first, &DeleteOptions::default());
    bench.pass(30).await;
    bench.create(node("n", 4));
    bench.pass(60).await;
    assert!(bench.find(&PODS, "plain").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_pod_bound_to_a_node_that_never_was_goes_too() {
    let mut bench = bench();
    bound(&bench, "lost", false);
    bench.pass(41).await;
    assert!(bench.find(&PODS, "lost").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_ends_without_a_node_has_failed() {
    let mut bench = bench();
    let mut value = pod("held");
    value["metadata"]["finalizers"] = json!(["x.example/y"]);
    let held = bench.create(value);
    bench.delete(&held, &DeleteOptions::default());
    bench.pass(25).await;
    assert_eq!(bench.get(&PODS, "held").text("/status/phase"), "Failed");
    assert_eq!(bench.condition(&PODS, "held", "DisruptionTarget"), "");
}
