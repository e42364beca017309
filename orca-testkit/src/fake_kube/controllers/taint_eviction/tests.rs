//! The taint eviction controller alone.

use serde_json::{Value, json};

use super::super::harness::{Harness, node, pod};
use super::*;

const KEY: &str = "node.kubernetes.io/unreachable";

fn harness() -> Harness {
    let harness = Harness::new(vec![Box::<TaintEviction>::default()]);
    harness.create(node("n", 4));
    harness
}

fn bound(harness: &Harness, name: &str, tolerations: Value) {
    let mut value = pod(name);
    value["spec"]["nodeName"] = "n".into();
    value["spec"]["tolerations"] = tolerations;
    harness.create(value);
}

fn taint(harness: &Harness, taints: Value) {
    harness.update(&harness.get(&NODES, "n"), |node| node["spec"]["taints"] = taints);
}

fn ends(harness: &Harness, name: &str) -> bool {
    harness.get(&PODS, name).is_deleting()
}

#[tokio::test(start_paused = true)]
async fn pods_end_at_once_or_when_their_patience_is_over() {
    let mut harness = harness();
    let tolerates = |seconds: Value| json!([{ "key": KEY, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds }]);
    bound(&harness, "none", json!([]));
    bound(&harness, "some", tolerates(300.into()));
    bound(&harness, "ever", json!([{ "operator": "Exists" }]));
    harness.pass(1).await;
    taint(&harness, json!([{ "key": KEY, "effect": "NoExecute" }, { "key": "x", "effect": "NoSchedule" }]));
    harness.pass(299).await;
    assert!(ends(&harness, "none") && !ends(&harness, "some"));
    harness.pass(2).await;
    assert!(ends(&harness, "some") && !ends(&harness, "ever"));
    assert_eq!(harness.condition(&PODS, "some", "DisruptionTarget"), "True DeletionByTaintManager");
    assert_eq!(harness.events("some"), ["TaintManagerEviction: Marking for deletion Pod default/some"]);
}

#[tokio::test(start_paused = true)]
async fn a_taint_that_goes_in_time_is_forgotten() {
    let mut harness = harness();
    let tolerations = json!([{ "key": KEY, "operator": "Exists", "tolerationSeconds": 300 }]);
    bound(&harness, "some", tolerations);
    taint(&harness, json!([{ "key": KEY, "effect": "NoExecute" }]));
    harness.pass(200).await;
    taint(&harness, json!([]));
    harness.pass(200).await;
    assert!(!ends(&harness, "some"));
    assert_eq!(harness.events("some"), ["TaintManagerEviction: Cancelling deletion of Pod default/some"]);
    // It counts from the start the next time.
    taint(&harness, json!([{ "key": KEY, "effect": "NoExecute" }]));
    harness.pass(290).await;
    assert!(!ends(&harness, "some"));
    harness.pass(20).await;
    assert!(ends(&harness, "some"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_to_a_tainted_node_is_judged_as_well() {
    let mut harness = harness();
    taint(&harness, json!([{ "key": "k", "effect": "NoExecute" }]));
    harness.run_to_rest();
    bound(&harness, "late", json!([]));
    harness.run_to_rest();
    assert!(ends(&harness, "late"));
}
