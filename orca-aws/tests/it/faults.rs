//! What the SDK makes of the fake's faults: lost answers, refusals, a clock that is far off.

use std::sync::Arc;

use orca_aws::Ec2Client;
use orca_core::clock::{self, Clock};
use orca_core::cloud::{CloudClient, HealthSource, LaunchOutcome, LeftoverSource};
use orca_core::error::Kind;
use orca_core::ids::{Owner, PodRef};
use orca_core::instance::{CapacityType, EndCause, Health};
use orca_core::launch::{LaunchRequest, LaunchToken};
use orca_core::leftover::LeftoverKind;
use orca_core::tags::{TagSource, tags};
use orca_testkit::clock::ManualClock;
use orca_testkit::fake_ec2::{Ec2Settings, Effect, FakeEc2, Fault, Pool, Served, Supply};

use crate::contract::{region, settings, wish};

fn owner() -> Owner {
    Owner { cluster: "c1".into(), node: "n1".into() }
}

fn wish_for(uid: &str, market: CapacityType) -> LaunchRequest {
    let pod = PodRef::new("ml", "train", uid);
    let source = TagSource {
        owner: &owner(),
        pod: &pod,
        attempt: 1,
        instance_type: "t3.micro",
        created_at: jiff::Timestamp::UNIX_EPOCH,
        expires_at: None,
        user_tags: &std::collections::BTreeMap::new(),
    };
    LaunchRequest { tags: tags(&source), pod, ..wish(market) }
}

async fn client(served: &Served, clock: Arc<dyn Clock>) -> Ec2Client {
    Ec2Client::connect(&settings(served.endpoint().as_str()), clock).await.expect("a client")
}

async fn launch(client: &Ec2Client, wish: &LaunchRequest) -> LaunchOutcome {
    let offer = client.offers(wish).await.expect("offers").remove(0);
    let token = LaunchToken::new(&"c1".into(), &wish.pod.uid, 1);
    client.launch(&offer, &token, jiff::Timestamp::MAX).await
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_its_repetition_finds_the_instance() {
    let (ec2, served) = region(Ec2Settings::instant()).await;
    let client = client(&served, clock::system()).await;
    ec2.fault(Fault::on("RunInstances", Effect::DropAfter));
    let lost = launch(&client, &wish_for("u1", CapacityType::OnDemand)).await;
    assert!(matches!(&lost, LaunchOutcome::Unknown(error) if error.kind == Kind::Unknown), "{lost:?}");
    let again = launch(&client, &wish_for("u1", CapacityType::OnDemand)).await;
    assert!(matches!(again, LaunchOutcome::Launched(_)), "{again:?}");
    assert_eq!((ec2.alive().len(), ec2.calls_of("RunInstances").len()), (1, 2), "the SDK repeats nothing");
}

#[tokio::test]
async fn every_refusal_has_its_kind() {
    let (ec2, served) = region(Ec2Settings::instant()).await;
    let client = client(&served, clock::system()).await;
    let kind = async |wish: &LaunchRequest| match launch(&client, wish).await {
        LaunchOutcome::Refused(error) | LaunchOutcome::Unknown(error) => error.kind,
        other @ (LaunchOutcome::Launched(_)
        | LaunchOutcome::Mismatch
        | LaunchOutcome::Ended
        | LaunchOutcome::NotSent(_)) => panic!("no refusal: {other:?}"),
    };
    let plain = wish_for("u1", CapacityType::OnDemand);
    ec2.set_supply(Pool::default(), Supply::NoneForCalls(1));
    assert_eq!(kind(&plain).await, Kind::NoCapacity);
    ec2.fault(Fault::on("RunInstances", Effect::refuse("RequestLimitExceeded")));
    assert_eq!(kind(&plain).await, Kind::Throttled);
    ec2.fault(Fault::on("RunInstances", Effect::refuse("InternalError")));
    assert_eq!(kind(&plain).await, Kind::Unknown);
    ec2.expire_credentials(Some(jiff::Timestamp::UNIX_EPOCH));
    assert_eq!(kind(&plain).await, Kind::Denied);
    ec2.expire_credentials(None);
    let cheap = LaunchRequest { max_price: "0.002".parse().ok(), ..wish_for("u2", CapacityType::Spot) };
    assert_eq!(kind(&cheap).await, Kind::Unknown, "its request stays open");
    let open = client.leftovers(&owner()).await.expect("leftovers");
    assert_eq!(open[0].id.kind, LeftoverKind::SpotRequest);
    client.remove(&open[0].owned_by(&owner(), &"u2".into()).expect("ours")).await.expect("cancelled");
    assert!(client.leftovers(&owner()).await.expect("leftovers").is_empty());
    assert!(ec2.instances().is_empty());
}

#[tokio::test]
async fn reasons_health_and_leftovers_arrive() {
    let (ec2, served) = region(Ec2Settings::instant()).await;
    let client = client(&served, clock::system()).await;
    let LaunchOutcome::Launched(spot) = launch(&client, &wish_for("u1", CapacityType::Spot)).await else {
        panic!("no instance");
    };
    let ids = [spot.id.clone()];
    assert_eq!(client.health(&ids).await.expect("health")[&spot.id], Health::Passed);
    ec2.set_impaired(spot.id.as_str(), true).expect("known");
    assert_eq!(client.health(&ids).await.expect("health")[&spot.id], Health::Impaired);
    ec2.end(spot.id.as_str(), orca_testkit::fake_ec2::Ender::SpotMarket).expect("known");
    let seen = client.list_owned(&owner()).await.expect("a list").remove(0);
    assert_eq!(seen.state_reason.expect("a reason").cause, EndCause::SpotInterruption);
    assert_eq!(seen.capacity_type, CapacityType::Spot);

    let tags = wish_for("u1", CapacityType::Spot).tags;
    ec2.create_volume("us-west-2a", tags.clone()).expect("a volume");
    ec2.create_interface("subnet-0000000000000000a", tags).expect("an interface");
    let found = client.leftovers(&owner()).await.expect("leftovers");
    assert_eq!(found.len(), 2, "{found:?}");
    for each in &found {
        let proof = each.owned_by(&owner(), &"u1".into()).expect("ours");
        client.remove(&proof).await.expect("removed");
        client.remove(&proof).await.expect("gone already");
    }
    assert!(ec2.volumes().is_empty() && ec2.interfaces().is_empty());
}

#[tokio::test]
async fn nothing_is_launched_with_a_clock_that_is_far_off() {
    let now = clock::system().now();
    let theirs = ManualClock::at(now + jiff::SignedDuration::from_mins(10));
    let ec2 = FakeEc2::new(Ec2Settings::instant(), Arc::new(theirs.clone()));
    let served = ec2.serve(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let client = client(&served, Arc::new(ManualClock::at(now))).await;
    client.list_owned(&owner()).await.expect("a list, and its date");
    let outcome = launch(&client, &wish_for("u1", CapacityType::OnDemand)).await;
    assert!(matches!(&outcome, LaunchOutcome::NotSent(error) if error.code == "ClockSkew"), "{outcome:?}");
    theirs.set(now);
    client.list_owned(&owner()).await.expect("a list, and its date");
    let outcome = launch(&client, &wish_for("u1", CapacityType::OnDemand)).await;
    assert!(matches!(outcome, LaunchOutcome::Launched(_)), "{outcome:?}");
}
