//! The node lifecycle controller, with evictions by taints below it.

use serde_json::json;

use super::super::bench::{Bench, node, pod};
use super::super::taint_eviction::TaintEviction;
use super::*;
use crate::fake_kube::resource::PODS;

fn bench(nodes: &[&str]) -> Bench {
    let bench = Bench::new(vec![Box::<NodeHealth>::default(), Box::<TaintEviction>::default()]);
    for name in nodes {
        bench.create(node(name, 4));
        bench.create(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": { "name": name, "namespace": LEASE_NAMESPACE }, "spec": {},
        }));
    }
    bench
}

fn renew(bench: &Bench, name: &str) {
    let lease = bench.store.get(&LEASES, LEASE_NAMESPACE, name).expect("a lease");
    bench.update(&lease, |lease| lease["spec"]["renewTime"] = json::micros(bench.store.now()));
}

/// Lets time pass, in which these nodes renew their leases.
async fn pass(bench: &mut Bench, seconds: u64, alive: &[&str]) {
    for _ in 0..seconds / 10 {
        for name in alive {
            renew(bench, name);
        }
        bench.pass(10).await;
    }
}

fn taints(bench: &Bench, name: &str) -> Vec<String> {
    let node = bench.get(&NODES, name);
    let text = |taint: &Value| {
        let key = taint["key"].as_str().expect("a key").rsplit('/').next().expect("a name").to_owned();
        format!("{key}:{}", taint["effect"].as_str().expect("an effect"))
    };
    node.items("/spec/taints").iter().map(text).collect()
}

fn ready(bench: &Bench, name: &str) -> String {
    bench.condition(&NODES, name, "Ready")
}

fn running(bench: &Bench, name: &str, on: &str) {
    let mut value = pod(name);
    value["spec"]["nodeName"] = on.into();
    let tolerates = |key: &str| json!({ "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 });
    value["spec"]["tolerations"] = json!([tolerates("not-ready"), tolerates("unreachable")]);
    let pod = bench.create(value);
    bench.phase(&pod, "Running");
}

#[tokio::test(start_paused = true)]
async fn a_lease_alone_keeps_a_node_alive() {
    let mut bench = bench(&["a"]);
    pass(&mut bench, 300, &["a"]).await;
    assert_eq!(ready(&bench, "a"), "True");
    assert_eq!(bench.events("a"), ["RegisteredNode: Node a event: Registered Node a in Controller"]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_node_is_unknown_after_fifty_seconds_and_its_pods_are_not_ready() {
    let mut bench = bench(&["a", "b"]);
    running(&bench, "p", "a");
    pass(&mut bench, 40, &["b"]).await;
    assert_eq!(ready(&bench, "a"), "True");
    pass(&mut bench, 20, &["b"]).await;
    assert_eq!(ready(&bench, "a"), "Unknown NodeStatusUnknown");
    assert_eq!(bench.condition(&NODES, "a", "MemoryPressure"), "Unknown NodeStatusNeverUpdated");
    assert_eq!(taints(&bench, "a"), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
    assert!(taints(&bench, "b").is_empty());
    assert_eq!(bench.condition(&PODS, "p", "Ready"), "False");
    assert!(bench.events("a").contains(&"NodeNotReady: Node a status is now: NodeNotReady".to_owned()));
    assert_eq!(bench.events("p"), ["NodeNotReady: Node is not ready"]);
    // The node comes back before the patience of the pod is over.
    pass(&mut bench, 200, &["b"]).await;
    bench.update(&bench.get(&NODES, "a"), |node| {
        let ready = json!({ "type": "Ready", "status": "True", "lastHeartbeatTime": "later" });
        node["status"]["conditions"] = json!([ready]);
    });
    pass(&mut bench, 200, &["a", "b"]).await;
    assert!(taints(&bench, "a").is_empty());
    assert!(!bench.get(&PODS, "p").is_deleting());
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_silent_node_are_evicted_after_five_minutes() {
    let mut bench = bench(&["a", "b"]);
    running(&bench, "p", "a");
    pass(&mut bench, 340, &["b"]).await;
    assert!(!bench.get(&PODS, "p").is_deleting());
    pass(&mut bench, 20, &["b"]).await;
    assert!(bench.get(&PODS, "p").is_deleting());
    assert_eq!(bench.condition(&PODS, "p", "DisruptionTarget"), "True DeletionByTaintManager");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_evicted_when_every_node_is_silent() {
    let mut bench = bench(&["a"]);
    running(&bench, "p", "a");
    pass(&mut bench, 600, &[]).await;
    assert_eq!(taints(&bench, "a"), ["unreachable:NoSchedule"]);
    assert!(!bench.get(&PODS, "p").is_deleting());
    // Another node shows that the silence is not here.
    bench.create(node("b", 4));
    bench.settle();
    assert_eq!(taints(&bench, "a"), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_says_it_is_not_ready_is_marked_so() {
    let mut bench = bench(&["a", "b"]);
    bench.update(&bench.get(&NODES, "a"), |node| {
        node["status"]["conditions"] = json!([
            { "type": "Ready", "status": "False", "lastHeartbeatTime": "1" },
            { "type": "DiskPressure", "status": "True" },
        ]);
    });
    bench.settle();
    let expected = ["not-ready:NoSchedule", "disk-pressure:NoSchedule", "not-ready:NoExecute"];
    assert_eq!(taints(&bench, "a"), expected);
}

#[tokio::test(start_paused = true)]
async fn a_cordon_is_a_taint_as_well_and_those_of_others_stay() {
    let mut bench = bench(&["a"]);
    bench.update(&bench.get(&NODES, "a"), |node| {
        node["spec"] =
            json!({ "unschedulable": true, "taints": [{ "key": "x/own", "effect": "NoExecute" }] });
    });
    bench.settle();
    assert_eq!(taints(&bench, "a"), ["own:NoExecute", "unschedulable:NoSchedule"]);
    bench.update(&bench.get(&NODES, "a"), |node| node["spec"]["unschedulable"] = Value::Null);
    bench.settle();
    assert_eq!(taints(&bench, "a"), ["own:NoExecute"]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_never_said_anything_is_unknown_after_a_minute() {
    let mut bench = bench(&["b"]);
    bench.create(json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "a" }, "spec": {} }));
    pass(&mut bench, 50, &["b"]).await;
    assert_eq!(ready(&bench, "a"), "");
    pass(&mut bench, 20, &["b"]).await;
    assert_eq!(ready(&bench, "a"), "Unknown NodeStatusNeverUpdated");
    bench.delete(&bench.get(&NODES, "a"), &super::super::super::store::DeleteOptions::default());
    bench.settle();
    let last = "RemovingNode: Node a event: Removing Node a from Controller";
    assert_eq!(bench.events("a").last().map(String::as_str), Some(last));
}
