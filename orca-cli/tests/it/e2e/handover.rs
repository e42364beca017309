//! Two processes with the same node: one acts, the other takes over, and nothing is done twice.

use super::cluster::{Deletion, NODES, PODS};
use super::world::{NODE, World, condition, pod};

anywhere! {
    a_second_process_stands_by_and_takes_over,
}

async fn a_second_process_stands_by_and_takes_over(world: World) {
    let first = world.orca().await;
    for number in 0..5 {
        world.apply(&pod(&format!("p{number}"))).await;
    }
    let before = world.running(5).await;
    let second = world.start_only();
    world
        .eventually("the second stands by", || async { second.log().contains("Standing by").then_some(()) })
        .await;
    let launches = world.proxy.calls_of("RunInstances").len();

    assert_eq!(first.stop().await, Some(0), "the lease is given back");
    world
        .eventually("the second leads", || async {
            second.log().contains("Leader lease acquired").then_some(())
        })
        .await;
    world.apply(&pod("later")).await;
    world.running(6).await;
    let third = world.start_only();
    world
        .eventually("the third stands by", || async { third.log().contains("Standing by").then_some(()) })
        .await;
    second.kill();
    world
        .eventually("the third leads", || async {
            third.log().contains("Leader lease acquired").then_some(())
        })
        .await;
    world.cluster.delete(PODS, "later", Deletion::Wait).await;

    let after = world.running(5).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(
            before["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"],
            "nothing is written"
        );
    }
    assert_eq!(world.proxy.calls_of("RunInstances").len(), launches + 1);
    world.assert_one_instance_each(6);
    let node = world.cluster.get(NODES, NODE).await.expect("the node");
    assert_eq!(condition(&node, "Ready").as_deref(), Some("True"), "A29");
}
