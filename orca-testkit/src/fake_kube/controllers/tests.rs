//! All controllers together, as a cluster has them.

use std::time::Duration;

use serde_json::{Value, json};

use super::harness::{Harness, node, pod};
use super::*;
use crate::fake_kube::resource::{DEPLOYMENTS, JOBS, LEASES, NODES, PODS};
use crate::fake_kube::store::DeleteOptions;

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": "default" },
        "spec": {
            "replicas": replicas, "progressDeadlineSeconds": 600, "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "c", "image": "i" }] },
            },
        },
    })
}

fn job(pods: u32) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": "work", "namespace": "default" },
        "spec": {
            "parallelism": pods, "completions": pods,
            "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "i" }] } },
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_deployment_and_a_job_get_to_nodes_and_leave_nothing_behind() {
    let mut harness = Harness::full();
    for name in ["a", "b"] {
        harness.create(node(name, 4));
    }
    harness.create(deployment(4));
    harness.create(job(2));
    harness.pass(2).await;
    let all = harness.list(&PODS);
    assert_eq!(all.len(), 6);
    assert!(
        all.iter().all(|pod| !pods::node(pod).is_empty() && pod.text("/status/qosClass") == "BestEffort")
    );
    assert_eq!(all[0].text("/spec/serviceAccountName"), "default");
    harness.run_pods();
    harness.pass(2).await;
    assert_eq!(harness.condition(&DEPLOYMENTS, "web", "Progressing"), "True NewReplicaSetAvailable");
    for pod in harness.list(&PODS).iter().filter(|pod| pod.name().starts_with("work")) {
        harness.phase(pod, "Succeeded");
    }
    harness.pass(2).await;
    assert_eq!(harness.condition(&JOBS, "work", "Complete"), "True CompletionsReached");
    harness.delete(&harness.get(&DEPLOYMENTS, "web"), &DeleteOptions::default());
    harness.delete(&harness.get(&JOBS, "work"), &DeleteOptions::default());
    harness.pass(1).await;
    for pod in harness.list(&PODS) {
        assert!(pod.is_deleting(), "{}", pod.name());
        harness.remove(&pod);
    }
    harness.pass(1).await;
    assert!(harness.list(&PODS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_inputs_give_the_same_objects_and_versions() {
    async fn trace() -> Vec<String> {
        let mut harness = Harness::full();
        for name in ["a", "b", "c"] {
            harness.create(node(name, 8));
        }
        harness.create(deployment(9));
        harness.create(job(7));
        harness.pass(2).await;
        harness.run_pods();
        harness.pass(100).await;
        harness.delete(&harness.get(&NODES, "b"), &DeleteOptions::default());
        harness.pass(600).await;
        harness.trace()
    }
    let first = trace().await;
    assert!(first.len() > 40);
    assert_eq!(first, trace().await);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_lost_its_place_starts_afresh() {
    let mut harness = Harness::full();
    harness.create(node("a", 64));
    harness.run_to_rest();
    harness.create(deployment(3));
    let gone = harness.create(pod("gone"));
    harness.run_to_rest();
    harness.create(pod("late"));
    harness.remove(&harness.get(&PODS, gone.name()));
    harness.store.compact();
    harness.pass(1).await;
    assert_eq!(pods::node(&harness.get(&PODS, "late")), "a");
    assert_eq!(harness.list(&PODS).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_task_follows_the_store_by_itself() {
    let harness = Harness::full();
    let task = tokio::spawn(Controllers::new(&harness.store).run());
    harness.create(node("a", 4));
    harness.create(deployment(2));
    tokio::time::sleep(Duration::from_secs(1)).await;
    harness.run_pods();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(harness.at(&DEPLOYMENTS, "web", "/status/availableReplicas"), 2);
    assert!(!task.is_finished());
    task.abort();
}

/// Some seconds without optimisation, most of it for the writes. A walk over all pods for each change would
/// take many minutes.
#[tokio::test(start_paused = true)]
async fn changes_of_ten_thousand_pods_that_are_bound_cost_little() {
    let mut harness = Harness::full();
    harness.create(node("a", 4));
    for number in 0..10_000 {
        let mut value = pod(&format!("p{number}"));
        value["spec"]["nodeName"] = "a".into();
        harness.create(value);
    }
    harness.run_to_rest();
    let written = harness.store.revision();
    for phase in ["Running", "Succeeded"] {
        for pod in harness.list(&PODS) {
            harness.phase(&pod, phase);
            harness.run_to_rest();
        }
    }
    // The controllers had nothing to add.
    assert_eq!(harness.store.revision(), written + 20_000);
    assert!(harness.list(&LEASES).is_empty());
}
