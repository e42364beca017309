//! What must not disturb: an API server that is away, a stop in the middle of a launch, slow neighbours, other writers.

use std::time::Duration;

use kube::api::Patch;
use orca_testkit::servers::proxy::{Effect, Fault};
use serde_json::json;
use tokio::time::Instant;

use super::cluster::{Deletion, NODES, PODS};
use super::world::{NODE, World, condition, pod};

anywhere! {
    an_api_server_that_is_away_changes_no_instance,
    a_stop_in_the_middle_of_a_launch_records_its_answer,
    slow_launches_hold_up_nobody_else,
    what_others_write_on_the_node_and_its_pods_stays,
}

async fn an_api_server_that_is_away_changes_no_instance(world: World) {
    let orca = world.orca().await;
    for number in 0..3 {
        world.apply(&pod(&format!("p{number}"))).await;
    }
    world.running(3).await;
    world.freeze_api();
    // Longer by recipe: `ORCA_API_OUTAGE_SECONDS=600 cargo test … an_api_server_that_is_away`.
    let longer = option_env!("ORCA_API_OUTAGE_SECONDS").and_then(|seconds| seconds.parse().ok());
    world
        .stays(world.long(longer.unwrap_or(25)), "A50: three instances are alive", || async {
            world.probe.alive().await.expect("instances").len() == 3
        })
        .await;
    world.thaw_api();
    world
        .eventually("A50: the node is Ready after the outage", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            (condition(&node, "Ready")? == "True").then_some(())
        })
        .await;
    world.running(3).await;
    world.apply(&pod("after")).await;
    world.running(4).await;
    world.assert_one_instance_each(4);
    assert!(world.proxy.calls_of("TerminateInstances").is_empty(), "A50");
    assert!(orca.log().lines().count() < 400, "A50: no busy loop:\n{}", orca.log());
}

async fn a_stop_in_the_middle_of_a_launch_records_its_answer(world: World) {
    let orca = world.orca().await;
    world.proxy.fault(Fault::on("RunInstances", Effect::DelayAfter(Duration::from_secs(3))));
    world.apply(&pod("midway")).await;
    world
        .eventually("the launch is on its way", || async {
            (!world.proxy.calls_of("RunInstances").is_empty()).then_some(())
        })
        .await;
    assert_eq!(orca.stop().await, Some(0), "A52");
    let pod = world.cluster.get(PODS, "midway").await.expect("the pod");
    assert_eq!(condition(&pod, "orca.research/Launch").as_deref(), Some("True"), "A52: {}", pod["status"]);
    let _orca = world.orca().await;
    world.running(1).await;
    assert_eq!(world.proxy.calls_of("RunInstances").len(), 1, "nothing is asked twice");
}

async fn slow_launches_hold_up_nobody_else(world: World) {
    let _orca = world.orca().await;
    world.apply(&pod("quick")).await;
    world.running(1).await;
    world.proxy.fault(Fault::on("RunInstances", Effect::DelayBefore(Duration::from_secs(15))).always());
    for number in 0..10 {
        world.apply(&pod(&format!("slow{number}"))).await;
    }
    world
        .eventually("ten launches are under way", || async {
            (world.proxy.calls_of("RunInstances").len() == 11).then_some(())
        })
        .await;
    let began = Instant::now();
    world.cluster.delete(PODS, "quick", Deletion::Wait).await;
    assert!(
        world.proxy.launched().len() == 1,
        "the slow launches are still under way after {:?}",
        began.elapsed()
    );
    world.running(10).await;
    world.assert_one_instance_each(11);
}

async fn what_others_write_on_the_node_and_its_pods_stays(world: World) {
    let orca = world.orca().await;
    world.cluster.taint(NODE, "team", "ml").await;
    world.cluster.merge(NODES, NODE, json!({ "metadata": { "labels": { "team": "ml" } } })).await;
    let theirs = json!({ "type": "Theirs", "status": "True", "reason": "R", "message": "m" });
    let theirs = json!({ "status": { "conditions": [theirs] } });
    world.cluster.patch_status(NODES, NODE, &Patch::Strategic(theirs)).await;
    world.cluster.untaint(NODE, "orca.research/burst-node").await;
    orca.kill();
    let _orca = world.orca().await;
    world
        .eventually("A8: our taint is back and theirs is still there", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            let keys: Vec<&str> =
                node["spec"]["taints"].as_array()?.iter().filter_map(|t| t["key"].as_str()).collect();
            let labelled = node["metadata"]["labels"]["team"] == "ml";
            let kept = condition(&node, "Theirs").as_deref() == Some("True");
            (keys.contains(&"team") && keys.contains(&"orca.research/burst-node") && labelled && kept)
                .then_some(())
        })
        .await;

    // A label that changes a hundred times while ORCA writes the status is never lost.
    world.cluster.untaint(NODE, "team").await;
    world.apply(&pod("busy")).await;
    for number in 0..30 {
        world
            .cluster
            .merge(PODS, "busy", json!({ "metadata": { "labels": { "n": number.to_string() } } }))
            .await;
        let pod = world.cluster.get(PODS, "busy").await.expect("the pod");
        assert_eq!(pod["metadata"]["labels"]["n"], number.to_string(), "B35");
    }
    world.running(1).await;
    world.assert_one_instance_each(1);
}
