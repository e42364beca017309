//! The scheduler alone.

use serde_json::{Value, json};

use super::super::harness::{Harness, node, pod};
use super::super::json;
use super::*;

fn harness() -> Harness {
    Harness::new(vec![Box::<Scheduler>::default()])
}

fn on(harness: &Harness, name: &str) -> String {
    pods::node(&harness.get(&PODS, name)).to_owned()
}

fn refusal(harness: &Harness, name: &str) -> String {
    let pod = harness.get(&PODS, name);
    let condition = json::condition(pod.value(), "PodScheduled").expect("a condition");
    assert_eq!(condition["status"], "False");
    assert_eq!(condition["reason"], "Unschedulable");
    condition["message"].as_str().expect("a message").to_owned()
}

fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let path: Vec<&str> = pointer.split('/').collect();
    json::set(&mut value, &path, new);
    value
}

#[tokio::test(start_paused = true)]
async fn a_pod_goes_to_the_least_loaded_node_and_among_equals_to_the_first_by_name() {
    let mut harness = harness();
    for name in ["b", "a"] {
        harness.create(node(name, 4));
    }
    for name in ["one", "three", "two"] {
        harness.create(pod(name));
        harness.run_to_rest();
    }
    assert_eq!([on(&harness, "one"), on(&harness, "three"), on(&harness, "two")], ["a", "b", "a"]);
    assert_eq!(harness.condition(&PODS, "one", "PodScheduled"), "True");
    assert_eq!(harness.events("one"), ["Scheduled: Successfully assigned default/one to a"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fits_nowhere_gets_the_reason_once() {
    let mut harness = harness();
    let gpu = json!([{ "name": "c", "resources": { "requests": { "nvidia.com/gpu": "1" } } }]);
    harness.create(with(pod("gpu"), "spec/containers", gpu));
    harness.run_to_rest();
    assert_eq!(refusal(&harness, "gpu"), "no nodes available to schedule pods");
    harness.create(node("a", 4));
    harness.pass(20).await;
    let expected = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: \
                    1 Preemption is not helpful for scheduling.";
    assert_eq!(refusal(&harness, "gpu"), expected);
    // A heartbeat is no news, and the same answer is given once.
    harness.update(&harness.get(&NODES, "a"), |node| {
        node["status"]["conditions"][0]["lastHeartbeatTime"] = "1".into();
    });
    harness.pass(20).await;
    assert_eq!(harness.events("gpu").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn room_is_counted_in_processors_and_comes_back_when_a_pod_ends() {
    let mut harness = harness();
    harness.create(node("a", 1));
    harness.create(pod("first"));
    harness.create(pod("second"));
    harness.run_to_rest();
    let expected = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: \
                    1 No preemption victims found for incoming pod.";
    assert_eq!(refusal(&harness, "second"), expected);
    harness.phase(&harness.get(&PODS, "first"), "Succeeded");
    harness.pass(2).await;
    assert_eq!(on(&harness, "second"), "a");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_pods_is_bounded() {
    let mut harness = harness();
    harness.create(with(node("a", 64), "status/allocatable/pods", "2".into()));
    for name in ["one", "three", "two"] {
        harness.create(pod(name));
    }
    harness.run_to_rest();
    assert!(refusal(&harness, "two").starts_with("0/1 nodes are available: 1 Too many pods. preemption: "));
}

#[tokio::test(start_paused = true)]
async fn taints_cordons_and_selectors_keep_pods_away() {
    let mut harness = harness();
    let taint = json!([{ "key": "k", "value": "v", "effect": "NoSchedule" }]);
    harness.create(with(node("a", 4), "spec/taints", taint));
    harness.create(with(node("b", 4), "spec/unschedulable", true.into()));
    harness.create(pod("any"));
    let tolerations = json!([{ "key": "k", "operator": "Equal", "value": "v" }]);
    harness.create(with(pod("tolerant"), "spec/tolerations", tolerations));
    let selector = json!({ "kubernetes.io/hostname": "c" });
    harness.create(with(pod("picky"), "spec/nodeSelector", selector));
    harness.create(node("c", 0));
    harness.run_to_rest();
    let expected = "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), \
                    1 node(s) were unschedulable. preemption: 0/3 nodes are available: \
                    3 Preemption is not helpful for scheduling.";
    assert_eq!(refusal(&harness, "any"), expected);
    assert_eq!(on(&harness, "tolerant"), "a");
    harness.update(&harness.get(&NODES, "c"), |node| node["status"]["allocatable"]["cpu"] = "1".into());
    harness.pass(2).await;
    // The one that came first takes the room.
    assert_eq!([on(&harness, "any"), on(&harness, "picky")], ["c", ""]);
}

#[tokio::test(start_paused = true)]
async fn affinity_knows_all_operators_and_the_name_of_the_node() {
    let facts = Facts {
        name: "n".to_owned(),
        labels: [("zone", "z1"), ("size", "8")].map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..Facts::default()
    };
    let matches = |term: Value| {
        let required = json!({ "nodeSelectorTerms": [term] });
        let affinity =
            json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": required } });
        let store = harness().store;
        let pod = store.create(&PODS, with(pod("p"), "spec/affinity", affinity)).expect("created");
        affinity::matches(&pod, &facts)
    };
    let label = |key: &str, operator: &str, values: &[&str]| {
        matches(json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }))
    };
    assert!(
        label("zone", "In", &["z0", "z1"]) && !label("zone", "In", &["z0"]) && !label("none", "In", &["z1"])
    );
    assert!(
        label("zone", "NotIn", &["z0"]) && !label("zone", "NotIn", &["z1"]) && label("none", "NotIn", &["z"])
    );
    assert!(label("zone", "Exists", &[]) && !label("none", "Exists", &[]));
    assert!(label("none", "DoesNotExist", &[]) && !label("zone", "DoesNotExist", &[]));
    assert!(label("size", "Gt", &["7"]) && !label("size", "Gt", &["8"]) && label("size", "Lt", &["9"]));
    assert!(!label("zone", "Gt", &["7"]));
    let field = |name: &str| {
        matches(json!({ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [name] }] }))
    };
    assert!(field("n") && !field("m"));
    assert!(!matches(json!({})));
}

#[tokio::test(start_paused = true)]
async fn init_containers_and_sidecars_count_as_the_kubelet_runs_them() {
    let harness = harness();
    let cpu =
        |name: &str, amount: &str| json!({ "name": name, "resources": { "requests": { "cpu": amount } } });
    let sidecar = with(cpu("side", "500m"), "restartPolicy", "Always".into());
    let mut value = pod("p");
    value["spec"]["initContainers"] = json!([sidecar, cpu("init", "3")]);
    value["spec"]["overhead"] = json!({ "cpu": "250m" });
    let demand = Demand::of(&harness.create(value));
    assert_eq!(demand.amounts.get("cpu"), Some(&3750));
}

#[tokio::test(start_paused = true)]
async fn the_more_important_pod_goes_first() {
    let mut harness = harness();
    harness.create(pod("low"));
    harness.create(with(pod("high"), "spec/priority", 100.into()));
    harness.create(node("a", 1));
    harness.run_to_rest();
    assert_eq!([on(&harness, "high"), on(&harness, "low")], ["a", ""]);
}

#[tokio::test(start_paused = true)]
async fn pods_of_others_and_gated_pods_are_left_alone() {
    let mut harness = harness();
    harness.create(node("a", 4));
    let before = harness.create(with(pod("other"), "spec/schedulerName", "mine".into()));
    harness.create(with(pod("gated"), "spec/schedulingGates", json!([{ "name": "g" }])));
    harness.run_to_rest();
    assert_eq!(harness.get(&PODS, "other").version(), before.version());
    assert_eq!(on(&harness, "gated"), "");
    harness.update(&harness.get(&PODS, "gated"), |pod| pod["spec"]["schedulingGates"] = json!([]));
    harness.run_to_rest();
    assert_eq!(on(&harness, "gated"), "a");
}

#[tokio::test(start_paused = true)]
async fn the_same_inputs_give_the_same_versions() {
    async fn trace() -> Vec<String> {
        let mut harness = harness();
        for name in ["a", "b", "c"] {
            harness.create(node(name, 3));
        }
        for number in 0..12 {
            harness.create(pod(&format!("p{number}")));
        }
        harness.pass(30).await;
        harness.trace()
    }
    assert_eq!(trace().await, trace().await);
}
