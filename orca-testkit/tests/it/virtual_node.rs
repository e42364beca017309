//! A whole virtual node over a back end that hangs and panics: what is slow or broken costs its own pod time, and no other
//! pod anything.

mod blame;
mod deletions;
mod fit;
mod hostile;
mod identity;
mod leader;
mod set_back;
mod silence;
mod support;
mod tags;
mod terminations;

use std::sync::atomic::Ordering;
use std::time::Duration;

use support::Harness;

#[tokio::test(start_paused = true)]
async fn deletions_go_out_while_no_offer_is_ever_made() {
    let harness = Harness::new();
    harness.create_many("old", 100).await;
    harness.eventually(&[("Running", 100)], Duration::from_mins(2)).await;
    harness.node.cloud.offers_hang.store(true, Ordering::Release);
    // More than may be prepared at the same time, and more than there are workers.
    harness.create_many("new", 300).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(
        harness.shown().await.get("LaunchPreparing"),
        Some(&300),
        "L10: the pod must show that it waits"
    );
    for number in 0..100 {
        harness.delete(&format!("old-{number}")).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(harness.ec2.alive().is_empty(), "all are on their way out after 5 s");
    for number in 0..300 {
        harness.delete(&format!("new-{number}")).await;
    }
    harness.eventually(&[], Duration::from_mins(5)).await;
    assert_eq!(
        harness.ec2.launched().len(),
        100,
        "nothing was launched for what was deleted while it waited"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hanging_offer_is_given_up_and_asked_for_anew() {
    let harness = Harness::new();
    harness.node.cloud.offers_hang.store(true, Ordering::Release);
    harness.create("slow").await;
    harness.eventually(&[("BackEndTimeout", 1)], Duration::from_mins(2)).await;
    harness.node.cloud.offers_hang.store(false, Ordering::Release);
    harness.eventually(&[("Running", 1)], Duration::from_mins(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_its_pod_some_time_and_is_counted() {
    for (verb, task) in [
        ("look", "look"),
        ("offers", "prepare"),
        ("launch before it left", "send"),
        ("launch after it was answered", "send"),
    ] {
        let harness = Harness::new();
        harness.create("before").await;
        harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
        harness.stumble(verb);
        harness.create("stumbling").await;
        harness.eventually(&[("Running", 2)], Duration::from_mins(2)).await;
        let counted = format!("orca_task_panics_total{{task=\"{task}\"}} 1");
        assert!(harness.metric(&counted), "{verb}: {counted}");
        assert_eq!(harness.node.health.live(), Ok(()), "{verb} is no reason to restart");
        harness.delete("before").await;
        harness.delete("stumbling").await;
        harness.eventually(&[], Duration::from_mins(5)).await;
        let launched = harness.ec2.launched();
        assert!(launched.values().all(|instances| instances.len() == 1), "S2 after {verb}: {launched:?}");
        assert!(harness.ec2.alive().is_empty(), "nothing is left after {verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_loop_ends_the_node_and_its_health_says_so() {
    let mut harness = Harness::new();
    harness.create("pod").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    harness.stumble("sweep");
    let end = tokio::time::timeout(Duration::from_mins(1), &mut harness.node.ended).await.expect("it ended");
    assert!(end.expect("an end").contains("sweep stumbled"));
    let why = harness.node.health.live().expect_err("not alive").to_string();
    assert!(why.contains("the sweep loop panicked (sweep stumbled)"), "{why}");
    assert_eq!(harness.ec2.alive().len(), 1, "instances keep running");
}
