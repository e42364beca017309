//! What happens between the request and the answer: one instance, whatever is lost.

use orca_testkit::servers::proxy::{Effect, Fault};

use super::world::{World, pod};

anywhere! {
    a_launch_that_was_executed_and_whose_answer_was_lost_is_one_instance,
    a_launch_that_never_arrived_is_sent_again,
}

/// Runs one pod under this fault of RunInstances; it must come up with exactly one instance.
async fn one_instance_in_spite_of(world: World, effect: Effect) {
    let _orca = world.orca().await;
    let fault = world.proxy.fault(Fault::on("RunInstances", effect.clone()));
    world.apply(&pod("lost")).await;
    world.running(1).await;
    assert_eq!(world.proxy.hits(fault), 1);
    world.assert_one_instance_each(1);
    let calls = world.proxy.calls_of("RunInstances");
    assert!(calls.iter().all(|call| call.client_token == calls[0].client_token), "the same token again");
    let pairs = |index: usize| {
        calls[index].parameters.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect::<Vec<_>>()
    };
    assert!((1..calls.len()).all(|index| pairs(index) == pairs(0)), "the same bytes again");
    assert_eq!(world.probe.instances().await.expect("instances").len(), 1, "{effect:?}");
}

async fn a_launch_that_was_executed_and_whose_answer_was_lost_is_one_instance(world: World) {
    one_instance_in_spite_of(world, Effect::DropAfter).await;
}

async fn a_launch_that_never_arrived_is_sent_again(world: World) {
    one_instance_in_spite_of(world, Effect::DropBefore).await;
}
