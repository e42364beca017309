//! Ready means that this process leads, or stands by behind one that does.

use std::time::Duration;

use orca_kube::Unhealthy;
use orca_testkit::fake_kube::{Effect, Fault};

use super::support::Harness;

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_mins(2), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within two minutes: {what}");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_read_the_leader_lease_a_process_is_not_ready_and_says_why() {
    let mut harness = Harness::new();
    until("the node leads", || harness.node.health.node().is_ok()).await;
    let refused = harness.kube.faults().add(Fault::new(Effect::ErrorBefore(403)).resource("leases"));
    until("a lease that may not be renewed is told", || harness.node.health.leader().is_err()).await;

    let ec2 = harness.ec2.clone();
    harness.restart_with(&ec2, |builder, _config| builder).await;
    let health = harness.node.health.clone();
    until("the lease cannot be read", || matches!(health.leader(), Err(Unhealthy::LeaderLease(_)))).await;
    let text = health.leader().expect_err("not ready").to_string();
    assert!(text.starts_with("the leader lease cannot be read or written: forbidden"), "{text}");
    assert!(health.node().is_err() && health.pods().is_err(), "it does not stand by either");

    harness.kube.faults().remove(refused);
    // The process before it ended without giving the lease back: for 15 s this one stands by.
    until("it stands by", || health.leader().is_ok()).await;
    assert_eq!((health.node(), health.pods()), (Ok(()), Ok(())));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!((health.leader(), health.node()), (Ok(()), Ok(())), "it leads");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_be_made_is_reported_with_the_reason() {
    let mut harness = Harness::new();
    until("the node leads", || harness.node.health.node().is_ok()).await;
    harness.kube.faults().add(Fault::new(Effect::ErrorBefore(403)).resource("nodes"));
    let ec2 = harness.ec2.clone();
    harness.restart_with(&ec2, |builder, _config| builder).await;
    let health = harness.node.health.clone();
    until("why there is no node", || matches!(health.node(), Err(Unhealthy::RegistrationFailed(_)))).await;
}
