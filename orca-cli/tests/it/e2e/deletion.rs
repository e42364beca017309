//! Deletion in every awkward moment: the instance goes, and the object not before it.

use std::time::Duration;

use orca_testkit::servers::proxy::{Effect, Fault};

use super::cluster::{Deletion, PODS};
use super::world::{World, pod};

anywhere! {
    a_force_deleted_pods_instance_goes_and_its_successor_of_the_same_name_runs,
    a_pod_deleted_during_its_launch_leaves_no_instance,
    an_object_stays_while_its_instance_cannot_be_terminated,
    a_pod_deleted_while_orca_was_away_goes_when_it_is_back,
    a_pod_that_was_never_launched_does_not_show_that_its_instance_ended,
}

async fn a_force_deleted_pods_instance_goes_and_its_successor_of_the_same_name_runs(world: World) {
    let _orca = world.orca().await;
    world.apply(&pod("same")).await;
    let first = world.running(1).await.remove(0);
    world.cluster.delete(PODS, "same", Deletion::Force).await;
    world.apply(&pod("same")).await;
    let second = world
        .eventually("the successor runs and only its instance is alive", || async {
            let pod = world.cluster.get(PODS, "same").await?;
            let alive = world.probe.alive().await.ok()?;
            let uid = pod["metadata"]["uid"].as_str()?.to_owned();
            let is_its = alive.len() == 1 && alive[0].tags.get("orca.research/pod-uid") == Some(&uid);
            (pod["status"]["phase"] == "Running" && is_its).then_some(pod)
        })
        .await;
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    world.assert_one_instance_each(2);
    world.cluster.delete(PODS, "same", Deletion::Wait).await;
    world.empty().await;
}

async fn a_pod_deleted_during_its_launch_leaves_no_instance(world: World) {
    let _orca = world.orca().await;
    world
        .proxy
        .fault(Fault::on("RunInstances", Effect::DelayAfter(Duration::from_secs(3))).when("*", "slow"));
    world.proxy.fault(Fault::on("RunInstances", Effect::DropAfter).when("*", "lost"));
    world
        .proxy
        .fault(Fault::on("RunInstances", Effect::DelayBefore(Duration::from_secs(3))).when("*", "force"));
    for name in ["slow", "lost", "force"] {
        world.apply(&pod(name)).await;
    }
    world
        .eventually("all three launches are on their way", || async {
            (world.proxy.calls_of("RunInstances").len() >= 3).then_some(())
        })
        .await;
    for name in ["slow", "lost"] {
        world.cluster.delete(PODS, name, Deletion::Start).await;
    }
    world.cluster.delete(PODS, "force", Deletion::Force).await;
    world
        .eventually("three launches were executed", || async {
            (world.proxy.launched().len() == 3).then_some(())
        })
        .await;
    world.empty().await;
    world.assert_one_instance_each(3);
}

async fn an_object_stays_while_its_instance_cannot_be_terminated(world: World) {
    let _orca = world.orca().await;
    world.apply(&pod("stuck")).await;
    world.running(1).await;
    let fault =
        world.proxy.fault(Fault::on("TerminateInstances", Effect::refuse("InternalError", 500)).always());
    world.cluster.delete(PODS, "stuck", Deletion::Start).await;
    world
        .eventually("termination was tried and failed", || async {
            (world.proxy.hits(fault) >= 2).then_some(())
        })
        .await;
    assert_eq!(world.pods().await.len(), 1, "B44");
    assert_eq!(world.probe.alive().await.expect("instances").len(), 1);
    world.proxy.clear_faults();
    world.empty().await;
}

async fn a_pod_deleted_while_orca_was_away_goes_when_it_is_back(world: World) {
    let orca = world.orca().await;
    world.apply(&pod("deleted")).await;
    world.apply(&pod("forced")).await;
    world.running(2).await;
    orca.kill();
    world.cluster.delete(PODS, "deleted", Deletion::Start).await;
    let _orca = world.orca().await;
    world
        .eventually("B48: the deleted pod and its instance are gone", || async {
            let alive = world.probe.alive().await.ok()?;
            (alive.len() == 1 && world.pods().await.len() == 1).then_some(())
        })
        .await;
}

async fn a_pod_that_was_never_launched_does_not_show_that_its_instance_ended(world: World) {
    let _orca = world.orca().await;
    // Its capacity is refused, so it waits; a finalizer keeps the object after its end.
    world
        .proxy
        .fault(Fault::on("RunInstances", Effect::refuse("InsufficientInstanceCapacity", 500)).always());
    let kept = pod("waits").replace("metadata:\n", "metadata:\n  finalizers: [example.com/audit]\n");
    world.apply(&kept).await;
    world.says("waits", "InsufficientInstanceCapacity").await;
    world.cluster.delete(PODS, "waits", Deletion::Start).await;
    world.says("waits", "the pod was deleted before anything was launched for it").await;
    world
        .eventually("L10: what keeps the object is told", || async {
            world
                .cluster
                .events_about("waits")
                .await
                .contains("only its finalizers keep the object")
                .then_some(())
        })
        .await;
    world.cluster.merge(PODS, "waits", serde_json::json!({ "metadata": { "finalizers": null } })).await;
    world.empty().await;
}
