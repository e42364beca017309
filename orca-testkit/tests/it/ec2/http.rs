//! The face over HTTP: everything that probes and the proxy ask, and what other servers of its kind lack.

use super::support::{region, start};
use crate::client::{launch, send, send_json};
use orca_testkit::fake_ec2::{Ec2Settings, Effect, FakeEc2, Fault, Served, Span};
use orca_testkit::servers::{Ec2Probe, Ec2Proxy};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Changes of a launch, and the status and code that they bring.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

const IMAGE: &str = "ami-0aaaaaaaaaaaaaaa1";

async fn served(ec2: &FakeEc2) -> Served {
    ec2.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a free port")
}

fn for_pod<'a>(token: &'a str, pod: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut parameters = launch(token, pod);
    parameters[2] = ("ImageId", IMAGE);
    parameters
}

#[tokio::test]
async fn a_probe_finds_its_way() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let served = served(&ec2).await;
    let probe = Ec2Probe::new(served.endpoint());
    assert_eq!(probe.known_image().await.expect("an image"), IMAGE);
    assert_eq!(probe.default_subnet().await.expect("a subnet"), "subnet-0000000000000000a");
    assert_eq!(probe.default_security_group().await.expect("a group"), "sg-00000000000000001");

    let id = probe.launch(IMAGE, &[("Name", "a <b> & c"), ("team", "x")]).await.expect("an instance");
    let [seen] = probe.instances().await.expect("instances").try_into().expect("one");
    assert_eq!((seen.id.as_str(), seen.state.as_str()), (id.as_str(), "running"));
    assert_eq!((seen.instance_type.as_str(), seen.tags["Name"].as_str()), ("t3.micro", "a <b> & c"));
    assert_eq!(seen.private_ip.as_deref(), Some("10.0.0.4"));
    assert_eq!(probe.user_data(&id).await.expect("an answer"), None);

    let volume = probe.create_volume(&[("k", "v")]).await.expect("a volume");
    let volumes = probe.volumes().await.expect("volumes");
    assert!(volumes.contains(&volume) && volumes.len() == 2, "{volumes:?}");
    probe.stop(&id).await.expect("stopped");
    assert_eq!(probe.instances().await.expect("instances")[0].state, "stopped");
    probe.terminate(&id).await.expect("terminated");
    assert_eq!(probe.instances().await.expect("instances")[0].state, "terminated");
    assert_eq!(probe.volumes().await.expect("volumes"), [volume]);
    probe.stop(&id).await.expect_err("it has ended");
}

