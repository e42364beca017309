//! All controllers together, as a cluster has them.

use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, node, pod};
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
    let mut bench = Bench::full();
    for name in ["a", "b"] {
        bench.create(node(name, 4));
    }
    bench.create(deployment(4));
    bench.create(job(2));
    bench.pass(2).await;
    let all = bench.list(&PODS);
    assert_eq!(all.len(), 6);
    assert!(
        all.iter().all(|pod| !pods::node(pod).is_empty() && pod.text("/status/qosClass") == "BestEffort")
    );
    assert_eq!(all[0].text("/spec/serviceAccountName"), "default");
    bench.run_pods();
    bench.pass(2).await;
    assert_eq!(bench.condition(&DEPLOYMENTS, "web", "Progressing"), "True NewReplicaSetAvailable");
    for pod in bench.list(&PODS).iter().filter(|pod| pod.name().starts_with("work")) {
        bench.phase(pod, "Succeeded");
    }
    bench.pass(2).await;
    assert_eq!(bench.condition(&JOBS, "work", "Complete"), "True CompletionsReached");
    bench.delete(&bench.get(&DEPLOYMENTS, "web"), &DeleteOptions::default());
    bench.delete(&bench.get(&JOBS, "work"), &DeleteOptions::default());
    bench.pass(1).await;
    for pod in bench.list(&PODS) {
        assert!(pod.is_deleting(), "{}", pod.name());
        bench.remove(&pod);
    }
    bench.pass(1).await;
    assert!(bench.list(&PODS).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_inputs_give_the_same_objects_and_versions() {
    async fn trace() -> Vec<String> {
        let mut bench = Bench::full();
        for name in ["a", "b", "c"] {
            bench.create(node(name, 8));
        }
        bench.create(deployment(9));
        bench.create(job(7));
        bench.pass(2).await;
        bench.run_pods();
        bench.pass(100).await;
        bench.delete(&bench.get(&NODES, "b"), &DeleteOptions::default());
        bench.pass(600).await;
        bench.trace()
    }
    let first = trace().await;
    assert!(first.len() > 40);
    assert_eq!(first, trace().await);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_lost_its_place_starts_afresh() {
    let mut bench = Bench::full();
    bench.create(node("a", 64));
    bench.settle();
    bench.create(deployment(3));
    let gone = bench.create(pod("gone"));
    bench.settle();
    bench.create(pod("late"));
    bench.remove(&bench.get(&PODS, gone.name()));
    bench.store.compact();
    bench.pass(1).await;
    assert_eq!(pods::node(&bench.get(&PODS, "late")), "a");
    assert_eq!(bench.list(&PODS).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_task_follows_the_store_by_itself() {
    let bench = Bench::full();
    let task = tokio::spawn(Controllers::new(&bench.store).run());
    bench.create(node("a", 4));
    bench.create(deployment(2));
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.run_pods();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.at(&DEPLOYMENTS, "web", "/status/availableReplicas"), 2);
    assert!(!task.is_finished());
    task.abort();
}

/// Some seconds without optimisation, most of it for the writes. A walk over all pods for each change would
/// take many minutes.
#[tokio::test(start_paused = true)]
async fn changes_of_ten_thousand_pods_that_are_bound_cost_little() {
    let mut bench = Bench::full();
    bench.create(node("a", 4));
    for number in 0..10_000 {
        let mut value = pod(&format!("p{number}"));
        value["spec"]["nodeName"] = "a".into();
        bench.create(value);
    }
    bench.settle();
    let written = bench.store.revision();
    for phase in ["Running", "Succeeded"] {
        for pod in bench.list(&PODS) {
            bench.phase(&pod, phase);
            bench.settle();
        }
    }
    // The controllers had nothing to add.
    assert_eq!(bench.store.revision(), written + 20_000);
    assert!(bench.list(&LEASES).is_empty());
}
