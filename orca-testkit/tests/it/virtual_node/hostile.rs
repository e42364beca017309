//! The world around a virtual node misbehaves: foreign answers, other accounts, pods that vanish. Nobody is killed wrongly.

use std::time::Duration;

use kube::api::{Api, DeleteParams};
use orca_testkit::fake_ec2::Span;
use orca_testkit::fake_kube::{AuditEntry, Effect, Fault};

use super::support::Harness;

#[tokio::test(start_paused = true)]
async fn a_404_that_is_not_the_registrys_ends_nothing() {
    for effect in [Effect::ForeignNotFound, Effect::ErrorBefore(404)] {
        let harness = Harness::new();
        harness.create("pod").await;
        harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
        let faults = harness.kube.faults();
        for (verb, resource) in [
            ("get", "pods"),
            ("patch", "pods/status"),
            ("delete", "pods"),
            ("get", "nodes"),
            ("patch", "nodes"),
            ("patch", "nodes/status"),
            ("get", "leases"),
            ("update", "leases"),
            ("get", "namespaces"),
        ] {
            faults.add(Fault::new(effect).verb(verb).resource(resource));
        }
        harness.change("pod").await;
        tokio::time::sleep(Duration::from_mins(10)).await;
        let created =
            |entry: &AuditEntry| entry.verb == "create" && ["nodes", "leases"].contains(&&*entry.resource);
        let before = harness.kube.audit().entries().iter().filter(|entry| created(entry)).count();
        assert_eq!(before, 3, "the node and its two leases were made once, and {effect:?} makes no other");
        assert_eq!(harness.ec2.alive().len(), 1, "{effect:?}");
        faults.clear();
        harness.eventually(&[("Running", 1)], Duration::from_mins(2)).await;
        assert_eq!(harness.ec2.launched().len(), 1, "{effect:?}");
    }
}

/// Pods that vanish without a word of the watch: how many instances are left after a while.
async fn left_after_vanishing(harness: &Harness, minutes: u64) -> usize {
    // The watch stands still from here on, as it does over an API server that was restored.
    harness.kube.faults().add(Fault::new(Effect::ErrorBefore(503)).verb("watch").resource("pods"));
    harness.kube.faults().cut_watches();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let force = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    for number in 0..15 {
        harness.pods.delete(&format!("pod-{number}"), &force).await.expect("deleted");
    }
    tokio::time::sleep(Duration::from_mins(minutes)).await;
    harness.ec2.alive().len()
}

#[tokio::test(start_paused = true)]
async fn pods_that_vanish_without_a_deletion_are_found_by_the_next_list_and_end_slowly() {
    let harness = Harness::new();
    harness.create_many("pod", 20).await;
    harness.eventually(&[("Running", 20)], Duration::from_mins(1)).await;
    assert_eq!(left_after_vanishing(&harness, 3).await, 20, "no list has shown it yet");
    tokio::time::sleep(Duration::from_secs(195)).await;
    let left = harness.ec2.alive().len();
    assert!((8..=12).contains(&left), "three at once and five a minute, and not {left} left");
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(harness.ec2.alive().len(), 5, "the API server is the one that was known, so it is believed");
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_prove_itself_ends_nothing() {
    let harness = Harness::new();
    harness.create_many("pod", 20).await;
    harness.eventually(&[("Running", 20)], Duration::from_mins(1)).await;
    harness.kube.faults().add(Fault::new(Effect::ErrorBefore(500)).verb("get").resource("namespaces"));
    assert_eq!(
        left_after_vanishing(&harness, 45).await,
        20,
        "an API server that proves nothing must not be believed at all"
    );
    assert!(harness.was_told("VanishedPods").await);
    assert_eq!(harness.node.health.live(), Ok(()));
}

/// The account changes under a running process, and nobody says so: the lists are empty, and STS does not answer.
#[tokio::test(start_paused = true)]
async fn an_identity_that_nobody_confirms_concludes_nothing() {
    for hangs in [true, false] {
        let harness = Harness::new();
        harness.create_many("pod", 10).await;
        harness.eventually(&[("Running", 10)], Duration::from_mins(1)).await;
        harness.node.cloud.lose_account(hangs);
        tokio::time::sleep(Duration::from_mins(40)).await;
        assert_eq!(harness.shown().await, [("Running".to_owned(), 10)].into(), "hangs: {hangs}");
        assert_eq!(harness.ec2.alive().len(), 10, "hangs: {hangs}");
        harness.node.cloud.find_account();
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert_eq!(harness.shown().await, [("Running".to_owned(), 10)].into(), "hangs: {hangs}");
        assert_eq!(harness.ec2.alive().len(), 10, "hangs: {hangs}");
    }
}

/// Something in front of the API server answers each watch with 200 and ends it at once.
#[tokio::test(start_paused = true)]
async fn watches_that_end_at_once_are_asked_for_at_a_bounded_rate() {
    let harness = Harness::new();
    harness.create("pod").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    harness.kube.faults().add(Fault::new(Effect::Empty).verb("watch"));
    harness.kube.faults().cut_watches();
    let watches = || harness.kube.audit().entries().iter().filter(|entry| entry.verb == "watch").count();
    let before = watches();
    tokio::time::sleep(Duration::from_mins(10)).await;
    let asked = watches() - before;
    assert!((100..=700).contains(&asked), "one in two seconds of the node and of the pods, and not {asked}");
    harness.kube.faults().clear();
    harness.delete("pod").await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(harness.ec2.alive().is_empty(), "the watch must start again");
}

/// A write counts only when the answer is this pod with this record: a proxy can answer anything.
#[tokio::test(start_paused = true)]
async fn a_write_that_another_objects_answer_acknowledges_launches_nothing() {
    let harness = Harness::new();
    harness.create("first").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    harness.kube.faults().add(Fault::new(Effect::OtherObject).verb("patch").resource("pods/status"));
    harness.create("second").await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(harness.ec2.launched().len(), 1, "nothing is sent before its record is known to be written");
    harness.kube.faults().clear();
    harness.eventually(&[("Running", 2)], Duration::from_mins(3)).await;
    assert_eq!(harness.ec2.launched().len(), 2);
}

/// What was launched seconds ago is listed and found late, and its pod is deleted by force meanwhile.
#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_before_its_instance_can_be_seen_leaves_none() {
    let harness = Harness::new();
    let late = Span::between(Duration::from_secs(40), Duration::from_secs(41));
    harness.ec2.set_visibility(late, late);
    harness.create("pod-0").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(harness.ec2.launched().len(), 1);
    let force = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    harness.pods.delete("pod-0", &force).await.expect("deleted");
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert!(harness.ec2.alive().is_empty());
    assert!(
        !harness.was_told("OrphanInstanceTerminated").await,
        "its own path ends it, as soon as it can be named"
    );
}

#[tokio::test(start_paused = true)]
async fn a_leader_lease_that_somebody_deleted_is_made_again() {
    let harness = Harness::new();
    harness.create("pod").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    let leases: Api<k8s_openapi::api::coordination::v1::Lease> =
        Api::namespaced(harness.kube.client(), "kube-system");
    leases.delete("orca-aws-node", &DeleteParams::default()).await.expect("deleted");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(leases.get("orca-aws-node").await.is_ok(), "a second process would find it free otherwise");
    assert_eq!(harness.node.health.live(), Ok(()));
}
