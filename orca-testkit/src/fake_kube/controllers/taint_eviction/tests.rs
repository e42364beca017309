//! The taint eviction controller alone.

use serde_json::{Value, json};

use super::super::bench::{Bench, node, pod};
use super::*;

const KEY: &str = "node.kubernetes.io/unreachable";

fn bench() -> Bench {
    let bench = Bench::new(vec![Box::<TaintEviction>::default()]);
    bench.create(node("n", 4));
    bench
}

fn bound(bench: &Bench, name: &str, tolerations: Value) {
    let mut value = pod(name);
    value["spec"]["nodeName"] = "n".into();
    value["spec"]["tolerations"] = tolerations;
    bench.create(value);
}

fn taint(bench: &Bench, taints: Value) {
    bench.update(&bench.get(&NODES, "n"), |node| node["spec"]["taints"] = taints);
}

fn ends(bench: &Bench, name: &str) -> bool {
    bench.get(&PODS, name).is_deleting()
}

#[tokio::test(start_paused = true)]
async fn pods_end_at_once_or_when_their_patience_is_over() {
    let mut bench = bench();
    let tolerates = |seconds: Value| json!([{ "key": KEY, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds }]);
    bound(&bench, "none", json!([]));
    bound(&bench, "some", tolerates(300.into()));
    bound(&bench, "ever", json!([{ "operator": "Exists" }]));
    bench.pass(1).await;
    taint(&bench, json!([{ "key": KEY, "effect": "NoExecute" }, { "key": "x", "effect": "NoSchedule" }]));
    bench.pass(299).await;
    assert!(ends(&bench, "none") && !ends(&bench, "some"));
    bench.pass(2).await;
    assert!(ends(&bench, "some") && !ends(&bench, "ever"));
    assert_eq!(bench.condition(&PODS, "some", "DisruptionTarget"), "True DeletionByTaintManager");
    assert_eq!(bench.events("some"), ["TaintManagerEviction: Marking for deletion Pod default/some"]);
}

#[tokio::test(start_paused = true)]
async fn a_taint_that_goes_in_time_is_forgotten() {
    let mut bench = bench();
    let tolerations = json!([{ "key": KEY, "operator": "Exists", "tolerationSeconds": 300 }]);
    bound(&bench, "some", tolerations);
    taint(&bench, json!([{ "key": KEY, "effect": "NoExecute" }]));
    bench.pass(200).await;
    taint(&bench, json!([]));
    bench.pass(200).await;
    assert!(!ends(&bench, "some"));
    assert_eq!(bench.events("some"), ["TaintManagerEviction: Cancelling deletion of Pod default/some"]);
    // It counts from the start the next time.
    taint(&bench, json!([{ "key": KEY, "effect": "NoExecute" }]));
    bench.pass(290).await;
    assert!(!ends(&bench, "some"));
    bench.pass(20).await;
    assert!(ends(&bench, "some"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_to_a_tainted_node_is_judged_as_well() {
    let mut bench = bench();
    taint(&bench, json!([{ "key": "k", "effect": "NoExecute" }]));
    bench.settle();
    bound(&bench, "late", json!([]));
    bench.settle();
    assert!(ends(&bench, "late"));
}
