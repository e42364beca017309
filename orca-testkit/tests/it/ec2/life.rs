//! A life from pending to forgotten, and what ends it.

use super::support::{launch, launch_as, launched, owned, owner, region};
use orca_core::cloud::{CloudClient, HealthSource, LeftoverSource};
use orca_core::instance::{CapacityType, EndCause, Health, InstanceState};
use orca_core::leftover::LeftoverKind;
use orca_testkit::fake_ec2::{Ec2Settings, Ender, Happening, Span};
use std::collections::BTreeMap;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn slow() -> Ec2Settings {
    let after = |seconds| Span::exactly(Duration::from_secs(seconds));
    Ec2Settings {
        boot: after(20),
        shutdown: after(10),
        stop: after(5),
        checks: after(60),
        ..Ec2Settings::instant()
    }
}

#[tokio::test]
async fn from_pending_to_forgotten() {
    let (ec2, clock) = region(slow());
    let cloud = ec2.cloud();
    let free = ec2.free_addresses("subnet-0000000000000000a").expect("a subnet");
    let instance = launched(launch(&cloud, "u1").await);
    assert_eq!(instance.state, InstanceState::Pending);
    assert_eq!(instance.owner, Some(owner()));
    let ids = [instance.id.clone()];
    let state = async || cloud.describe(&ids).await.expect("an answer").first().map(|found| found.state);
    let health = async || cloud.health(&ids).await.expect("an answer").get(&ids[0]).copied();

    assert_eq!((state().await, health().await), (Some(InstanceState::Pending), None));
    clock.advance(20 * SECOND);
    assert_eq!((state().await, health().await), (Some(InstanceState::Running), Some(Health::Initializing)));
    clock.advance(60 * SECOND);
    assert_eq!(health().await, Some(Health::Passed));
    ec2.set_impaired(instance.id.as_str(), true).expect("known");
    assert_eq!(health().await, Some(Health::Impaired));

    let proof = owned(&instance, "u1");
    let answers = cloud.terminate(std::slice::from_ref(&proof)).await;
    assert_eq!(answers[&instance.id], Ok(InstanceState::ShuttingDown));
    clock.advance(10 * SECOND);
    assert_eq!(cloud.terminate(&[proof]).await[&instance.id], Ok(InstanceState::Terminated));
    let ended = cloud.describe(&ids).await.expect("an answer").remove(0);
    assert_eq!(ended.state_reason.expect("a reason").cause, EndCause::ApiCall);
    assert_eq!(ended.private_ip, None);
    assert_eq!(ec2.free_addresses("subnet-0000000000000000a"), Some(free));
    assert!(ec2.volumes().is_empty() && ec2.interfaces().is_empty());
    clock.advance(Duration::from_hours(1));
    assert_eq!(state().await, None);
}

#[tokio::test]
async fn what_others_do_is_seen_with_its_reason() {
    let (ec2, clock) = region(slow());
    let cloud = ec2.cloud();
    let mut instances = Vec::new();
    for uid in ["u1", "u2", "u3", "u4"] {
        instances.push(launched(launch_as(&cloud, uid, CapacityType::Spot).await));
    }
    clock.advance(20 * SECOND);
    let [a, b, c, d] = &instances[..] else { panic!("four") };
    ec2.end(a.id.as_str(), Ender::Operator).expect("known");
    ec2.shut_down_from_inside(b.id.as_str()).expect("known");
    ec2.end(c.id.as_str(), Ender::Provider).expect("known");
    ec2.interrupt(d.id.as_str(), super::support::start() + jiff::SignedDuration::from_secs(200))
        .expect("known");
    clock.advance(180 * SECOND);
    let all = cloud.list_owned(&owner()).await.expect("a list");
    let causes: Vec<_> = all.iter().map(|each| each.state_reason.as_ref().map(|why| why.cause)).collect();
    let expected = [EndCause::ApiCall, EndCause::Guest, EndCause::Provider, EndCause::SpotInterruption];
    assert_eq!(causes, expected.map(Some));
    let notice = ec2.events().into_iter().find(|event| matches!(event.what, Happening::SpotNotice(_)));
    assert_eq!(notice.expect("a notice").at, super::support::start() + jiff::SignedDuration::from_secs(80));
}

