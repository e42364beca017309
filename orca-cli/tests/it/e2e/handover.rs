//! Two processes with the same node: one acts, the other takes over, and nothing is done twice.

use super::world::{NODE, World, condition, pod};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_second_process_stands_by_and_takes_over() {
    let world = World::start().await;
    let (first, _) = world.orca().await;
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
    world.kubectl(&["delete", "pod", "later", "--timeout=60s"]).await;

    let after = world.running(5).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(
            before["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"],
            "nothing is written"
        );
    }
    assert_eq!(world.proxy.calls_of("RunInstances").len(), launches + 1);
    world.assert_one_instance_each(6);
    let node = world.object(&["get", "node", NODE]).await.expect("the node");
    assert_eq!(condition(&node, "Ready").as_deref(), Some("True"), "A29");
}
