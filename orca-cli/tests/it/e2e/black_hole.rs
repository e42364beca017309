//! The way to the API server goes dead without a word: connections stay open and carry nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orca_core::clock;
use orca_testkit::servers::Relay;
use url::Url;

use super::cluster::NODE_LEASES;
use super::world::{NODE, World, pod};

servers_only! {
    on_dead_connections_the_lease_is_renewed_and_a_new_pod_runs,
}

/// How long the lease is looked at, with everything that was connected gone dead at the start.
const DEAD: Duration = Duration::from_mins(1);
/// The controller manager calls a node dead that renews nothing for so long; so far from it ORCA has to stay.
const YOUNG: SignedDuration = SignedDuration::from_secs(30);

async fn on_dead_connections_the_lease_is_renewed_and_a_new_pod_runs(world: World) {
    let url: Url = world.server_url().parse().expect("a URL");
    let server = url.socket_addrs(|| None).expect("an address").remove(0);
    let relay = Relay::start(server).await.expect("a relay");
    let _orca = world.start_through(&relay);
    world.apply(&pod("before")).await;
    world.running(1).await;

    relay.black_hole();
    world.apply(&pod("after")).await;
    let lease_is_young = world.stays(DEAD, "the node lease is renewed", || async {
        let lease = world.cluster.get(NODE_LEASES, NODE).await.expect("a lease");
        let renewed: Timestamp =
            lease["spec"]["renewTime"].as_str().expect("a time").parse().expect("a time");
        clock::system().now().duration_since(renewed) < YOUNG
    });
    tokio::join!(lease_is_young, world.running(2));
    world.assert_one_instance_each(2);
}
