//! The scheduler alone.

use serde_json::{Value, json};

use super::super::bench::{Bench, node, pod};
use super::super::json;
use super::*;

fn bench() -> Bench {
    Bench::new(vec![Box::<Scheduler>::default()])
}

fn on(bench: &Bench, name: &str) -> String {
    pods::node(&bench.get(&PODS, name)).to_owned()
}

fn refusal(bench: &Bench, name: &str) -> String {
    let pod = bench.get(&PODS, name);
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
    let mut bench = bench();
    for name in ["b", "a"] {
        bench.create(node(name, 4));
    }
    for name in ["one", "three", "two"] {
        bench.create(pod(name));
        bench.settle();
    }
    assert_eq!([on(&bench, "one"), on(&bench, "three"), on(&bench, "two")], ["a", "b", "a"]);
    assert_eq!(bench.condition(&PODS, "one", "PodScheduled"), "True");
    assert_eq!(bench.events("one"), ["Scheduled: Successfully assigned default/one to a"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fits_nowhere_is_told_why_once() {
    let mut bench = bench();
    let gpu = json!([{ "name": "c", "resources": { "limits": { "nvidia.com/gpu": 1 } } }]);
    bench.create(with(pod("gpu"), "spec/containers", gpu));
    bench.settle();
    assert_eq!(refusal(&bench, "gpu"), "no nodes available to schedule pods");
    bench.create(node("a", 4));
    bench.pass(20).await;
    let expected = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: \
                    1 Preemption is not helpful for scheduling.";
    assert_eq!(refusal(&bench, "gpu"), expected);
    // A heartbeat is no news, and the same answer is given once.
    bench.update(&bench.get(&NODES, "a"), |node| {
        node["status"]["conditions"][0]["lastHeartbeatTime"] = "1".into();
    });
    bench.pass(20).await;
    assert_eq!(bench.events("gpu").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn room_is_counted_in_processors_and_comes_back_when_a_pod_ends() {
    let mut bench = bench();
    bench.create(node("a", 1));
    bench.create(pod("first"));
    bench.create(pod("second"));
    bench.settle();
    let expected = "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: \
                    1 No preemption victims found for incoming pod.";
    assert_eq!(refusal(&bench, "second"), expected);
    bench.phase(&bench.get(&PODS, "first"), "Succeeded");
    bench.pass(2).await;
    assert_eq!(on(&bench, "second"), "a");
}

#[tokio::test(start_paused = true)]
async fn the_number_of_pods_is_bounded() {
    let mut bench = bench();
    bench.create(with(node("a", 64), "status/allocatable/pods", "2".into()));
    for name in ["one", "three", "two"] {
        bench.create(pod(name));
    }
    bench.settle();
    assert!(refusal(&bench, "two").starts_with("0/1 nodes are available: 1 Too many pods. preemption: "));
}

#[tokio::test(start_paused = true)]
async fn taints_cordons_and_selectors_keep_pods_away() {
    let mut bench = bench();
    let taint = json!([{ "key": "k", "value": "v", "effect": "NoSchedule" }]);
    bench.create(with(node("a", 4), "spec/taints", taint));
    bench.create(with(node("b", 4), "spec/unschedulable", true.into()));
    bench.create(pod("any"));
    let tolerations = json!([{ "key": "k", "operator": "Equal", "value": "v" }]);
    bench.create(with(pod("tolerant"), "spec/tolerations", tolerations));
    let selector = json!({ "kubernetes.io/hostname": "c" });
    bench.create(with(pod("picky"), "spec/nodeSelector", selector));
    bench.create(node("c", 0));
    bench.settle();
    let expected = "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), \
                    1 node(s) were unschedulable. preemption: 0/3 nodes are available: \
                    3 Preemption is not helpful for scheduling.";
    assert_eq!(refusal(&bench, "any"), expected);
    assert_eq!(on(&bench, "tolerant"), "a");
    bench.update(&bench.get(&NODES, "c"), |node| node["status"]["allocatable"]["cpu"] = "1".into());
    bench.pass(2).await;
    // The one that came first takes the room.
    assert_eq!([on(&bench, "any"), on(&bench, "picky")], ["c", ""]);
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
        let store = bench().store;
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
    let bench = bench();
    let cpu =
        |name: &str, amount: &str| json!({ "name": name, "resources": { "requests": { "cpu": amount } } });
    let sidecar = with(cpu("side", "500m"), "restartPolicy", "Always".into());
    let mut value = pod("p");
    value["spec"]["initContainers"] = json!([sidecar, cpu("init", "3")]);
    value["spec"]["overhead"] = json!({ "cpu": "250m" });
    let demand = Demand::of(&bench.create(value));
    assert_eq!(demand.amounts.get("cpu"), Some(&3750));
}

#[tokio::test(start_paused = true)]
async fn the_more_important_pod_goes_first() {
    let mut bench = bench();
    bench.create(pod("low"));
    bench.create(with(pod("high"), "spec/priority", 100.into()));
    bench.create(node("a", 1));
    bench.settle();
    assert_eq!([on(&bench, "high"), on(&bench, "low")], ["a", ""]);
}

#[tokio::test(start_paused = true)]
async fn pods_of_others_and_gated_pods_are_left_alone() {
    let mut bench = bench();
    bench.create(node("a", 4));
    let before = bench.create(with(pod("other"), "spec/schedulerName", "mine".into()));
    bench.create(with(pod("gated"), "spec/schedulingGates", json!([{ "name": "g" }])));
    bench.settle();
    assert_eq!(bench.get(&PODS, "other").version(), before.version());
    assert_eq!(on(&bench, "gated"), "");
    bench.update(&bench.get(&PODS, "gated"), |pod| pod["spec"]["schedulingGates"] = json!([]));
    bench.settle();
    assert_eq!(on(&bench, "gated"), "a");
}

#[tokio::test(start_paused = true)]
async fn the_same_inputs_give_the_same_versions() {
    async fn trace() -> Vec<String> {
        let mut bench = bench();
        for name in ["a", "b", "c"] {
            bench.create(node(name, 3));
        }
        for number in 0..12 {
            bench.create(pod(&format!("p{number}")));
        }
        bench.pass(30).await;
        bench.trace()
    }
    assert_eq!(trace().await, trace().await);
}
