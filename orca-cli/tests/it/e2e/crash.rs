//! ORCA dies in the middle of launches, again and again: every pod gets one instance, and no rule of the simulation is broken.

use std::time::Duration;

use orca_testkit::servers::proxy::{Effect, Fault};

use super::world::{World, pod};

judged! {
    killed_in_the_middle_of_launches_every_pod_gets_one_instance,
}

async fn killed_in_the_middle_of_launches_every_pod_gets_one_instance(world: &World) {
    let mut orca = world.orca().await;
    // Half of the calls are slow before they arrive, half after they were executed.
    world.proxy.fault(Fault::on("RunInstances", Effect::DelayBefore(Duration::from_millis(300))).times(12));
    world.proxy.fault(Fault::on("RunInstances", Effect::DelayAfter(Duration::from_millis(600))).always());
    for round in 0..4 {
        for number in 0..5 {
            world.apply(&pod(&format!("p{round}-{number}"))).await;
        }
        tokio::time::sleep(Duration::from_millis(50 + 150 * round)).await;
        orca.kill();
        orca = world.start_only();
    }
    world.proxy.clear_faults();
    world.running(20).await;
    world.assert_one_instance_each(20);
    assert_eq!(world.probe.alive().await.expect("instances").len(), 20, "S1, S2");
    orca.kill();
}
