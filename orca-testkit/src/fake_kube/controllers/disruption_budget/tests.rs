//! The disruption controller alone.

use serde_json::json;

use super::super::harness::{Harness, pod};
use super::*;

fn budget(bound: &str, value: impl Into<Value>) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": { "name": "guard", "namespace": "default", "generation": 1 },
        "spec": { bound: value.into(), "selector": { "matchLabels": { "app": "web" } } },
    })
}

fn counts(harness: &Harness) -> [Value; 4] {
    ["expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"]
        .map(|name| harness.at(&PODDISRUPTIONBUDGETS, "guard", &format!("/status/{name}")))
}

/// Pods of a replica set of four, of which the first is not ready.
fn with_pods() -> Harness {
    let mut harness = Harness::new(vec![Box::<DisruptionBudgets>::default()]);
    let set = harness.create(json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": "web", "namespace": "default" }, "spec": { "replicas": 4 },
    }));
    for name in ["a", "b", "c"] {
        let mut pod = pod(name);
        pod["metadata"]["labels"] = json!({ "app": "web" });
        pod["metadata"]["ownerReferences"] = json!([pods::controller_reference(&set)]);
        let pod = harness.create(pod);
        if name != "a" {
            harness.phase(&pod, "Running");
        }
    }
    harness.run_to_rest();
    harness
}

#[tokio::test(start_paused = true)]
async fn a_budget_counts_numbers_by_pods_and_shares_by_their_controllers() {
    for (bound, value, expected) in [
        ("minAvailable", json!(1), [3, 1, 2, 1]),
        ("minAvailable", json!("50%"), [4, 2, 2, 0]),
        ("maxUnavailable", json!(3), [4, 1, 2, 1]),
        ("maxUnavailable", json!("30%"), [4, 2, 2, 0]),
    ] {
        let mut harness = with_pods();
        harness.create(budget(bound, value.clone()));
        harness.run_to_rest();
        assert_eq!(counts(&harness), expected.map(Value::from), "{bound} {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_eviction_that_comes_to_nothing_is_forgotten_after_two_minutes() {
    let mut harness = with_pods();
    let guard = harness.create(budget("minAvailable", 1));
    harness.run_to_rest();
    harness.update(&guard, |value| {
        value["status"]["disruptedPods"]["b"] = json::seconds(harness.store.now());
    });
    harness.run_to_rest();
    assert_eq!(counts(&harness)[2..], [json!(1), json!(0)]);
    harness.pass(130).await;
    assert_eq!(counts(&harness)[2..], [json!(2), json!(1)]);
    assert_eq!(harness.condition(&PODDISRUPTIONBUDGETS, "guard", "DisruptionAllowed"), "True SufficientPods");
}
