//! What calls see and the ledger keeps: lag, faults, chance, audits, and the same trace for the same seed.

use super::support::{launch, launch_as, launched, owned, owner, region, start};
use orca_core::cloud::{CloudClient, LaunchOutcome};
use orca_core::instance::CapacityType;
use orca_testkit::clock::TokioClock;
use orca_testkit::fake_ec2::{
    Call, CallOutcome, Chaos, Ec2Settings, Effect, Event, FakeEc2, Fault, Happening, Span, Violation,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn ids_and_lists_lag_apart() {
    let after = |seconds| Span::exactly(Duration::from_secs(seconds));
    let (ec2, clock) =
        region(Ec2Settings { visible_by_id: after(2), visible_by_tag: after(5), ..Ec2Settings::instant() });
    let cloud = ec2.cloud();
    let instance = launched(launch(&cloud, "u1").await);
    let seen = async || {
        let by_id = cloud.describe(std::slice::from_ref(&instance.id)).await.expect("an answer").len();
        (by_id, cloud.list_owned(&owner()).await.expect("a list").len())
    };
    assert_eq!(seen().await, (0, 0));
    let answers = cloud.terminate(&[owned(&instance, "u1")]).await;
    assert_eq!(answers[&instance.id].as_ref().expect_err("not known").code, "InvalidInstanceID.NotFound");
    clock.advance(Duration::from_secs(2));
    assert_eq!(seen().await, (1, 0));
    clock.advance(Duration::from_secs(3));
    assert_eq!(seen().await, (1, 1));
    assert_eq!(launched(launch(&cloud, "u1").await).id, instance.id, "tokens do not lag");
}

#[tokio::test(start_paused = true)]
async fn faults_act_where_and_as_often_as_ordered() {
    let clock = Arc::new(TokioClock::starting_at(start()));
    let ec2 = FakeEc2::new(Ec2Settings::instant(), clock);
    let cloud = ec2.cloud();
    let fault = ec2.fault(
        Fault::on("RunInstances", Effect::DropBefore)
            .when("InstanceMarketOptions.MarketType", "spot")
            .skip(1)
            .times(2),
    );
    for uid in ["u1", "u2"] {
        launched(launch(&cloud, uid).await);
    }
    let mut answered = Vec::new();
    for uid in ["s1", "s2", "s3", "s4"] {
        let outcome = launch_as(&cloud, uid, CapacityType::Spot).await;
        answered.push(matches!(outcome, LaunchOutcome::Launched(_)));
    }
    assert_eq!(answered, [true, false, false, true]);
    assert_eq!((ec2.hits(fault), ec2.alive().len()), (2, 4));
    let lost = ec2.calls().into_iter().filter(|call| call.outcome == CallOutcome::Lost { executed: false });
    assert_eq!(lost.count(), 2);

    ec2.fault(Fault::on("*", Effect::DelayAfter(Duration::from_secs(7))).always());
    let before = tokio::time::Instant::now();
    cloud.list_owned(&owner()).await.expect("a list");
    assert_eq!(before.elapsed().as_secs(), 7);
    ec2.clear_faults();
    ec2.fault(Fault::on(
        "TerminateInstances",
        Effect::RefuseAfter(orca_testkit::fake_ec2::ApiError::new("InternalError", "an error")),
    ));
    let first = cloud.list_owned(&owner()).await.expect("a list").remove(0);
    let answers = cloud.terminate(&[owned(&first, "u1")]).await;
    answers[&first.id].as_ref().expect_err("an error");
    assert_eq!(ec2.alive().len(), 3, "the call must be executed although its answer was lost");
}

#[tokio::test]
async fn an_audit_finds_doubles_and_what_nobody_accounts_for() {
    let (ec2, _clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    let mut listener = ec2.listen();
    launched(launch(&cloud, "u1").await);
    launched(launch(&cloud.clone().in_subnet("subnet-0000000000000000b"), "u1").await);
    launched(launch(&cloud, "u2").await);
    let live = BTreeSet::from(["u1".to_owned()]);
    let ids: Vec<String> = ec2.instances().iter().map(|instance| instance.id.clone()).collect();
    assert_eq!(
        ec2.audit(&live),
        [
            Violation::TwoAlive { pod: "u1".into(), instances: ids[..2].to_vec() },
            Violation::Unaccounted { instance: ids[2].clone(), pod: Some("u2".into()) },
        ]
    );
    assert_eq!(ec2.call_counts()["RunInstances"], 3);
    let heard = listener.recv().await.expect("an event");
    assert!(matches!(heard.what, Happening::Launched { .. }), "{heard:?}");
    assert_eq!(heard.resource, ids[0]);
}

/// Two hours of launches and ends in a region where much goes wrong.
async fn trace(seed: u64) -> (Vec<Call>, Vec<Event>) {
    let clock = Arc::new(TokioClock::starting_at(start()));
    let chaos = Chaos {
        insufficient_capacity: 0.2,
        spot_interruptions: 0.5,
        lost_answers: 0.1,
        throttled: 0.1,
        ..Chaos::default()
    };
    let latency = Span::between(Duration::from_millis(5), Duration::from_millis(200));
    let ec2 = FakeEc2::new(Ec2Settings { seed, chaos, latency, ..Ec2Settings::default() }, clock);
    let cloud = ec2.cloud();
    for number in 0..60 {
        let market = if number % 2 == 0 { CapacityType::Spot } else { CapacityType::OnDemand };
        launch_as(&cloud, &format!("u{number}"), market).await;
        tokio::time::sleep(Duration::from_mins(2)).await;
        if let Ok(listed) = cloud.list_owned(&owner()).await
            && number % 3 == 0
            && let Some(oldest) = listed.iter().find(|each| each.state.is_alive())
        {
            let uid = oldest.pod.as_ref().expect("a pod").uid.to_string();
            cloud.terminate(&[owned(oldest, &uid)]).await;
        }
    }
    (ec2.calls(), ec2.events())
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_trace() {
    let one = trace(7).await;
    assert_eq!(one, trace(7).await);
    assert_ne!(one.1, trace(8).await.1);
    let (calls, events) = one;
    let refusals = |code: &str| {
        let refused = CallOutcome::Refused(code.to_owned());
        calls.iter().filter(|call| call.outcome == refused).count()
    };
    assert!(refusals("InsufficientInstanceCapacity") > 0 && refusals("RequestLimitExceeded") > 0);
    assert!(calls.iter().any(|call| matches!(call.outcome, CallOutcome::Lost { .. })));
    assert!(events.iter().any(|event| matches!(event.what, Happening::SpotNotice(_))));
}

#[tokio::test(start_paused = true)]
async fn without_latency_no_call_waits_and_with_it_every_call_does() {
    let clock = Arc::new(TokioClock::starting_at(start()));
    let ec2 = FakeEc2::new(Ec2Settings::instant(), clock);
    let cloud = ec2.cloud();
    let before = tokio::time::Instant::now();
    launched(launch(&cloud, "u1").await);
    cloud.list_owned(&owner()).await.expect("a list");
    assert_eq!(before.elapsed(), Duration::ZERO);
    ec2.set_latency(Span::between(Duration::ZERO, Duration::from_millis(2)));
    for _ in 0..10 {
        let before = tokio::time::Instant::now();
        cloud.list_owned(&owner()).await.expect("a list");
        assert!(before.elapsed() >= Duration::from_millis(1));
    }
}
