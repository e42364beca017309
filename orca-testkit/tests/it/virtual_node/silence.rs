//! Nobody confirms what pods show: it stays, and they say since when; Ready is claimed only for so long (S5).

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::PodCondition;
use kube::api::DeleteParams;
use orca_core::cloud::CloudClient as _;
use orca_testkit::fake_ec2::{Effect as Ec2Effect, Fault as Ec2Fault};
use orca_testkit::fake_kube::{Effect, Fault};

use super::support::Harness;

const CONFIRMED: &str = "orca.research/InstanceConfirmed";

async fn condition(harness: &Harness, name: &str, kind: &str) -> Option<PodCondition> {
    let pod = harness.pods.get(name).await.expect("a pod");
    let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
    conditions.into_iter().find(|condition| condition.type_ == kind)
}

/// Status of Ready and of the confirmation, and how many containers are ready.
async fn shown(harness: &Harness) -> (String, Option<String>, usize) {
    let ready = condition(harness, "pod-0", "Ready").await.expect("Ready").status;
    let confirmed = condition(harness, "pod-0", CONFIRMED).await.map(|condition| condition.status);
    let pod = harness.pods.get("pod-0").await.expect("a pod");
    let containers = pod.status.and_then(|status| status.container_statuses).unwrap_or_default();
    (ready, confirmed, containers.iter().filter(|container| container.ready).count())
}

fn expected(ready: &str, confirmed: Option<&str>, containers: usize) -> (String, Option<String>, usize) {
    (ready.into(), confirmed.map(str::to_owned), containers)
}

