//! What must not disturb: an API server that is away, a stop in the middle of a launch, slow neighbours, other writers.

use std::time::Duration;

use orca_testkit::servers::ServerName;
use orca_testkit::servers::proxy::{Effect, Fault};
use tokio::time::Instant;

use super::world::{NODE, World, condition, pod};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn an_api_server_that_is_away_changes_no_machine() {
    let world = World::start().await;
    let (orca, _) = world.orca().await;
    for number in 0..3 {
        world.apply(&pod(&format!("p{number}"))).await;
    }
    world.running(3).await;
    world.plane.freeze(ServerName::ApiServer).expect("frozen");
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(world.probe.alive().await.expect("instances").len(), 3, "A50");
    world.plane.thaw(ServerName::ApiServer).expect("thawed");
    let began = Instant::now();
    world
        .eventually("A50: the node is Ready after the outage", || async {
            let node = world.object(&["get", "node", NODE]).await?;
            (condition(&node, "Ready")? == "True").then_some(())
        })
        .await;
    world.running(3).await;
    world.apply(&pod("after")).await;
    world.running(4).await;
    println!("figure: {:.2?} from the API server's return to a new pod Running", began.elapsed());
    world.assert_one_instance_each(4);
    assert!(world.proxy.calls_of("TerminateInstances").is_empty(), "A50");
    assert!(orca.log().lines().count() < 400, "A50: no busy loop:\n{}", orca.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_stop_in_the_middle_of_a_launch_records_its_answer() {
    let world = World::start().await;
    let (orca, _) = world.orca().await;
    world.proxy.fault(Fault::on("RunInstances", Effect::DelayAfter(Duration::from_secs(3))));
    world.apply(&pod("midway")).await;
    world
        .eventually("the launch is on its way", || async {
            (!world.proxy.calls_of("RunInstances").is_empty()).then_some(())
        })
        .await;
    assert_eq!(orca.stop().await, Some(0), "A52");
    let pod = world.object(&["get", "pod", "midway"]).await.expect("the pod");
    assert_eq!(condition(&pod, "orca.research/Launch").as_deref(), Some("True"), "A52: {}", pod["status"]);
    let (_orca, _) = world.orca().await;
    world.running(1).await;
    assert_eq!(world.proxy.calls_of("RunInstances").len(), 1, "nothing is asked twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn slow_launches_hold_up_nobody_else() {
    let world = World::start().await;
    let (_orca, _) = world.orca().await;
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
    world.kubectl(&["delete", "pod", "quick", "--timeout=30s"]).await;
    assert!(
        world.proxy.launched().len() == 1,
        "the slow launches are still under way after {:?}",
        began.elapsed()
    );
    println!("figure: {:.2?} for a deletion beside ten slow launches", began.elapsed());
    world.running(10).await;
    world.assert_one_instance_each(11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn what_others_write_on_the_node_and_its_pods_stays() {
    let world = World::start().await;
    let (orca, _) = world.orca().await;
    world.kubectl(&["taint", "node", NODE, "team=ml:NoSchedule"]).await;
    world.kubectl(&["label", "node", NODE, "team=ml"]).await;
    let theirs = r#"{"status": {"conditions": [{"type": "Theirs", "status": "True", "reason": "R", "message": "m"}]}}"#;
    world.kubectl(&["patch", "node", NODE, "--subresource=status", "--type=strategic", "-p", theirs]).await;
    world.kubectl(&["taint", "node", NODE, "orca.research/burst-node:NoSchedule-"]).await;
    orca.kill();
    let (_orca, _) = world.orca().await;
    world
        .eventually("A8: our taint is back and theirs is still there", || async {
            let node = world.object(&["get", "node", NODE]).await?;
            let keys: Vec<&str> =
                node["spec"]["taints"].as_array()?.iter().filter_map(|t| t["key"].as_str()).collect();
            let labelled = node["metadata"]["labels"]["team"] == "ml";
            let kept = condition(&node, "Theirs").as_deref() == Some("True");
            (keys.contains(&"team") && keys.contains(&"orca.research/burst-node") && labelled && kept)
                .then_some(())
        })
        .await;

    // A label that changes a hundred times while ORCA writes the status is never lost.
    world.kubectl(&["taint", "node", NODE, "team-"]).await;
    world.apply(&pod("busy")).await;
    for number in 0..30 {
        world.kubectl(&["label", "pod", "busy", &format!("n={number}"), "--overwrite"]).await;
        let pod = world.object(&["get", "pod", "busy"]).await.expect("the pod");
        assert_eq!(pod["metadata"]["labels"]["n"], number.to_string(), "B35");
    }
    world.running(1).await;
    world.assert_one_instance_each(1);
}