#[tokio::test]
async fn it_stands_behind_the_proxy_as_the_other_server_does() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let served = served(&ec2).await;
    let proxy = Ec2Proxy::start(served.endpoint()).await.expect("a proxy");
    proxy.fault(orca_testkit::servers::proxy::Fault::on(
        "RunInstances",
        orca_testkit::servers::proxy::Effect::DropAfter,
    ));
    let mut parameters = for_pod("token", "pod-uid");
    let probe = Ec2Probe::new(served.endpoint());
    let (subnet, group) =
        (probe.default_subnet().await.expect("one"), probe.default_security_group().await.expect("one"));
    parameters.extend([
        ("SubnetId", subnet.as_str()),
        ("SecurityGroupId.1", &group),
        ("UserData", "aGVsbG8="),
        ("InstanceMarketOptions.MarketType", "spot"),
    ]);
    send(proxy.endpoint(), &parameters).await.expect_err("no answer");
    let again = send(proxy.endpoint(), &parameters).await.expect("an answer");
    let [seen] = probe.instances().await.expect("instances").try_into().expect("one instance");
    assert_eq!(seen.id, again.instance());
    assert_eq!((seen.lifecycle.as_deref(), seen.client_token.as_deref()), (Some("spot"), Some("token")));
    assert_eq!(probe.user_data(&seen.id).await.expect("an answer").as_deref(), Some("aGVsbG8="));
    proxy.set_boot_delay(Duration::from_hours(1));
    let through = Ec2Probe::new(proxy.endpoint()).instances().await.expect("instances");
    assert_eq!(through[0].state, "pending");
    probe.terminate(&seen.id).await.expect("terminated");
    let late = send(proxy.endpoint(), &parameters).await.expect("an answer");
    assert_eq!(late.code(), Some("IdempotentInstanceTerminated"));
    assert_eq!((proxy.unsupported(), ec2.unserved()), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn it_answers_for_the_services_beside_it() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let served = served(&ec2).await;
    let body = r#"{"Name":"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}"#;
    let parameter = send_json(served.endpoint(), "AmazonSSM.GetParameter", body).await.expect("an answer");
    assert!(parameter.body.contains(IMAGE), "{}", parameter.body);
    let missing = send_json(served.endpoint(), "AmazonSSM.GetParameter", r#"{"Name":"/no"}"#).await;
    assert!(missing.expect("an answer").body.contains("ParameterNotFound"));
    let caller = send(served.endpoint(), &[("Action", "GetCallerIdentity")]).await.expect("an answer");
    assert_eq!(caller.text("Account"), Some("123456789012"));
    for (action, element, value) in [
        ("DescribeInstanceTypes", "defaultVCpus", "2"),
        ("DescribeAvailabilityZones", "zoneName", "us-west-2a"),
        ("DescribeNetworkInterfaces", "requestId", "00000000-0000-4000-8000-000000000000"),
        ("DescribeSpotInstanceRequests", "requestId", "00000000-0000-4000-8000-000000000000"),
    ] {
        let answer = send(served.endpoint(), &[("Action", action)]).await.expect("an answer");
        assert_eq!((answer.status, answer.text(element)), (200, Some(value)), "{action}");
    }
    let unknown = send(served.endpoint(), &[("Action", "RebootInstances")]).await.expect("an answer");
    assert_eq!((unknown.status, unknown.code()), (400, Some("InvalidAction")));
    assert_eq!(ec2.unserved(), ["RebootInstances"]);
}

#[tokio::test]
async fn refusals_have_their_codes_and_statuses() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let served = served(&ec2).await;
    let long = "t".repeat(65);
    // One group of four letters is three bytes: 16 386 in all.
    let data = "AAAA".repeat(5_462);
    let cases: [Case<'_>; 12] = [
        (&[("ImageId", "ami-00000000000000000")], 400, "InvalidAMIID.NotFound"),
        (&[("ImageId", "nonsense")], 400, "InvalidAMIID.Malformed"),
        (&[("InstanceType", "x9.huge")], 400, "InvalidParameterValue"),
        (&[("InstanceType", "t4g.micro")], 400, "UnsupportedOperation"),
        (&[("SubnetId", "subnet-1")], 400, "InvalidSubnetID.NotFound"),
        (&[("SecurityGroupId.1", "sg-1")], 400, "InvalidGroup.NotFound"),
        (&[("ClientToken", &long)], 400, "InvalidParameterValue"),
        (&[("UserData", &data)], 400, "InvalidUserData.Malformed"),
        (&[("TagSpecification.1.Tag.1.Key", "aws:mine")], 400, "InvalidParameterValue"),
        (&[("MinCount", "2")], 400, "InvalidParameterValue"),
        (&[("DryRun", "true")], 412, "DryRunOperation"),
        (&[("InstanceType", "p5.48xlarge"), ("SubnetId", "subnet-0000000000000000d")], 400, "Unsupported"),
    ];
    for (changes, status, code) in cases {
        let mut parameters = for_pod("t", "pod");
        parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        parameters.extend(changes);
        let answer = send(served.endpoint(), &parameters).await.expect("an answer");
        assert_eq!((answer.status, answer.code()), (status, Some(code)), "{}", changes[0].0);
    }
    assert!(ec2.instances().is_empty());
}

#[tokio::test]
async fn a_lost_answer_closes_the_connection_and_the_date_is_the_clocks() {
    let (ec2, clock) =
        region(Ec2Settings { latency: Span::exactly(Duration::from_millis(2)), ..Ec2Settings::instant() });
    let served = served(&ec2).await;
    ec2.fault(Fault::on("RunInstances", Effect::DropAfter));
    send(served.endpoint(), &for_pod("t", "pod")).await.expect_err("no answer");
    assert_eq!(ec2.alive().len(), 1);
    clock.set(start());
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let request = hyper::Request::post(served.endpoint().as_str())
        .body(http_body_util::Full::<hyper::body::Bytes>::from("Action=DescribeInstances"))
        .expect("a request");
    let response = client.request(request).await.expect("an answer");
    assert_eq!(response.headers()["date"], "Tue, 24 Nov 2026 17:00:00 GMT");
    let endpoint = served.endpoint().clone();
    drop(served);
    tokio::task::yield_now().await;
    send(&endpoint, &[("Action", "DescribeInstances")]).await.expect_err("it has stopped");
}
