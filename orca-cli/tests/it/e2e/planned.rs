//! What people and Kubernetes do to pods on purpose: gates, suspension, eviction. None of it is an accident.

use std::time::Duration;

use serde_json::json;

use super::cluster::{JOBS, PODS};
use super::world::{World, pod};

anywhere! {
    a_gated_pod_buys_nothing_until_its_gates_are_gone,
    a_suspended_job_lets_its_instances_go_and_counts_no_failure,
    an_evicted_pod_ends_as_a_disruption,
}

const JOB: &str = include_str!("../../../../examples/kubernetes/batch-job.yaml");

async fn a_gated_pod_buys_nothing_until_its_gates_are_gone(world: World) {
    let _orca = world.orca().await;
    world.apply(&(pod("gated") + "  schedulingGates: [{name: example.com/quota}]\n")).await;
    world
        .eventually("it prints why", || async {
            (world.cluster.printed("gated").await?.1 == "SchedulingGated").then_some(())
        })
        .await;
    world
        .stays(Duration::from_secs(2), "nothing is launched", || async { world.proxy.launched().is_empty() })
        .await;
    world.cluster.merge(PODS, "gated", json!({ "spec": { "schedulingGates": null } })).await;
    world.running(1).await;
    world.assert_one_instance_each(1);
}

async fn a_suspended_job_lets_its_instances_go_and_counts_no_failure(world: World) {
    let _orca = world.orca().await;
    let job = JOB.replace("completions: 20", "completions: 2").replace("parallelism: 20", "parallelism: 2");
    world.apply(&job).await;
    world.running(2).await;
    world.cluster.merge(JOBS, "batch", json!({ "spec": { "suspend": true } })).await;
    world
        .eventually("pods and instances are gone", || async {
            let none = world.pods().await.is_empty() && world.probe.alive().await.ok()?.is_empty();
            none.then_some(())
        })
        .await;
    let paused = world.cluster.get(JOBS, "batch").await.expect("the job");
    assert!(paused["status"]["failed"].is_null(), "nobody failed: {}", paused["status"]);
    world.cluster.merge(JOBS, "batch", json!({ "spec": { "suspend": false } })).await;
    world.running(2).await;
    let resumed = world.cluster.get(JOBS, "batch").await.expect("the job");
    assert!(resumed["status"]["failed"].is_null(), "nobody failed: {}", resumed["status"]);
    world.assert_one_instance_each(4);
}

async fn an_evicted_pod_ends_as_a_disruption(world: World) {
    let _orca = world.orca().await;
    world.apply(&pod("moved")).await;
    world.running(1).await;
    let changes = world.cluster.watch_until_gone(PODS, "moved").await;
    world.cluster.evict("moved").await;
    let changes = changes.await.expect("changes");
    let last = &changes.last().expect("its end").1["status"];
    assert_eq!(last["phase"], "Failed", "B45");
    let conditions = last["conditions"].as_array().expect("conditions");
    let found = conditions.iter().find(|condition| condition["type"] == "DisruptionTarget");
    assert_eq!(
        found.expect("a disruption")["reason"],
        "EvictionByEvictionAPI",
        "whoever counts failures sees it"
    );
    world.empty().await;
}
