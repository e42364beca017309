//! ORCA dies right before and right after everything that it does to the outside: nothing is launched twice, lost or killed
//! wrongly. The cases of one scenario share their servers; what a real API server and the fake EC2 wrote down of them is
//! judged by the rules of the simulation.

use std::time::Duration;

use super::cluster::{Deletion, NODES, PODS};
use super::world::{NODE, Orca, World, pod};

judged! {
    killed_around_what_a_launch_does_a_pod_gets_one_instance,
    killed_around_what_an_end_does_nothing_is_left,
    killed_around_what_it_does_to_the_node_there_is_one,
    stopped_at_a_launch_while_another_process_launches_there_is_one_instance,
}

/// Starts a process that dies at this point.
fn mortal(world: &World, point: &str) -> Orca {
    world.start_with(&[("ORCA_CRASH_AT", point)])
}

/// It died there, and not otherwise.
async fn died(mut orca: Orca, point: &str) {
    let code = orca.exit().await;
    assert_eq!(code, None, "{point}: it ends by a signal and not by itself:\n{}", orca.log());
    assert!(orca.log().contains("Crash point reached"), "{point}");
}

async fn killed_around_what_a_launch_does_a_pod_gets_one_instance(world: &World) {
    let points = [
        "announce:before:1",
        "announce:after:1",
        "launch:before:1",
        "launch:after:1",
        "status:before:1",
        "status:after:1",
        "status:before:2",
        "status:after:2",
    ];
    for (number, point) in points.into_iter().enumerate() {
        let name = format!("pod-{number}");
        world.apply(&pod(&name)).await;
        died(mortal(world, point), point).await;
        let orca = world.start_only();
        world.running(number + 1).await;
        world.assert_one_instance_each(number + 1);
        assert_eq!(world.probe.alive().await.expect("instances").len(), number + 1, "{point}: S1, S2");
        assert_eq!(orca.stop().await, Some(0));
    }
}

async fn killed_around_what_an_end_does_nothing_is_left(world: &World) {
    let points = [
        "terminate:before:1",
        "terminate:after:1",
        "end:before:1",
        "end:after:1",
        "release:before:1",
        "release:after:1",
    ];
    let orca = world.orca().await;
    world.apply(&pod("stays")).await;
    for number in 0..points.len() {
        world.apply(&pod(&format!("pod-{number}"))).await;
    }
    let all = points.len() + 1;
    world.running(all).await;
    assert_eq!(orca.stop().await, Some(0));
    for (number, point) in points.into_iter().enumerate() {
        let orca = mortal(world, point);
        world.cluster.delete(PODS, &format!("pod-{number}"), Deletion::Start).await;
        died(orca, point).await;
        let orca = world.start_only();
        world
            .eventually(&format!("{point}: the pod and its instance are gone"), || async {
                let left = world.pods().await.len();
                let alive = world.probe.alive().await.ok()?.len();
                (left == all - number - 1 && alive == left).then_some(())
            })
            .await;
        orca.kill();
    }
    let stays = world.pods().await.remove(0);
    assert_eq!((&stays["metadata"]["name"], &stays["status"]["phase"]), (&"stays".into(), &"Running".into()));
    world.assert_one_instance_each(all);
}

async fn killed_around_what_it_does_to_the_node_there_is_one(world: &World) {
    for point in [
        "node-create:before:1",
        "node-create:after:1",
        "node-patch:before:1",
        "node-patch:after:1",
        "node-patch:after:2",
    ] {
        // A new Node has everything to be written yet.
        if world.cluster.get(NODES, NODE).await.is_some() {
            world.cluster.delete(NODES, NODE, Deletion::Start).await;
        }
        let orca = mortal(world, point);
        if point == "node-patch:after:2" {
            world.apply(&pod("pod")).await;
        }
        died(orca, point).await;
    }
    let _orca = world.orca().await;
    world.apply(&pod("last")).await;
    world.running(2).await;
    world.assert_one_instance_each(2);
}

async fn stopped_at_a_launch_while_another_process_launches_there_is_one_instance(world: &World) {
    for (number, point) in
        ["launch:before:1:stop", "launch:after:1:stop", "announce:before:1:stop", "announce:after:1:stop"]
            .into_iter()
            .enumerate()
    {
        world.apply(&pod(&format!("pod-{number}"))).await;
        let first = mortal(world, point);
        world
            .eventually(&format!("{point}: the first process stands still"), || async {
                first.log().contains("Crash point reached").then_some(())
            })
            .await;
        let second = world.start_only();
        world.running(number + 1).await;
        first.go_on();
        // It finds that it leads no more, and ends; what it was about to do meets the record and the token.
        let mut first = first;
        assert_eq!(first.exit().await, Some(1), "{point}:\n{}", first.log());
        world.running(number + 1).await;
        world
            .stays(Duration::from_secs(2), &format!("{point}: S1, S2"), || async {
                world.probe.alive().await.expect("instances").len() == number + 1
            })
            .await;
        world.assert_one_instance_each(number + 1);
        assert_eq!(second.stop().await, Some(0));
    }
}