/// Whether the Node says that the cloud can be reached.
async fn is_reachable(harness: &Harness) -> bool {
    let status = harness.node_object().await.status.expect("a status");
    let conditions = status.conditions.expect("conditions");
    conditions.iter().any(|condition| condition.type_ == "CloudReachable" && condition.status == "True")
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_once_is_no_news_and_an_outage_is_told_on_the_node_with_its_end() {
    let harness = Harness::new();
    harness.create("pod-0").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    for (seconds, is_told) in [(20, false), (70, true)] {
        let refused = Ec2Effect::refuse("UnauthorizedOperation");
        let fault = harness.ec2.fault(Ec2Fault::on("DescribeInstances", refused).always());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        assert_eq!(is_reachable(&harness).await, !is_told, "after {seconds} s");
        harness.ec2.clear_fault(fault);
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(is_reachable(&harness).await, "{seconds} s are over");
        for reason in ["CloudUnreachable", "CloudReachable"] {
            assert_eq!(harness.was_told(reason).await, is_told, "{reason} after {seconds} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_cloud_is_shown_after_a_minute_and_ready_is_unknown_after_five() {
    for restarts in [false, true] {
        let mut harness = Harness::new();
        harness.create_many("pod", 3).await;
        harness.eventually(&[("Running", 3)], Duration::from_mins(1)).await;
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(shown(&harness).await, expected("True", None, 1), "nothing is said while all is well");
        harness.node.cloud.go_silent();
        if restarts {
            let home = harness.ec2.clone();
            let silent = Arc::clone(&harness.node.cloud);
            harness.restart_with(&home, |node, _config| node).await;
            harness.node.cloud.go_silent();
            drop(silent);
        }
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!(
            shown(&harness).await,
            expected("True", None, 1),
            "an outage of seconds is nobody's business"
        );
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(shown(&harness).await, expected("True", Some("Unknown"), 1), "restarts: {restarts}");
        let said =
            condition(&harness, "pod-0", CONFIRMED).await.and_then(|one| one.message).unwrap_or_default();
        assert!(said.contains("since 2026-01-01T00:0"), "{said}");
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(shown(&harness).await, expected("Unknown", Some("Unknown"), 0), "restarts: {restarts}");
        assert_eq!(
            harness.shown().await,
            [("Running".to_owned(), 3)].into(),
            "the phase is no claim about now"
        );
        let before = harness.pod_writes();
        tokio::time::sleep(Duration::from_mins(20)).await;
        assert_eq!(harness.pod_writes(), before, "what was said is not repeated");
        harness.node.cloud.find_account();
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(shown(&harness).await, expected("True", Some("True"), 1), "restarts: {restarts}");
        assert_eq!((harness.ec2.launched().len(), harness.ec2.alive().len()), (3, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_can_be_configured_to_keep_ready() {
    let mut harness = Harness::new();
    harness.create("pod-0").await;
    harness.eventually(&[("Running", 1)], Duration::from_mins(1)).await;
    let home = harness.ec2.clone();
    let never = |node, config: &mut orca_core::config::Config| {
        config.pods.ready_unknown_after_seconds = 0;
        node
    };
    harness.restart_with(&home, never).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    harness.node.cloud.go_silent();
    tokio::time::sleep(Duration::from_mins(20)).await;
    assert_eq!(shown(&harness).await, expected("True", Some("Unknown"), 1));
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_fails_its_checks_after_it_passed_them_is_not_ready() {
    let mut harness = Harness::new();
    let home = harness.ec2.clone();
    let able = Arc::new(home.cloud()).capabilities();
    harness.restart_with(&home, |node, _config| node.capabilities(able)).await;
    harness.create_many("pod", 3).await;
    harness.eventually(&[("Running", 3)], Duration::from_mins(2)).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(shown(&harness).await, expected("True", None, 1));
    let uid = harness.pods.get("pod-0").await.expect("a pod").metadata.uid.expect("a UID");
    let instance = home.launched()[&uid][0].clone();
    home.set_impaired(&instance, true).expect("an instance");
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(shown(&harness).await, expected("False", None, 0), "S5");
    home.set_impaired(&instance, false).expect("an instance");
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(shown(&harness).await, expected("True", None, 1));
}

/// The API server no longer knows the version that a watch goes on from, and says so before it begins.
#[tokio::test(start_paused = true)]
async fn a_watch_that_cannot_begin_for_its_age_begins_with_a_new_list() {
    let harness = Harness::new();
    harness.create_many("pod", 2).await;
    harness.eventually(&[("Running", 2)], Duration::from_mins(1)).await;
    let faults = harness.kube.faults();
    faults.add(Fault::new(Effect::ErrorBefore(410)).verb("watch").resource("pods").times(1));
    faults.cut_watches();
    let force = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    harness.pods.delete("pod-0", &force).await.expect("deleted");
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert_eq!(harness.ec2.alive().len(), 1, "L6: missed deletions are found within a minute or so");
}

/// The cloud answers, and knows nothing: a stale replica, or another endpoint.
#[tokio::test(start_paused = true)]
async fn many_instances_that_are_missing_together_are_not_believed_to_be_gone() {
    let harness = Harness::new();
    harness.create_many("pod", 10).await;
    harness.eventually(&[("Running", 10)], Duration::from_mins(1)).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    harness.node.cloud.forget_instances();
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(harness.shown().await, [("Running".to_owned(), 10)].into(), "S13");
    assert_eq!(shown(&harness).await, expected("Unknown", Some("Unknown"), 0));
    assert!(harness.was_told("MissingInstances").await);
    harness.node.cloud.find_account();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(shown(&harness).await, expected("True", Some("True"), 1));
    assert_eq!((harness.ec2.launched().len(), harness.ec2.alive().len()), (10, 10));
}

/// What the Node says of itself and of the cloud.
async fn node_says(harness: &Harness) -> [(String, String); 2] {
    let conditions =
        harness.node_object().await.status.and_then(|status| status.conditions).unwrap_or_default();
    ["Ready", "CloudReachable"].map(|kind| {
        let found = conditions.iter().find(|condition| condition.type_ == kind);
        (kind.to_owned(), found.map(|condition| condition.status.clone()).unwrap_or_default())
    })
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_deleted_or_a_process_that_starts_in_an_outage_evicts_nobody_and_claims_nothing() {
    const TAINT: &str = "orca.research/cloud-unreachable";
    let mut harness = Harness::new();
    harness.create_many("pod", 2).await;
    harness.eventually(&[("Running", 2)], Duration::from_mins(1)).await;
    harness.node.cloud.go_silent();
    tokio::time::sleep(Duration::from_mins(2)).await;
    let outage = [("Ready".to_owned(), "True".to_owned()), ("CloudReachable".to_owned(), "False".to_owned())];
    assert_eq!(node_says(&harness).await, outage);
    let nodes: kube::Api<k8s_openapi::api::core::v1::Node> = kube::Api::all(harness.kube.client());
    nodes.delete("orca-aws-node", &DeleteParams::default()).await.expect("deleted");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(node_says(&harness).await, outage, "A48: it comes back as it was");
    assert!(harness.is_tainted(TAINT).await);
    let home = harness.ec2.clone();
    harness.restart_with(&home, |node, _config| node).await;
    harness.node.cloud.go_silent();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(node_says(&harness).await, outage, "a new process knows no better");
        assert!(harness.is_tainted(TAINT).await);
    }
    assert_eq!(harness.ec2.alive().len(), 2);
    harness.node.cloud.find_account();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(node_says(&harness).await.map(|(_, status)| status), ["True", "True"]);
    assert!(!harness.is_tainted(TAINT).await);
}
