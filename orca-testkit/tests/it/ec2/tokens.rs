//! One token, one launch.

use super::support::{launch, launched, offer, owned, region, token, wish};
use jiff::Timestamp;
use orca_core::cloud::{CloudClient, LaunchOutcome};
use orca_core::instance::{CapacityType, InstanceState};
use orca_testkit::fake_ec2::{Ec2Settings, Effect, Fault, Span};
use std::time::Duration;

#[tokio::test]
async fn the_same_token_is_the_same_instance_with_its_present_state() {
    let settings = Ec2Settings { boot: Span::exactly(Duration::from_secs(5)), ..Ec2Settings::instant() };
    let (ec2, clock) = region(settings);
    let cloud = ec2.cloud();
    let first = launched(launch(&cloud, "u1").await);
    clock.advance(Duration::from_secs(5));
    let again = launched(launch(&cloud, "u1").await);
    assert_eq!((first.state, again.state), (InstanceState::Pending, InstanceState::Running));
    assert_eq!(first.id, again.id);
    assert_eq!(ec2.launched()["u1"].len(), 1);
}

#[tokio::test]
async fn other_parameters_mismatch_and_an_ended_instance_is_not_launched_again() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    let instance = launched(launch(&cloud, "u1").await);
    let mut other = offer(&cloud, &wish("u1", CapacityType::OnDemand)).await;
    other.instance_type = "t3.small".into();
    assert_eq!(cloud.launch(&other, &token("u1"), Timestamp::MAX).await, LaunchOutcome::Mismatch);
    cloud.terminate(&[owned(&instance, "u1")]).await;
    assert_eq!(launch(&cloud, "u1").await, LaunchOutcome::Ended);
    assert_eq!(ec2.launched()["u1"].len(), 1);
}

#[tokio::test]
async fn a_token_is_known_in_its_zone_and_for_its_time() {
    let (ec2, clock) = region(Ec2Settings::instant());
    let here = launched(launch(&ec2.cloud(), "u1").await);
    let there = launched(launch(&ec2.cloud().in_subnet("subnet-0000000000000000b"), "u1").await);
    assert_ne!(here.id, there.id);
    assert_eq!(ec2.doubles()["u1"].len(), 2);
    clock.advance(Duration::from_hours(24));
    let late = launched(launch(&ec2.cloud(), "u1").await);
    assert_ne!(here.id, late.id);
}

#[tokio::test]
async fn a_refused_launch_is_not_remembered() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    let mut wrong = offer(&cloud, &wish("u1", CapacityType::OnDemand)).await;
    wrong.instance_type = "x9.huge".into();
    let outcome = cloud.launch(&wrong, &token("u1"), Timestamp::MAX).await;
    assert!(matches!(outcome, LaunchOutcome::Refused(_)), "{outcome:?}");
    launched(launch(&cloud, "u1").await);
}

#[tokio::test]
async fn a_lost_answer_and_its_repetition_make_one_instance() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    let fault = ec2.fault(Fault::on("RunInstances", Effect::DropAfter).when("Tag.Name", "train"));
    let lost = launch(&cloud, "u1").await;
    assert!(matches!(lost, LaunchOutcome::Unknown(_)), "{lost:?}");
    assert_eq!((ec2.hits(fault), ec2.alive().len()), (1, 1));
    assert_eq!(launched(launch(&cloud, "u1").await).id.as_str(), ec2.alive()[0].id);
    assert_eq!(ec2.launched()["u1"].len(), 1);
}

#[tokio::test]
async fn nothing_is_sent_after_its_time() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    let offer = offer(&cloud, &wish("u1", CapacityType::OnDemand)).await;
    let past = super::support::start() - jiff::SignedDuration::from_secs(1);
    let outcome = cloud.launch(&offer, &token("u1"), past).await;
    assert!(matches!(outcome, LaunchOutcome::NotSent(_)), "{outcome:?}");
    assert!(ec2.calls().is_empty());
}
