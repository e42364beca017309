//! A deletion that hangs says what holds it, whatever that is (L10).

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::support::Harness;

#[tokio::test(start_paused = true)]
async fn an_object_that_only_finalizers_keep_says_so_after_a_minute() {
    let harness = Harness::new();
    harness.create("kept").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    let finalizers = json!({ "metadata": { "finalizers": ["example.com/audit"] } });
    let params = PatchParams::default();
    harness.pods.patch("kept", &params, &Patch::Merge(&finalizers)).await.expect("a finalizer");
    harness.delete("kept").await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert!(!harness.was_told("DeletionWaiting").await);
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(harness.ec2.alive().len(), 0, "its instance went at once");
    assert!(harness.was_told("DeletionWaiting").await, "L10");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_waits_for_an_answer_of_the_cloud_says_so() {
    let harness = Harness::new();
    harness.create("kept").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    harness.node.cloud.go_silent();
    tokio::time::sleep(Duration::from_mins(2)).await;
    harness.delete("kept").await;
    tokio::time::sleep(Duration::from_secs(130)).await;
    assert!(harness.was_told("DeletionWaiting").await, "L10");
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_waits_for_people_to_say_which_account_is_meant_says_so() {
    let harness = Harness::new();
    harness.create("kept").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    harness.node.cloud.change_account("999999999999/us-west-2");
    tokio::time::sleep(Duration::from_mins(2)).await;
    harness.delete("kept").await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert!(!harness.was_told("DeletionWaiting").await);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(harness.was_told("DeletionWaiting").await, "L10");
    assert_eq!(harness.ec2.alive().len(), 1, "nothing is ended meanwhile");
}
