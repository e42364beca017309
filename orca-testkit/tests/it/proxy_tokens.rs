//! The token memory: one token, one launch.

use crate::client::{launch, send};
use crate::upstream::Upstream;
use orca_testkit::servers::Ec2Proxy;
use orca_testkit::servers::proxy::{AnsweredBy, Effect, Fault};
use std::time::Duration;

async fn start() -> (Upstream, Ec2Proxy) {
    let upstream = Upstream::start(Duration::from_millis(100)).await;
    let proxy = Ec2Proxy::start(&upstream.url).await.expect("a proxy");
    (upstream, proxy)
}

#[tokio::test]
async fn a_repeated_token_answers_with_the_first_instance() {
    let (upstream, proxy) = start().await;
    let first = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    let again = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!((again.status, again.instance()), (200, first.instance()));
    assert_eq!(upstream.launched(), 1);
    let by: Vec<_> = proxy.calls().into_iter().map(|call| call.outcome.expect("an outcome").by).collect();
    assert_eq!(by, [Some(AnsweredBy::Upstream), Some(AnsweredBy::Memory)]);
}

#[tokio::test]
async fn the_order_of_the_parameters_does_not_matter() {
    let (upstream, proxy) = start().await;
    let mut parameters = launch("t", "pod");
    send(proxy.endpoint(), &parameters).await.expect("an answer");
    parameters.reverse();
    assert_eq!(send(proxy.endpoint(), &parameters).await.expect("an answer").status, 200);
    assert_eq!(upstream.launched(), 1);
}

#[tokio::test]
async fn duplicates_wait_for_the_launch_that_is_under_way() {
    let (upstream, proxy) = start().await;
    let parameters = launch("t", "pod");
    let (one, two, three) = tokio::join!(
        send(proxy.endpoint(), &parameters),
        send(proxy.endpoint(), &parameters),
        send(proxy.endpoint(), &parameters)
    );
    let ids = [one, two, three].map(|reply| reply.expect("an answer").instance().to_owned());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(upstream.launched(), 1);
}

#[tokio::test]
async fn other_parameters_are_a_mismatch() {
    let (upstream, proxy) = start().await;
    send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    let other = send(proxy.endpoint(), &launch("t", "other")).await.expect("an answer");
    assert_eq!((other.status, other.code()), (400, Some("IdempotentParameterMismatch")));
    assert_eq!(upstream.launched(), 1);
}

#[tokio::test]
async fn a_token_counts_within_its_subnet() {
    let (upstream, proxy) = start().await;
    for subnet in ["subnet-a", "subnet-b"] {
        let mut parameters = launch("t", "pod");
        parameters.push(("SubnetId", subnet));
        assert_eq!(send(proxy.endpoint(), &parameters).await.expect("an answer").status, 200);
    }
    assert_eq!(upstream.launched(), 2);
}

#[tokio::test]
async fn a_terminated_instance_is_not_launched_again() {
    let (upstream, proxy) = start().await;
    let first = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    upstream.terminate(first.instance());
    let again = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!((again.status, again.code()), (400, Some("IdempotentInstanceTerminated")));
    assert_eq!(upstream.launched(), 1);
}

#[tokio::test]
async fn a_token_has_at_most_64_characters() {
    let (upstream, proxy) = start().await;
    let long = send(proxy.endpoint(), &launch(&"t".repeat(65), "pod")).await.expect("an answer");
    assert_eq!((long.status, long.code()), (400, Some("InvalidParameterValue")));
    let longest = send(proxy.endpoint(), &launch(&"t".repeat(64), "pod")).await.expect("an answer");
    assert_eq!(longest.status, 200);
    assert_eq!(upstream.launched(), 1);
}

#[tokio::test]
async fn a_failed_launch_is_not_remembered() {
    let (upstream, proxy) = start().await;
    let mut parameters = launch("t", "pod");
    parameters[2] = ("ImageId", "ami-missing");
    let failed = send(proxy.endpoint(), &parameters).await.expect("an answer");
    assert_eq!(failed.code(), Some("InvalidAMIID.NotFound"));
    let other = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!(other.status, 200);
    assert_eq!(upstream.launched(), 1);
}

#[tokio::test]
async fn a_lost_answer_and_its_repetition_make_one_instance() {
    let (upstream, proxy) = start().await;
    proxy.fault(Fault::on("RunInstances", Effect::DropAfter));
    let lost = send(proxy.endpoint(), &launch("t", "pod")).await;
    lost.expect_err("no answer");
    let again = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!(upstream.launched(), 1);
    let launched = proxy.launched();
    assert_eq!(launched.len(), 1);
    assert_eq!(launched["pod"].iter().collect::<Vec<_>>(), [again.instance()]);
}

#[tokio::test]
async fn a_client_that_gives_up_does_not_undo_its_launch() {
    let (upstream, proxy) = start().await;
    let parameters = launch("t", "pod");
    let impatient =
        tokio::time::timeout(Duration::from_millis(30), send(proxy.endpoint(), &parameters)).await;
    impatient.expect_err("too late");
    assert_eq!(proxy.calls().len(), 1, "the call has arrived");
    let again = send(proxy.endpoint(), &parameters).await.expect("an answer");
    assert_eq!(again.status, 200);
    assert_eq!(upstream.launched(), 1);
}
