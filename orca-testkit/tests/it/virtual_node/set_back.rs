//! The API server is set back to an older state: what it forgot keeps its instance, whichever process looks.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use orca_testkit::fake_kube::Snapshot;

use super::support::Harness;

const UNTIL: &str = "orca.research/set-back-until";

/// Five pods run, and the API server as it was then.
async fn with_five() -> (Harness, Snapshot) {
    let harness = Harness::new();
    harness.create_many("kept", 5).await;
    harness.eventually(&[("Running", 5)], Duration::from_mins(1)).await;
    let snapshot = harness.kube.store().snapshot();
    (harness, snapshot)
}

/// Ten more run, of which it will know nothing.
async fn lose_ten(harness: &Harness) {
    harness.create_many("lost", 10).await;
    harness.eventually(&[("Running", 15)], Duration::from_mins(1)).await;
}

/// Fifteen pods run, of which the API server knew five when this was taken; then it is set back to it.
async fn set_back() -> Harness {
    let (harness, snapshot) = with_five().await;
    lose_ten(&harness).await;
    // The lease is renewed meanwhile, as it always is.
    tokio::time::sleep(Duration::from_secs(30)).await;
    restore(&harness, &snapshot);
    harness
}

fn restore(harness: &Harness, snapshot: &Snapshot) {
    harness.kube.faults().cut_watches();
    harness.kube.store().restore(snapshot);
}

async fn is_recorded(harness: &Harness) -> bool {
    harness
        .node_object()
        .await
        .metadata
        .annotations
        .is_some_and(|annotations| annotations.contains_key(UNTIL))
}

/// Restarts with `gc.releaseBrake`.
async fn restart(harness: &mut Harness, release_brake: u32) {
    let ec2 = harness.ec2.clone();
    harness
        .restart_with(&ec2, |builder, config| {
            config.gc.release_brake = release_brake;
            builder
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_set_back_api_server_forgot_is_held_by_every_later_process_until_people_release_it() {
    let mut harness = set_back().await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(is_recorded(&harness).await, "the lease tells it with its next renewal, and the Node keeps it");
    for _ in 0..2 {
        restart(&mut harness, 0).await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        assert_eq!(harness.ec2.alive().len(), 15, "S3: nobody deleted them");
        assert!(harness.was_told("VanishedPods").await && is_recorded(&harness).await);
        assert!(harness.metric("orca_gc_frozen{cause=\"set_back\"} 1"));
    }
    restart(&mut harness, 10).await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(harness.ec2.alive().len(), 5, "people said that nobody needs them");
    assert!(!is_recorded(&harness).await, "there is nothing to hold any longer");
    harness.eventually(&[("Running", 5)], Duration::from_mins(1)).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_after_a_set_back_ends_and_the_node_forgets_it_when_all_pods_are_found() {
    let harness = set_back().await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    harness.delete("kept-0").await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(harness.ec2.alive().len(), 14, "a deletion that was seen is believed");
    assert!(is_recorded(&harness).await);

    let harness = Harness::new();
    harness.create_many("pod", 5).await;
    harness.eventually(&[("Running", 5)], Duration::from_mins(1)).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let snapshot = harness.kube.store().snapshot();
    tokio::time::sleep(Duration::from_mins(1)).await;
    restore(&harness, &snapshot);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(is_recorded(&harness).await);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(!is_recorded(&harness).await, "every instance of then has its pod");
}

/// What is forgotten is held: in this process, and in the next.
async fn is_held_here_and_by_the_next(mut harness: Harness, what: &str) {
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(harness.node.ended.try_recv().is_err(), "{what}: the process goes on");
    assert!(is_recorded(&harness).await, "{what}");
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(harness.ec2.alive().len(), 15, "S3, {what}");
    assert!(
        harness.metric("orca_gc_frozen{cause=\"set_back\"} 1"),
        "{what}: who noticed it shows it as well"
    );
    restart(&mut harness, 0).await;
    tokio::time::sleep(Duration::from_mins(90)).await;
    assert_eq!(harness.ec2.alive().len(), 15, "S3, {what}");
}

#[tokio::test(start_paused = true)]
async fn a_set_back_is_noticed_although_other_writes_have_overtaken_its_versions() {
    let (harness, snapshot) = with_five().await;
    lose_ten(&harness).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let before = harness.kube.store().revision();
    restore(&harness, &snapshot);
    // At once, so that no renewal comes between.
    for number in 0.. {
        if harness.kube.store().revision() > before {
            break;
        }
        let patch = serde_json::json!({ "metadata": { "labels": { "number": number.to_string() } } });
        harness.pods.patch("kept-1", &PatchParams::default(), &Patch::Merge(patch)).await.expect("patched");
    }
    is_held_here_and_by_the_next(harness, "overtaken").await;
}

#[tokio::test(start_paused = true)]
async fn a_set_back_to_the_time_of_another_leader_ends_no_process_and_no_instance() {
    let (mut harness, snapshot) = with_five().await;
    restart(&mut harness, 0).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    lose_ten(&harness).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    restore(&harness, &snapshot);
    is_held_here_and_by_the_next(harness, "another leader").await;
}

#[tokio::test(start_paused = true)]
async fn a_set_back_that_nobody_saw_is_noticed_by_the_lease_that_launches_outlived() {
    let (mut harness, snapshot) = with_five().await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    lose_ten(&harness).await;
    harness.node.process.kill();
    restore(&harness, &snapshot);
    restart(&mut harness, 0).await;
    tokio::time::sleep(Duration::from_mins(90)).await;
    assert!(is_recorded(&harness).await);
    assert_eq!(harness.ec2.alive().len(), 15, "S3");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_launches_after_a_long_pause_takes_that_for_no_set_back() {
    let mut harness = Harness::new();
    harness.create_many("before", 5).await;
    harness.eventually(&[("Running", 5)], Duration::from_mins(1)).await;
    harness.node.process.kill();
    tokio::time::sleep(Duration::from_mins(20)).await;
    harness.create_many("waiting", 5).await;
    restart(&mut harness, 0).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(harness.ec2.alive().len(), 10);
    assert!(!is_recorded(&harness).await && !harness.was_told("VanishedPods").await);
}
