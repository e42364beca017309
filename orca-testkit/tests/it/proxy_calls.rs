//! The ledger, the calls that the upstream lacks, and the lifecycle over the answers.

use crate::client::{launch, send, send_json};
use crate::upstream::Upstream;
use orca_testkit::servers::Ec2Proxy;
use orca_testkit::servers::proxy::{AnsweredBy, Effect, Fault};
use std::time::Duration;

async fn start() -> (Upstream, Ec2Proxy) {
    let upstream = Upstream::start(Duration::ZERO).await;
    let proxy = Ec2Proxy::start(&upstream.url).await.expect("a proxy");
    (upstream, proxy)
}

#[tokio::test]
async fn every_call_is_recorded() {
    let (_upstream, proxy) = start().await;
    proxy.fault(Fault::on("RunInstances", Effect::refuse("RequestLimitExceeded", 503)));
    send(proxy.endpoint(), &launch("t", "pod & co")).await.expect("an answer");
    let made = send(proxy.endpoint(), &launch("t", "pod & co")).await.expect("an answer");
    send_json(proxy.endpoint(), "AmazonSSM.GetParameter", r#"{"Name":"/a/b"}"#).await.expect("an answer");

    let calls = proxy.calls();
    let actions: Vec<_> = calls.iter().map(|call| (call.sequence, call.action.as_str())).collect();
    assert_eq!(actions, [(0, "RunInstances"), (1, "RunInstances"), (2, "AmazonSSM.GetParameter")]);
    assert_eq!(calls[2].parameters.get("Name"), Some("/a/b"));

    let [refused, launched] = proxy.calls_of("RunInstances").try_into().expect("two calls");
    assert_eq!(refused.fault, Some(Effect::refuse("RequestLimitExceeded", 503)));
    let outcome = refused.outcome.expect("an outcome");
    assert_eq!((outcome.by, outcome.status), (Some(AnsweredBy::Proxy), Some(503)));
    assert_eq!(outcome.error_code.as_deref(), Some("RequestLimitExceeded"));

    assert_eq!(launched.client_token.as_deref(), Some("t"));
    assert_eq!(launched.region, "us-west-2");
    assert_eq!(launched.parameters.launch_tag("orca.research/pod-uid"), Some("pod & co"));
    assert!(launched.ended.expect("an end") >= launched.started);
    assert_eq!(launched.outcome.expect("an outcome").instance_ids, [made.instance()]);
    assert_eq!(proxy.launched()["pod & co"].iter().collect::<Vec<_>>(), [made.instance()]);
}

#[tokio::test]
async fn two_launches_for_one_pod_are_seen() {
    let (_upstream, proxy) = start().await;
    for token in ["one", "two"] {
        send(proxy.endpoint(), &launch(token, "pod")).await.expect("an answer");
    }
    assert_eq!(proxy.launched()["pod"].len(), 2);
    proxy.forget_all();
    assert!(proxy.launched().is_empty() && proxy.calls().is_empty());
}

#[tokio::test]
async fn a_call_that_the_upstream_lacks_is_an_aws_error_and_is_kept() {
    let (_upstream, proxy) = start().await;
    let lacking = send(proxy.endpoint(), &[("Action", "CreatePlacementGroup")]).await.expect("an answer");
    assert_eq!((lacking.status, lacking.code()), (400, Some("UnsupportedOperation")));
    let unsupported = proxy.unsupported();
    assert_eq!(unsupported.len(), 1);
    assert!(unsupported[0].starts_with("CreatePlacementGroup: 500"), "{unsupported:?}");
}

#[tokio::test]
async fn an_upstream_that_is_gone_looks_like_a_lost_connection() {
    let (upstream, proxy) = start().await;
    drop(upstream);
    tokio::task::yield_now().await;
    send(proxy.endpoint(), &[("Action", "DescribeInstances")]).await.expect_err("no answer");
}

#[tokio::test]
async fn instances_take_time_to_start_and_to_end() {
    let (_upstream, proxy) = start().await;
    let describe = [("Action", "DescribeInstances")];
    let state = async || {
        let answer = send(proxy.endpoint(), &describe).await.expect("an answer");
        (answer.text("code").expect("a code").to_owned(), answer.text("name").expect("a state").to_owned())
    };
    let pair = |code: &str, name: &str| (code.to_owned(), name.to_owned());
    let hour = Duration::from_hours(1);
    proxy.set_boot_delay(hour);
    proxy.set_shutdown_delay(hour);
    let made = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!(state().await, pair("0", "pending"));
    proxy.set_boot_delay(Duration::ZERO);
    assert_eq!(state().await, pair("16", "running"));
    send(proxy.endpoint(), &[("Action", "TerminateInstances"), ("InstanceId.1", made.instance())])
        .await
        .expect("an answer");
    assert_eq!(state().await, pair("32", "shutting-down"));
    proxy.set_shutdown_delay(Duration::ZERO);
    assert_eq!(state().await, pair("48", "terminated"));
}
