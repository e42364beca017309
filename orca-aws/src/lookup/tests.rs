//! How EC2's answers are read, how rarely it is asked, and when what is known proved wrong.

use orca_core::cloud::LaunchOutcome;
use orca_core::error::Fault;
use orca_core::launch::{LaunchToken, Offer};
use orca_core::quantity::Quantity;

use crate::config::Aws;
use crate::testing::{Reply, Server, StoppedClock, client, described, image, kind, settings, wish};

use super::*;

const GPUS: &str = "<gpuInfo><gpus><item><manufacturer>NVIDIA</manufacturer><count>8</count></item></gpus></gpuInfo>\
    <networkInfo><efaInfo><maximumEfaInterfaces>32</maximumEfaInterfaces></efaInfo></networkInfo>\
    <neuronInfo><neuronDevices><item><count>16</count><coreInfo><count>8</count></coreInfo></item></neuronDevices></neuronInfo>";

#[tokio::test]
async fn accelerators_count_under_the_names_that_kubernetes_has_for_them() {
    let client = client(&Server::new([kind(GPUS)]), &settings());
    let found = client.describe_kind("big").await.expect("an answer").expect("known");
    for (name, count) in [
        ("nvidia.com/gpu", 8),
        ("amd.com/gpu", 0),
        ("vpc.amazonaws.com/efa", 32),
        ("aws.amazon.com/neuron", 16),
        ("aws.amazon.com/neuroncore", 128),
        ("cpu", 2),
    ] {
        assert_eq!(found.provides[name], Quantity::from_units(count), "{name}");
    }
}

#[tokio::test]
async fn ec2_is_asked_once_for_each_image_and_type() {
    let server = Server::new(described());
    let client = client(&server, &settings());
    for _ in 0..3 {
        client.make_offers(&wish()).await.expect("offers");
    }
    assert_eq!(server.requests().len(), 2);
}

fn parameter(value: &str) -> Reply {
    Reply::json(200, &format!(r#"{{"Parameter":{{"Name":"/p","Type":"String","Value":"{value}"}}}}"#))
}

fn gone() -> Reply {
    Reply::error(400, "InvalidAMIID.NotFound", "The image id '[ami-0123abcd]' does not exist")
}

fn asks_ssm() -> Aws {
    Aws { ami_id: None, ami_parameter: Some("/p".into()), ..settings() }
}

fn ami(offers: &[Offer]) -> &str {
    offers[0].parameters["ami"].as_str().expect("an id")
}

#[tokio::test]
async fn an_image_that_a_launch_does_not_find_is_asked_for_again_before_the_next_attempt() {
    let first = [parameter("ami-0123abcd"), image("/dev/xvda", 8), kind(""), gone()];
    let server = Server::new(first.into_iter().chain([parameter("ami-4567abcd"), image("/dev/xvda", 8)]));
    let clock = StoppedClock::at(1_000);
    let mut client = client(&server, &asks_ssm());
    client.clock = clock.shared();
    let offers = client.make_offers(&wish()).await.expect("offers");
    clock.set(1_005);
    assert_eq!(ami(&offers), "ami-0123abcd");
    let not_after = jiff::Timestamp::from_second(1_060).expect("a time");
    let token = LaunchToken::new(&"c1".into(), &"u1".into(), 1);
    let outcome = client.run_instances(&offers[0], &token, not_after).await;
    assert!(matches!(outcome, LaunchOutcome::Refused(_)), "{outcome:?}");
    assert_eq!(ami(&client.make_offers(&wish()).await.expect("offers")), "ami-4567abcd");
}

/// EC2 has an error for what does not exist: a `200` without it comes from something in between, or was cut.
#[tokio::test]
async fn an_answer_without_what_was_asked_for_is_no_absence() {
    let none =
        |action: &str, set: &str| Reply::xml(200, &format!("<{action}Response><{set}/></{action}Response>"));
    let no_image = vec![none("DescribeImages", "imagesSet")];
    let no_kind = vec![image("/dev/xvda", 8), none("DescribeInstanceTypes", "instanceTypeSet")];
    for replies in [no_image, no_kind] {
        let server = Server::new(replies);
        let error = client(&server, &settings()).make_offers(&wish()).await.expect_err("nothing is known");
        assert_eq!((error.kind, error.code.as_str()), (Kind::Unknown, "EmptyAnswer"), "asked for again");
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_described_is_asked_for_again_as_well() {
    let replies = [
        parameter("ami-0123abcd"),
        gone(),
        gone(),
        parameter("ami-4567abcd"),
        image("/dev/xvda", 8),
        kind(""),
    ];
    let server = Server::new(replies);
    let clock = StoppedClock::at(1_000);
    let mut client = client(&server, &asks_ssm());
    client.clock = clock.shared();
    for second in [1_000, 1_004, 1_005] {
        clock.set(second);
        let error = client.make_offers(&wish()).await.expect_err("it is gone");
        assert_eq!(
            (error.kind, error.code.as_str()),
            (Kind::Invalid(Fault::Config), "InvalidAMIID.NotFound")
        );
    }
    assert_eq!(server.requests().len(), 3, "a recent answer is not asked for again");
    clock.set(1_010);
    assert_eq!(ami(&client.make_offers(&wish()).await.expect("offers")), "ami-4567abcd");
}
