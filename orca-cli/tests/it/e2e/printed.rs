//! What `kubectl get pod` prints, from the API server's own hand: the reason, whatever containers a pod has.

use std::time::Duration;

use orca_testkit::servers::proxy::{Effect, Fault};

use super::cluster::{Deletion, PODS};
use super::world::{World, condition, pod};

anywhere! {
    a_pod_with_init_containers_and_a_sidecar_prints_as_started,
    a_reason_is_printed_with_and_without_init_containers,
    a_deletion_prints_as_one,
}

/// With an init container on both sides of a sidecar.
fn with_init(name: &str) -> String {
    let init = "  initContainers:\n  - {name: first, image: example.com/first}\n  \
                - {name: side, image: example.com/side, restartPolicy: Always}\n  \
                - {name: last, image: example.com/last}\n";
    pod(name) + init
}

async fn prints(world: &World, name: &str, ready: &str, status: &str) {
    let wanted = (ready.to_owned(), status.to_owned());
    world
        .eventually(&format!("{name} prints {ready} {status}"), || async {
            (world.cluster.printed(name).await? == wanted).then_some(())
        })
        .await;
}

async fn a_pod_with_init_containers_and_a_sidecar_prints_as_started(world: World) {
    let _orca = world.orca().await;
    world.apply(&with_init("staged")).await;
    prints(&world, "staged", "2/2", "Running").await;
    let pod = world.cluster.get(PODS, "staged").await.expect("the pod");
    // What `kubectl wait` waits for.
    for kind in ["Ready", "Initialized"] {
        assert_eq!(condition(&pod, kind).as_deref(), Some("True"), "{kind}");
    }
    for at in [0, 2] {
        let state = &pod["status"]["initContainerStatuses"][at]["state"]["terminated"];
        assert_eq!(state["reason"], "ContainersNotRun");
        assert!(state["startedAt"].is_null() && state["finishedAt"].is_null(), "nothing ran: {state}");
    }
    let alive = world.probe.alive().await.expect("instances");
    world.probe.terminate(&alive[0].id).await.expect("terminated");
    prints(&world, "staged", "0/2", "InstanceGone").await;
}

async fn a_reason_is_printed_with_and_without_init_containers(world: World) {
    let orca = world.orca().await;
    let refusal = || Effect::refuse("InsufficientInstanceCapacity", 500);
    let fault = world.proxy.fault(Fault::on("RunInstances", refusal()).always());
    for (name, manifest, total) in [("plain", pod("plain"), 1), ("staged", with_init("staged"), 2)] {
        world.apply(&manifest).await;
        prints(&world, name, &format!("0/{total}"), "InsufficientInstanceCapacity").await;
    }
    assert!(world.proxy.hits(fault) > 0);
    world.proxy.clear_faults();
    for (name, manifest, total) in [("short", pod("short"), 1), ("brief", with_init("brief"), 2)] {
        world.apply(&manifest.replace("spec:\n", "spec:\n  activeDeadlineSeconds: 6\n")).await;
        prints(&world, name, &format!("0/{total}"), "DeadlineExceeded").await;
    }
    drop(orca);
}

async fn a_deletion_prints_as_one(world: World) {
    let _orca = world.orca().await;
    world.apply(&with_init("deleted")).await;
    prints(&world, "deleted", "2/2", "Running").await;
    let fault = Effect::DelayBefore(Duration::from_secs(2));
    world.proxy.fault(Fault::on("TerminateInstances", fault).when("*", "deleted"));
    let changes = world.cluster.watch_until_gone(PODS, "deleted").await;
    world.cluster.delete(PODS, "deleted", Deletion::Start).await;
    prints(&world, "deleted", "2/2", "Terminating").await;
    let changes = changes.await.expect("changes");
    let last = &changes.last().expect("its end").1["status"];
    assert_eq!(last["phase"], "Failed", "B45");
    assert_eq!(last["containerStatuses"][0]["state"]["terminated"]["reason"], "PodDeleted");
    world.empty().await;
}
