//! Faults on order: each effect, and the calls that it acts on.

use crate::client::{launch, send, send_json};
use crate::upstream::Upstream;
use orca_testkit::servers::Ec2Proxy;
use orca_testkit::servers::proxy::{Effect, Fault};
use std::time::Duration;
use tokio::time::Instant;

const SHORT: Duration = Duration::from_millis(150);

async fn start() -> (Upstream, Ec2Proxy) {
    let upstream = Upstream::start(Duration::ZERO).await;
    let proxy = Ec2Proxy::start(&upstream.url).await.expect("a proxy");
    (upstream, proxy)
}

#[tokio::test]
async fn a_refusal_is_an_aws_error_and_launches_nothing() {
    let (upstream, proxy) = start().await;
    let fault =
        proxy.fault(Fault::on("RunInstances", Effect::refuse("InsufficientInstanceCapacity", 500)).times(2));
    for _ in 0..2 {
        let refused = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
        assert_eq!((refused.status, refused.code()), (500, Some("InsufficientInstanceCapacity")));
    }
    assert_eq!(upstream.launched(), 0);
    assert_eq!(send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer").status, 200);
    assert_eq!(proxy.hits(fault), 2);
}

#[tokio::test]
async fn a_lost_request_launches_nothing() {
    let (upstream, proxy) = start().await;
    proxy.fault(Fault::on("RunInstances", Effect::DropBefore));
    send(proxy.endpoint(), &launch("t", "pod")).await.expect_err("no answer");
    assert_eq!(upstream.launched(), 0);
    let outcome = proxy.calls()[0].outcome.clone().expect("an outcome");
    assert_eq!((outcome.by, outcome.delivered), (None, false));
}

#[tokio::test]
async fn a_server_error_after_the_launch_has_launched() {
    let (upstream, proxy) = start().await;
    proxy.fault(Fault::on("RunInstances", Effect::HttpErrorAfter(502)));
    let error = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!((error.status, error.code()), (502, None));
    assert_eq!(upstream.launched(), 1);
    assert_eq!(proxy.launched()["pod"].len(), 1);
}

#[tokio::test]
async fn a_bare_http_error_launches_nothing() {
    let (upstream, proxy) = start().await;
    proxy.fault(Fault::on("RunInstances", Effect::HttpError(503)));
    let error = send(proxy.endpoint(), &launch("t", "pod")).await.expect("an answer");
    assert_eq!((error.status, error.code()), (503, None));
    assert_eq!(upstream.launched(), 0);
}

#[tokio::test]
async fn delays_come_before_or_after_the_launch() {
    let (upstream, proxy) = start().await;
    for (effect, launched_meanwhile) in [(Effect::DelayBefore(SHORT), 0), (Effect::DelayAfter(SHORT), 2)] {
        proxy.fault(Fault::on("RunInstances", effect));
        let token = launched_meanwhile.to_string();
        let (before, parameters) = (Instant::now(), launch(&token, "pod"));
        let call = send(proxy.endpoint(), &parameters);
        let look = async {
            tokio::time::sleep(SHORT / 2).await;
            upstream.launched()
        };
        let (answer, seen) = tokio::join!(call, look);
        assert_eq!((answer.expect("an answer").status, seen), (200, launched_meanwhile));
        assert!(before.elapsed() >= SHORT);
    }
}

#[tokio::test]
async fn a_hanging_call_ends_without_an_answer() {
    let (upstream, proxy) = start().await;
    proxy.fault(Fault::on("RunInstances", Effect::Hang(SHORT)));
    let before = Instant::now();
    send(proxy.endpoint(), &launch("t", "pod")).await.expect_err("no answer");
    assert!(before.elapsed() >= SHORT);
    assert_eq!(upstream.launched(), 0);
}

#[tokio::test]
async fn a_fault_chooses_its_calls() {
    let (_upstream, proxy) = start().await;
    let refuse = || Effect::refuse("Unsupported", 400);
    let by_type = proxy.fault(Fault::on("RunInstances", refuse()).when("InstanceType", "p5.").always());
    let by_tag = proxy.fault(Fault::on("RunInstances", refuse()).when("*", "pod-b").skip(1));
    let mut statuses = Vec::new();
    for (token, pod) in [("1", "pod-a"), ("2", "pod-b"), ("3", "pod-b"), ("4", "pod-b")] {
        statuses.push(send(proxy.endpoint(), &launch(token, pod)).await.expect("an answer").status);
    }
    assert_eq!(statuses, [200, 200, 400, 200]);
    assert_eq!((proxy.hits(by_type), proxy.hits(by_tag)), (0, 1));
}

#[tokio::test]
async fn cleared_faults_do_nothing_more() {
    let (_upstream, proxy) = start().await;
    let fault = proxy.fault(Fault::on("DescribeInstances", Effect::DropBefore).always());
    let describe = [("Action", "DescribeInstances")];
    send(proxy.endpoint(), &describe).await.expect_err("no answer");
    proxy.clear_faults();
    assert_eq!(send(proxy.endpoint(), &describe).await.expect("an answer").status, 200);
    assert_eq!(proxy.hits(fault), 1);
}

#[tokio::test]
async fn a_json_service_is_refused_in_json() {
    let (_upstream, proxy) = start().await;
    let fault = Fault::on("AmazonSSM.GetParameter", Effect::refuse("ParameterNotFound", 400))
        .when("Name", "/al2023/");
    proxy.fault(fault);
    let body = r#"{"Name":"/aws/al2023/image"}"#;
    let refused = send_json(proxy.endpoint(), "AmazonSSM.GetParameter", body).await.expect("an answer");
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains(r#""__type":"ParameterNotFound""#), "{}", refused.body);
}
