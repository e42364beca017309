//! Region, account or cluster are other ones than those that the node belongs to: nothing is launched, ended or written.

use std::time::Duration;

use orca_testkit::fake_ec2::Ec2Settings;

use super::support::{Harness, region};

const HOME: &str = "123456789012/us-west-2";
const TAINT: &str = "orca.research/identity-changed";

fn others() -> [Ec2Settings; 2] {
    [
        Ec2Settings { region: "eu-west-1".into(), ..Ec2Settings::default() },
        Ec2Settings { account: "999999999999".into(), ..Ec2Settings::default() },
    ]
}

async fn with_pods(count: usize) -> Harness {
    let harness = Harness::new();
    harness.create_many("pod", count).await;
    harness.eventually(&[("Running", count)], Duration::from_mins(1)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    harness
}

#[tokio::test(start_paused = true)]
async fn another_region_or_account_stops_everything_until_it_is_back() {
    for other in others() {
        let mut harness = with_pods(20).await;
        let elsewhere = region(other, &harness.clock);
        harness.restart_over(&elsewhere).await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        let before = harness.pod_writes();
        harness.delete("pod-0").await;
        harness.create("new").await;
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(harness.pod_writes(), before + 1, "only the deletion that people asked for");
        assert_eq!(harness.shown().await.get("Running"), Some(&20), "S13: unknown is not absent");
        assert_eq!((harness.ec2.alive().len(), elsewhere.launched().len()), (20, 0));
        assert!(harness.was_told("CloudIdentityChanged").await);
        assert!(harness.is_tainted(TAINT).await);
        let told = harness.node.health.identity().expect_err("not ready").to_string();
        assert!(told.contains(HOME) && told.contains("--adopt-identity"), "{told}");
        assert_eq!(
            (harness.node.health.live(), harness.node.health.node()),
            (Ok(()), Ok(())),
            "no pod may be evicted"
        );
        assert!(elsewhere.calls_of("DescribeInstances").is_empty(), "no call may go to another account");

        let home = harness.ec2.clone();
        harness.restart_over(&home).await;
        harness.eventually(&[("Running", 20)], Duration::from_mins(10)).await;
        assert!(!harness.is_tainted(TAINT).await);
        assert_eq!((harness.node.health.identity(), harness.ec2.launched().len()), (Ok(()), 21));
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_changes_under_a_running_process_stops_everything_as_well() {
    let harness = with_pods(5).await;
    let before = harness.pod_writes();
    harness.node.cloud.change_account("999999999999/us-west-2");
    tokio::time::sleep(Duration::from_mins(2)).await;
    harness.create("new").await;
    harness.delete("pod-0").await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(harness.pod_writes(), before + 1);
    assert_eq!((harness.ec2.alive().len(), harness.ec2.launched().len()), (5, 5));
    assert!(harness.node.health.identity().is_err() && harness.is_tainted(TAINT).await);
    harness.node.cloud.find_account();
    harness.eventually(&[("Running", 5)], Duration::from_mins(10)).await;
    assert_eq!((harness.ec2.alive().len(), harness.ec2.launched().len()), (5, 6), "the new one was launched");
    assert!(harness.node.health.identity().is_ok() && !harness.is_tainted(TAINT).await);
}

/// The credentials change, and the lists say so before anybody asks for the account again.
#[tokio::test(start_paused = true)]
async fn a_list_of_another_account_is_thrown_away() {
    let harness = with_pods(5).await;
    harness.node.cloud.list_as("999999999999/us-west-2");
    harness.delete("pod-0").await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(harness.ec2.alive().len(), 4, "what was known before is ended; the cloud was still the same");
    assert_eq!(harness.shown().await, [("Running".to_owned(), 4)].into(), "and nothing else is concluded");
    let node = harness.node_object().await;
    let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
    let reachable =
        conditions.iter().find(|condition| condition.type_ == "CloudReachable").expect("a condition");
    let message = reachable.message.clone().unwrap_or_default();
    assert!(message.contains("999999999999/us-west-2"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn what_people_give_up_fails_and_is_never_asked_for() {
    let mut harness = with_pods(5).await;
    harness.delete("pod-0").await;
    let elsewhere = region(others()[0].clone(), &harness.clock);
    harness.restart_with(&elsewhere, |node, _config| node.abandon(HOME.into())).await;
    harness.eventually(&[("Failed", 4)], Duration::from_mins(3)).await;
    assert_eq!(harness.ec2.alive().len(), 5, "they are people's to end");
    assert!(harness.was_told("InstanceAbandoned").await);
    harness.create("new").await;
    harness.eventually(&[("Failed", 4), ("Running", 1)], Duration::from_mins(1)).await;
    assert_eq!(elsewhere.launched().len(), 1);
    // The Node says where it lives now, so the next start needs no flag.
    harness.restart_over(&elsewhere).await;
    harness.delete("new").await;
    harness.eventually(&[("Failed", 4)], Duration::from_mins(3)).await;
    assert!(harness.node.health.identity().is_ok() && elsewhere.alive().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_adopted_identity_is_the_same_place_under_another_name() {
    let mut harness = with_pods(5).await;
    // The same region calls itself otherwise: its instances are listed by the same tags.
    let home = harness.ec2.clone();
    harness.node.process.kill();
    let record_of = |node: k8s_openapi::api::core::v1::Node| node.metadata.annotations.unwrap_or_default();
    assert_eq!(record_of(harness.node_object().await)["orca.research/cloud-identity"], HOME);
    home.rename_account("111122223333");
    harness.restart_over(&home).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(harness.node.health.identity().is_err());
    harness.restart_with(&home, |node, _config| node.adopt_identity(HOME.into())).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(harness.shown().await, [("Running".to_owned(), 5)].into());
    for number in 0..5 {
        harness.delete(&format!("pod-{number}")).await;
    }
    harness.eventually(&[], Duration::from_mins(10)).await;
    assert!(harness.ec2.alive().is_empty(), "the adopting one ends them");
    assert_eq!(
        record_of(harness.node_object().await)["orca.research/cloud-identity"],
        "111122223333/us-west-2"
    );
}

#[tokio::test(start_paused = true)]
async fn another_cluster_id_stops_everything_until_it_is_back_or_given_up() {
    let mut harness = with_pods(5).await;
    let home = harness.ec2.clone();
    let rename = |node, config: &mut orca_core::config::Config| {
        config.cluster.id = Some("renamed".into());
        node
    };
    harness.restart_with(&home, rename).await;
    let before = harness.pod_writes();
    harness.delete("pod-0").await;
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!((harness.pod_writes(), harness.ec2.alive().len()), (before + 1, 5));
    let told = harness.node.health.identity().expect_err("not ready").to_string();
    assert!(told.contains("cluster.id") && told.contains("--abandon"), "{told}");
    harness.restart_over(&home).await;
    harness.eventually(&[("Running", 4)], Duration::from_mins(10)).await;
    assert_eq!(harness.ec2.alive().len(), 4, "it was never in doubt whose they are");
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_instances_are_gone_may_move() {
    let mut harness = with_pods(1).await;
    harness.delete("pod-0").await;
    harness.eventually(&[], Duration::from_mins(5)).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    let annotations = harness.node_object().await.metadata.annotations.unwrap_or_default();
    assert_eq!(annotations.get("orca.research/cloud-identity"), None);
    let elsewhere = region(others()[0].clone(), &harness.clock);
    harness.restart_over(&elsewhere).await;
    harness.create("new").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    assert_eq!(elsewhere.launched().len(), 1);
}

/// A launch is executed, its answer is lost, and before the next send the credentials are another account's: there the
/// same token would launch anew.
#[tokio::test(start_paused = true)]
async fn a_launch_without_an_answer_is_sent_again_only_where_it_was_begun() {
    let harness = with_pods(1).await;
    let elsewhere = region(others()[1].clone(), &harness.clock);
    *harness.node.cloud.moves_to.lock().expect("a lock") = Some(elsewhere.cloud());
    harness.create("lost").await;
    tokio::time::sleep(Duration::from_mins(3)).await;
    assert_eq!((harness.ec2.launched().len(), elsewhere.launched().len()), (2, 0), "S2");
    harness.node.cloud.find_account();
    harness.eventually(&[("Running", 2)], Duration::from_mins(10)).await;
    assert_eq!((harness.ec2.launched().len(), harness.ec2.alive().len()), (2, 2), "the same token finds it");
}
