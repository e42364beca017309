//! The daemon set controller with a scheduler beside it.

use serde_json::json;

use super::super::harness::{Harness, node};
use super::super::scheduler::Scheduler;
use super::*;

fn harness() -> Harness {
    Harness::new(vec![Box::<DaemonSets>::default(), Box::<Scheduler>::default()])
}

fn set(selector: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": { "name": "agent", "namespace": "default", "generation": 1 },
        "spec": {
            "selector": { "matchLabels": { "app": "agent" } },
            "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 1, "maxSurge": 0 } },
            "template": {
                "metadata": { "labels": { "app": "agent" } },
                "spec": {
                    "nodeSelector": selector, "schedulerName": "default-scheduler",
                    "containers": [{ "name": "c", "image": "i" }],
                },
            },
        },
    })
}

fn places(harness: &Harness) -> Vec<String> {
    let mut names: Vec<String> = harness
        .list(&PODS)
        .iter()
        .filter(|pod| !pod.is_deleting())
        .map(|pod| pods::node(pod).to_owned())
        .collect();
    names.sort();
    names
}

fn counts(harness: &Harness) -> [Value; 4] {
    ["desiredNumberScheduled", "currentNumberScheduled", "numberReady", "numberMisscheduled"]
        .map(|name| harness.at(&DAEMONSETS, "agent", &format!("/status/{name}")))
}

#[tokio::test(start_paused = true)]
async fn each_node_that_goes_with_the_template_gets_one_pod() {
    let mut harness = harness();
    for name in ["a", "b"] {
        harness.create(node(name, 4));
    }
    let mut barred = node("c", 4);
    barred["spec"]["taints"] = json!([{ "key": "mine", "effect": "NoSchedule" }]);
    harness.create(barred);
    harness.create(set(&json!({})));
    harness.run_to_rest();
    assert_eq!(places(&harness), ["a", "b"]);
    harness.run_pods();
    harness.run_to_rest();
    assert_eq!(counts(&harness), [json!(2), json!(2), json!(2), json!(0)]);

    harness.create(node("d", 4));
    harness.run_to_rest();
    assert_eq!(places(&harness), ["a", "b", "d"], "a new node gets its own");
    // A cordoned node keeps its daemon, and one that is driven from does not.
    harness.update(&harness.get(&NODES, "a"), |node| {
        node["spec"]["taints"] =
            json!([{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }]);
    });
    harness.update(&harness.get(&NODES, "b"), |node| {
        node["spec"]["taints"] = json!([{ "key": "mine", "effect": "NoExecute" }]);
    });
    harness.run_to_rest();
    assert_eq!(places(&harness), ["a", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_pod_is_replaced_and_reported() {
    let mut harness = harness();
    harness.create(node("a", 4));
    harness.create(set(&json!({})));
    harness.pass(5).await;
    let first = harness.list(&PODS).remove(0);
    harness.phase(&first, "Failed");
    harness.pass(5).await;
    let second = harness.list(&PODS);
    assert_eq!(second.len(), 1);
    assert_ne!(second[0].uid(), first.uid());
    let said = harness.events("agent");
    assert!(
        said.iter().any(|line| line.starts_with("FailedDaemonPod: Found failed daemon pod default/")),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_update_replaces_one_pod_at_a_time() {
    let mut harness = harness();
    for name in ["a", "b"] {
        harness.create(node(name, 4));
    }
    harness.create(set(&json!({})));
    harness.run_to_rest();
    harness.run_pods();
    harness.run_to_rest();
    harness.update(&harness.get(&DAEMONSETS, "agent"), |set| {
        set["spec"]["template"]["spec"]["containers"][0]["image"] = "new".into();
    });
    harness.run_to_rest();
    let ending = harness.list(&PODS).into_iter().filter(|pod| pod.is_deleting()).collect::<Vec<_>>();
    assert_eq!(ending.len(), 1, "the other one waits until it is there again");
    harness.remove(&ending[0]);
    harness.run_to_rest();
    harness.run_pods();
    harness.run_to_rest();
    let last = harness.list(&PODS).into_iter().find(|pod| pod.is_deleting()).expect("the other one");
    harness.remove(&last);
    harness.run_to_rest();
    let images: Vec<_> =
        harness.list(&PODS).iter().map(|pod| pod.text("/spec/containers/0/image").to_owned()).collect();
    assert_eq!(images, ["new", "new"]);
}
