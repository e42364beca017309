//! What tests of the fake share: a clock, a region, wishes, proofs of ownership.

use std::sync::Arc;

use jiff::Timestamp;
use orca_core::cloud::{CloudClient, LaunchOutcome};
use orca_core::ids::{Owner, PodRef};
use orca_core::instance::{CapacityType, Instance, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};
use orca_core::tags::{TagSource, tags};
use orca_testkit::clock::ManualClock;
use orca_testkit::fake_ec2::{Ec2Settings, FakeCloud, FakeEc2};
use std::collections::BTreeMap;

/// A quarter past nothing in particular.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_second(1_795_539_600).expect("a time")
}

/// A region on a clock that a test moves.
pub(crate) fn region(settings: Ec2Settings) -> (FakeEc2, ManualClock) {
    let clock = ManualClock::at(start());
    (FakeEc2::new(settings, Arc::new(clock.clone())), clock)
}

pub(crate) fn owner() -> Owner {
    Owner { cluster: "c1".into(), node: "n1".into() }
}

/// A wish for one small instance for the pod with this UID.
pub(crate) fn wish(uid: &str, capacity_type: CapacityType) -> LaunchRequest {
    let pod = PodRef::new("ml", "train", uid);
    let tags = tags(&TagSource {
        owner: &owner(),
        pod: &pod,
        attempt: 1,
        instance_type: "t3.micro",
        created_at: start(),
        expires_at: None,
        user_tags: &BTreeMap::new(),
    });
    let instance_type = "t3.micro".to_owned();
    LaunchRequest {
        pod,
        attempt: 1,
        instance_type,
        capacity_type,
        max_price: None,
        image: None,
        resources: BTreeMap::new(),
        tags,
    }
}

pub(crate) fn token(uid: &str) -> LaunchToken {
    LaunchToken::new(&"c1".into(), &uid.into(), 1)
}

/// The one offer for this wish.
pub(crate) async fn offer(cloud: &FakeCloud, wish: &LaunchRequest) -> Offer {
    cloud.offers(wish).await.expect("offers").remove(0)
}

/// Sends a launch for this pod, on demand.
pub(crate) async fn launch(cloud: &FakeCloud, uid: &str) -> LaunchOutcome {
    launch_as(cloud, uid, CapacityType::OnDemand).await
}

/// Sends a launch for this pod in this market.
pub(crate) async fn launch_as(cloud: &FakeCloud, uid: &str, market: CapacityType) -> LaunchOutcome {
    let offer = offer(cloud, &wish(uid, market)).await;
    cloud.launch(&offer, &token(uid), Timestamp::MAX).await
}

/// The instance of a launch that succeeded.
#[track_caller]
pub(crate) fn launched(outcome: LaunchOutcome) -> Instance {
    assert!(matches!(outcome, LaunchOutcome::Launched(_)), "no instance: {outcome:?}");
    let LaunchOutcome::Launched(instance) = outcome else { unreachable!() };
    *instance
}

/// The code of a refusal.
#[track_caller]
pub(crate) fn refused(outcome: LaunchOutcome) -> String {
    assert!(matches!(outcome, LaunchOutcome::Refused(_)), "no refusal: {outcome:?}");
    let LaunchOutcome::Refused(error) = outcome else { unreachable!() };
    error.code
}

/// The proof that an instance is for this pod.
pub(crate) fn owned(instance: &Instance, uid: &str) -> OwnedInstance {
    instance.owned_by(&owner(), &uid.into()).expect("ours")
}
