//! The node lifecycle controller, with evictions by taints below it.

use serde_json::json;

use super::super::harness::{Harness, node, pod};
use super::super::taint_eviction::TaintEviction;
use super::*;
use crate::fake_kube::resource::PODS;

fn harness(nodes: &[&str]) -> Harness {
    let harness = Harness::new(vec![Box::<NodeHealth>::default(), Box::<TaintEviction>::default()]);
    for name in nodes {
        harness.create(node(name, 4));
        harness.create(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": name, "namespace": LEASE_NAMESPACE }, "spec": {},
        }));
    }
    harness
}

fn renew(harness: &Harness, name: &str) {
    let lease = harness.store.get(&LEASES, LEASE_NAMESPACE, name).expect("a lease");
    harness.update(&lease, |lease| lease["spec"]["renewTime"] = json::micros(harness.store.now()));
}

/// Lets time pass, in which these nodes renew their leases.
async fn pass(harness: &mut Harness, seconds: u64, alive: &[&str]) {
    for _ in 0..seconds / 10 {
        for name in alive {
            renew(harness, name);
        }
        harness.pass(10).await;
    }
}

fn taints(harness: &Harness, name: &str) -> Vec<String> {
    let node = harness.get(&NODES, name);
    let text = |taint: &Value| {
        let key = taint["key"].as_str().expect("a key").rsplit('/').next().expect("a name").to_owned();
        format!("{key}:{}", taint["effect"].as_str().expect("an effect"))
    };
    node.items("/spec/taints").iter().map(text).collect()
}

fn ready(harness: &Harness, name: &str) -> String {
    harness.condition(&NODES, name, "Ready")
}

fn running(harness: &Harness, name: &str, on: &str) {
    let mut value = pod(name);
    value["spec"]["nodeName"] = on.into();
    let tolerates = |key: &str| json!({ "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 });
    value["spec"]["tolerations"] = json!([tolerates("not-ready"), tolerates("unreachable")]);
    let pod = harness.create(value);
    harness.phase(&pod, "Running");
}

#[tokio::test(start_paused = true)]
async fn a_lease_alone_keeps_a_node_alive() {
    let mut harness = harness(&["a"]);
    pass(&mut harness, 300, &["a"]).await;
    assert_eq!(ready(&harness, "a"), "True");
    assert_eq!(harness.events("a"), ["RegisteredNode: Node a event: Registered Node a in Controller"]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_unknown_after_fifty_seconds_and_its_pods_are_not_ready() {
    let mut harness = harness(&["a", "b"]);
    running(&harness, "p", "a");
    pass(&mut harness, 40, &["b"]).await;
    assert_eq!(ready(&harness, "a"), "True");
    pass(&mut harness, 20, &["b"]).await;
    assert_eq!(ready(&harness, "a"), "Unknown NodeStatusUnknown");
    assert_eq!(harness.condition(&NODES, "a", "MemoryPressure"), "Unknown NodeStatusNeverUpdated");
    assert_eq!(taints(&harness, "a"), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
    assert!(taints(&harness, "b").is_empty());
    assert_eq!(harness.condition(&PODS, "p", "Ready"), "False");
    assert!(harness.events("a").contains(&"NodeNotReady: Node a status is now: NodeNotReady".to_owned()));
    assert_eq!(harness.events("p"), ["NodeNotReady: Node is not ready"]);
    // The node comes back before the patience of the pod is over.
    pass(&mut harness, 200, &["b"]).await;
    harness.update(&harness.get(&NODES, "a"), |node| {
        let ready = json!({ "type": "Ready", "status": "True", "lastHeartbeatTime": "later" });
        node["status"]["conditions"] = json!([ready]);
    });
    pass(&mut harness, 200, &["a", "b"]).await;
    assert!(taints(&harness, "a").is_empty());
    assert!(!harness.get(&PODS, "p").is_deleting());
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_silent_node_are_evicted_after_five_minutes() {
    let mut harness = harness(&["a", "b"]);
    running(&harness, "p", "a");
    pass(&mut harness, 340, &["b"]).await;
    assert!(!harness.get(&PODS, "p").is_deleting());
    pass(&mut harness, 20, &["b"]).await;
    assert!(harness.get(&PODS, "p").is_deleting());
    assert_eq!(harness.condition(&PODS, "p", "DisruptionTarget"), "True DeletionByTaintManager");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_evicted_when_every_node_is_silent() {
    let mut harness = harness(&["a"]);
    running(&harness, "p", "a");
    pass(&mut harness, 600, &[]).await;
    assert_eq!(taints(&harness, "a"), ["unreachable:NoSchedule"]);
    assert!(!harness.get(&PODS, "p").is_deleting());
    // Another node shows that the silence is not here.
    harness.create(node("b", 4));
    harness.run_to_rest();
    assert_eq!(taints(&harness, "a"), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_says_it_is_not_ready_is_marked_so() {
    let mut harness = harness(&["a", "b"]);
    harness.update(&harness.get(&NODES, "a"), |node| {
        node["status"]["conditions"] = json!([
            { "type": "Ready", "status": "False", "lastHeartbeatTime": "1" },
            { "type": "DiskPressure", "status": "True" },
        ]);
    });
    harness.run_to_rest();
    let expected = ["not-ready:NoSchedule", "disk-pressure:NoSchedule", "not-ready:NoExecute"];
    assert_eq!(taints(&harness, "a"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_cordon_is_a_taint_as_well_and_those_of_others_stay() {
    let mut harness = harness(&["a"]);
    harness.update(&harness.get(&NODES, "a"), |node| {
        node["spec"] =
            json!({ "unschedulable": true, "taints": [{ "key": "x/own", "effect": "NoExecute" }] });
    });
    harness.run_to_rest();
    assert_eq!(taints(&harness, "a"), ["own:NoExecute", "unschedulable:NoSchedule"]);
    harness.update(&harness.get(&NODES, "a"), |node| node["spec"]["unschedulable"] = Value::Null);
    harness.run_to_rest();
    assert_eq!(taints(&harness, "a"), ["own:NoExecute"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_said_anything_is_unknown_after_a_minute() {
    let mut harness = harness(&["b"]);
    harness.create(json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "a" }, "spec": {} }));
    pass(&mut harness, 50, &["b"]).await;
    assert_eq!(ready(&harness, "a"), "");
    pass(&mut harness, 20, &["b"]).await;
    assert_eq!(ready(&harness, "a"), "Unknown NodeStatusNeverUpdated");
    harness.delete(&harness.get(&NODES, "a"), &super::super::super::store::DeleteOptions::default());
    harness.run_to_rest();
    let last = "RemovingNode: Node a event: Removing Node a from Controller";
    assert_eq!(harness.events("a").last().map(String::as_str), Some(last));
}