#[tokio::test]
async fn a_stopped_instance_is_still_alive_and_can_be_ended() {
    let (ec2, clock) = region(slow());
    let cloud = ec2.cloud();
    let instance = launched(launch(&cloud, "u1").await);
    clock.advance(20 * SECOND);
    ec2.stop(instance.id.as_str(), Ender::Operator).expect("known");
    assert_eq!(ec2.alive()[0].state, InstanceState::Stopping);
    clock.advance(5 * SECOND);
    assert_eq!(ec2.alive()[0].state, InstanceState::Stopped);
    let answers = cloud.terminate(&[owned(&instance, "u1")]).await;
    assert_eq!(answers[&instance.id], Ok(InstanceState::ShuttingDown));
}

#[tokio::test]
async fn protection_keeps_one_instance_and_no_other() {
    let (ec2, _clock) = region(slow());
    let (here, there) = (ec2.cloud(), ec2.cloud().in_subnet("subnet-0000000000000000b"));
    let kept = launched(launch(&here, "u1").await);
    let beside = launched(launch(&here, "u2").await);
    let elsewhere = launched(launch(&there, "u3").await);
    ec2.set_protected(kept.id.as_str(), true).expect("known");
    let proofs = [owned(&kept, "u1"), owned(&beside, "u2"), owned(&elsewhere, "u3")];
    let answers = here.terminate(&proofs).await;
    assert_eq!(answers[&kept.id].as_ref().expect_err("protected").code, "OperationNotPermitted");
    assert_eq!(answers[&beside.id], Ok(InstanceState::ShuttingDown));
    assert_eq!(answers[&elsewhere.id], Ok(InstanceState::ShuttingDown));
}

#[tokio::test]
async fn leftovers_are_found_and_removed() {
    let (ec2, _clock) = region(slow());
    let cloud = ec2.cloud();
    let tags = super::support::wish("u1", CapacityType::OnDemand).tags;
    ec2.create_volume("us-west-2a", tags.clone()).expect("a volume");
    ec2.create_volume("us-west-2a", BTreeMap::new()).expect("somebody else's volume");
    ec2.create_interface("subnet-0000000000000000a", tags).expect("an interface");
    let cheap = orca_core::launch::LaunchRequest {
        max_price: "0.002".parse().ok(),
        ..super::support::wish("u1", CapacityType::Spot)
    };
    let offer = super::support::offer(&cloud, &cheap).await;
    let outcome = cloud.launch(&offer, &super::support::token("u1"), jiff::Timestamp::MAX).await;
    assert!(matches!(outcome, orca_core::cloud::LaunchOutcome::Unknown(_)), "{outcome:?}");
    // Used by an instance, and so no leftover.
    launched(launch(&cloud, "u2").await);

    let found = cloud.leftovers(&owner()).await.expect("leftovers");
    let kinds: Vec<_> = found.iter().map(|each| each.id.kind).collect();
    assert_eq!(kinds, [LeftoverKind::Volume, LeftoverKind::NetworkInterface, LeftoverKind::SpotRequest]);
    for each in &found {
        let proof = each.owned_by(&owner(), &"u1".into()).expect("ours");
        cloud.remove(&proof).await.expect("removed");
        cloud.remove(&proof).await.expect("gone already");
    }
    assert!(cloud.leftovers(&owner()).await.expect("leftovers").is_empty());
    ec2.set_spot_price("t3.micro", 1_500).expect("a type");
    assert_eq!(ec2.alive().len(), 1, "a cancelled request launches nothing");
}

#[tokio::test]
async fn an_open_request_launches_when_the_price_falls() {
    let (ec2, _clock) = region(slow());
    let cloud = ec2.cloud();
    let cheap = orca_core::launch::LaunchRequest {
        max_price: "0.002".parse().ok(),
        ..super::support::wish("u1", CapacityType::Spot)
    };
    let offer = super::support::offer(&cloud, &cheap).await;
    let token = super::support::token("u1");
    for _ in 0..2 {
        cloud.launch(&offer, &token, jiff::Timestamp::MAX).await;
    }
    assert_eq!((ec2.spot_requests().len(), ec2.alive().len()), (1, 0));
    ec2.set_spot_price("t3.micro", 1_500).expect("a type");
    assert_eq!(ec2.alive().len(), 1);
    let again = launched(cloud.launch(&offer, &token, jiff::Timestamp::MAX).await);
    assert_eq!(ec2.alive()[0].id, again.id.as_str());
}
