//! Addresses of both families: what the API server takes, and what it shows first.

use orca_testkit::fake_ec2::Families;
use serde_json::{Value, json};

use super::cluster::PODS;
use super::world::{World, pod};

judged! {
    a_pod_has_the_addresses_of_both_families_of_its_instance,
}

async fn addresses(world: &World, name: &str) -> (Value, Vec<String>) {
    world
        .eventually(&format!("{name} has an address"), || async {
            let pod = world.cluster.get(PODS, name).await?;
            let status = &pod["status"];
            status["podIP"].as_str()?;
            assert_eq!((&status["hostIP"], &status["hostIPs"]), (&status["podIP"], &status["podIPs"]), "B72");
            let all = status["podIPs"].as_array()?.iter();
            Some((
                status["podIP"].clone(),
                all.filter_map(|one| one["ip"].as_str().map(str::to_owned)).collect(),
            ))
        })
        .await
}

async fn a_pod_has_the_addresses_of_both_families_of_its_instance(world: &World) {
    let orca = world.orca().await;
    world.set_families(Families::Both);
    world.apply(&pod("both")).await;
    let (first, all) = addresses(world, "both").await;
    assert!(
        all.len() == 2 && all[0].contains('.') && all[1].contains(':') && first == json!(all[0]),
        "B72: {all:?}"
    );

    world.set_families(Families::V6);
    world.apply(&pod("alone")).await;
    let (first, all) = addresses(world, "alone").await;
    assert!(all.len() == 1 && all[0].contains(':') && first == json!(all[0]), "B72: {all:?}");

    assert_eq!(orca.stop().await, Some(0));
    world.configure("pods: {firstIpFamily: IPv6}\n");
    let _orca = world.orca().await;
    world.set_families(Families::Both);
    world.apply(&pod("turned")).await;
    let (first, all) = addresses(world, "turned").await;
    assert!(
        all.len() == 2 && all[0].contains(':') && all[1].contains('.') && first == json!(all[0]),
        "B72: {all:?}"
    );
    world.running(3).await;
    world.assert_one_instance_each(3);
}
