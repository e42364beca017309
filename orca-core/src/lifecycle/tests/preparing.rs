//! What a launch needs is a fact: how long it is used, what its failures show, when it is asked for anew.

use super::*;
use crate::provider::{Permit, Prepare, Prepared};

const SINCE: i64 = 1_000;

fn offer() -> Offer {
    record(0).offer
}

fn prepared(permit: Permit) -> Prepared {
    Prepared { offer: Some(offer()), permit }
}

fn key(attempt: u32) -> PrepareKey {
    PrepareKey::Attempt { attempt, request_digest: request().digest() }
}

/// A wanted pod without a record, whose prepare was over at `SINCE`.
fn done(result: Result<Prepared, TaskFailure>) -> Case {
    with(key(1), TaskState::Done { at: at(SINCE), result })
}

fn with(key: PrepareKey, state: TaskState<Prepared>) -> Case {
    let mut case = Case::new(instances());
    case.facts.prepare = Some(Task { key, since: at(SINCE), state });
    case
}

#[test]
fn a_launch_request_has_what_the_pod_asks_for() {
    let mut case = Case::new(instances());
    let asked =
        json!([{ "name": "main", "resources": { "requests": { "cpu": "500m", "nvidia.com/gpu": "8" } } }]);
    case.pod.spec.as_mut().expect("a spec").containers = serde_json::from_value(asked).expect("containers");
    let Action::Prepare(preparation) = case.decide(SINCE).action else { panic!("it is prepared") };
    let Prepare::Attempt(request) = preparation.what else { panic!("an attempt") };
    let amounts = [("cpu", "500m"), ("nvidia.com/gpu", "8")];
    let amounts = amounts.map(|(name, amount)| (name.to_owned(), amount.parse().expect("a quantity")));
    assert_eq!(request.resources, amounts.into());
}

#[test]
fn a_pod_that_cannot_be_compared_with_its_type_gets_an_event() {
    let told = |provides, check_fit, asks: bool| {
        let mut prepared = prepared(Permit::Granted);
        prepared.offer.as_mut().expect("an offer").provides = provides;
        let mut case = done(Ok(prepared));
        let resources = if asks { json!({ "requests": { "cpu": "1" } }) } else { json!({}) };
        let containers = json!([{ "name": "main", "resources": resources }]);
        case.pod.spec.as_mut().expect("a spec").containers =
            serde_json::from_value(containers).expect("containers");
        let decision = case.see(|seen| decide(&Observation { check_fit, ..*seen }, at(SINCE + 1)));
        assert_eq!(action(&decision), "Send", "a pod that was not compared is launched");
        decision.notes.iter().any(|note| note.reason == "FitNotChecked")
    };
    let some = || Some(crate::resources::Resources::new());
    assert!(told(None, true, true));
    assert!(!told(some(), true, true) && !told(None, false, true) && !told(None, true, false));
}

#[test]
fn what_was_prepared_is_recorded_and_sent_in_the_look_that_finds_it() {
    let decision = done(Ok(prepared(Permit::Granted))).decide(SINCE + 1);
    assert_eq!((action(&decision).as_str(), reason(&decision)), ("Send", "InstanceLaunching"));
    assert!(decision.consume.is_empty(), "it is used up by the send, when the write was acknowledged");
    let record = decision.record().expect("a record");
    assert_eq!((record.attempt, record.send_at, &record.cloud), (1, at(SINCE + 1), &"cloud".into()));
    assert!(decision.write.as_ref().is_some_and(|write| write.required));
}

#[test]
fn a_send_that_is_repeated_waits_for_its_record_as_the_first_does() {
    let state = TaskState::Done { at: at(60), result: Ok(Prepared { offer: None, permit: Permit::Granted }) };
    let case = with(PrepareKey::Resend { attempt: 1 }, state).record(record(0));
    let decision = case.decide(61);
    assert_eq!(action(&decision), "Send");
    assert_eq!(decision.record(), Some(&record(0).resend(at(61))));
    assert!(
        decision.write.as_ref().is_some_and(|write| write.required),
        "a refused write holds the send back"
    );
}

#[test]
fn a_permit_is_used_within_half_a_minute_or_asked_for_anew() {
    let case = done(Ok(prepared(Permit::Granted)));
    assert_eq!(action(&case.decide(SINCE + 29)), "Send");
    assert_eq!(action(&case.decide(SINCE + 30)), "attempt 1");
    assert_eq!(
        action(&case.decide(SINCE - 5)),
        "attempt 1",
        "a clock that jumped back makes nothing last longer"
    );
}

#[test]
fn an_offer_for_another_wish_or_attempt_is_never_sent() {
    let state = || TaskState::Done { at: at(SINCE), result: Ok(prepared(Permit::Granted)) };
    let other = PrepareKey::Attempt { attempt: 1, request_digest: "other".into() };
    assert_eq!(action(&with(other, state()).decide(SINCE + 1)), "attempt 1");
    assert_eq!(action(&with(key(2), state()).decide(SINCE + 1)), "attempt 1");
}

#[test]
fn nothing_is_sent_when_an_instance_appeared_meanwhile_or_the_sweep_is_old() {
    let mut case = done(Ok(prepared(Permit::Granted)));
    case.instances.fresh = false;
    assert_eq!(action(&case.decide(SINCE + 1)), "Refresh");
    case.instances = KnownInstances { seen: vec![instance(InstanceState::Pending)], ..instances() };
    let decision = case.decide(SINCE + 1);
    assert_eq!((action(&decision).as_str(), reason(&decision)), ("None", "InstanceBooting"));
    assert_eq!(decision.consume, [TaskKey::Prepare(key(1))], "what is no longer needed is given up");
}

#[test]
fn a_launch_whose_turn_has_not_come_waits_and_says_so_when_it_is_long() {
    let soon = done(Ok(prepared(Permit::Until(at(SINCE + 10))))).decide(SINCE);
    assert_eq!((reason(&soon), soon.again), ("-", Duration::from_secs(10)));
    let later = done(Ok(prepared(Permit::Until(at(SINCE + 60)))));
    assert_eq!(reason(&later.decide(SINCE)), "LaunchQueued");
    assert_eq!(action(&later.decide(SINCE + 60)), "attempt 1", "the permit is due");
}

#[test]
fn an_offer_that_does_not_come_is_shown_after_a_while() {
    let case = with(key(1), TaskState::UnderWay);
    assert_eq!(reason(&case.decide(SINCE + 19)), "-");
    let decision = case.decide(SINCE + 20);
    assert_eq!((action(&decision).as_str(), reason(&decision)), ("None", "LaunchPreparing"), "L10");
    assert!(decision.consume.is_empty(), "the preparation continues");
}

#[test]
fn a_prepare_that_failed_in_any_way_is_shown_and_tried_again() {
    let cloud = |kind| TaskFailure::Cloud(CloudError::new(kind, "Code", "said"));
    for (failure, expected, pause) in [
        (cloud(Kind::NoCapacity), "Code", 60),
        (cloud(Kind::Denied), "Code", 60),
        (cloud(Kind::Unknown), "Code", 8),
        (TaskFailure::Panicked("at the disco".into()), "BackEndPanicked", 8),
        (TaskFailure::TimedOut(Duration::from_mins(1)), "BackEndTimeout", 8),
    ] {
        let case = done(Err(failure));
        let decision = case.decide(SINCE + 1);
        assert_eq!((action(&decision).as_str(), reason(&decision)), ("None", expected));
        assert_eq!(decision.notes.len(), 1, "{expected}");
        assert_eq!(action(&case.decide(SINCE + pause)), "attempt 1", "{expected}");
    }
}

#[test]
fn a_pod_that_no_offer_can_be_made_for_fails_unless_a_new_one_would_come_at_once() {
    let wrong = CloudError::new(Kind::Invalid(Fault::Pod), "InvalidAMIID.NotFound", "said");
    let case = done(Err(TaskFailure::Cloud(wrong)));
    let never = case.decide(SINCE + 1);
    assert!(matches!(never.shown(), Some(Shown::Ended { disruption: false, .. })), "{never:?}");
    let always = case.restarts("Always").decide(SINCE + 1);
    assert!(matches!(always.shown(), Some(Shown::Waiting { .. })), "{always:?}");
    let config = CloudError::new(Kind::Invalid(Fault::Config), "InvalidSubnetID.NotFound", "said");
    let config = done(Err(TaskFailure::Cloud(config))).decide(SINCE + 1);
    assert!(matches!(config.shown(), Some(Shown::Waiting { .. })), "no pod fails for the config: {config:?}");
}

#[test]
fn a_task_is_under_way_until_it_has_a_result() {
    let task = |state| Task { key: key(1), since: at(SINCE), state };
    assert!(task(TaskState::UnderWay).is_under_way());
    let failed: Result<Prepared, _> = Err(TaskFailure::TimedOut(Duration::from_mins(1)));
    assert!(!task(TaskState::Done { at: at(SINCE), result: failed }).is_under_way());
}

#[test]
fn a_send_that_failed_in_any_way_leaves_its_mark() {
    for failure in [TaskFailure::Panicked("oh".into()), TaskFailure::TimedOut(Duration::from_mins(2))] {
        let mut case = Case::new(instances()).record(record(0));
        let state = TaskState::Done { at: at(5), result: Err(failure) };
        case.facts.send = Some(Task { key: at(0), since: at(0), state });
        let decision = case.decide(6);
        assert_eq!(decision.record(), Some(&record(0)), "the send must stay unresolved");
        assert_eq!(decision.consume, [TaskKey::Send(at(0))]);
    }
}

#[test]
fn a_send_that_was_stopped_closes_no_attempt_and_backs_off() {
    let denied = CloudError::new(Kind::Denied, "NoCredentials", "none found");
    let stopped = LaunchOutcome::NotSent(denied.clone());
    let mut case = Case::new(instances()).record(record(0)).answered(0, stopped);
    let decision = case.decide(1);
    assert_eq!((reason(&decision), decision.notes.len()), ("NoCredentials", 1));
    let held = decision.record().expect("a record").clone();
    case = Case::new(instances()).record(held);
    assert_eq!(action(&case.decide(60)), "None");
    assert_eq!(action(&case.decide(61)), "resend", "the same attempt, never a next one");
}

#[test]
fn a_repeated_send_that_was_stopped_does_not_let_a_second_attempt_begin() {
    let capacity = CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none");
    let fence = CloudError::new(Kind::Unknown, "TooLate", "stopped");
    let end = 20 * 60;
    let settling = record(0).resend(at(30)).refused(at(30), capacity, at(31)).resend(at(end));
    let stopped = Case::new(instances()).record(settling).answered(end, LaunchOutcome::NotSent(fence));
    let decision = stopped.decide(end + 61);
    assert_eq!(decision.notes, [], "what passes by itself needs no event");
    let next = decision.record().expect("a record").clone();
    let after = Case::new(instances()).record(next);
    for second in [62, 120, 600] {
        let decision = action(&after.decide(end + second));
        assert!(decision == "resend" || decision == "None", "{decision} after {second} s");
    }
}

#[test]
fn the_decision_to_launch_makes_the_tags() {
    let decision = Case::new(instances()).decide(7);
    let Action::Prepare(preparation) = &decision.action else { panic!("{decision:?}") };
    let Prepare::Attempt(request) = &preparation.what else { panic!("{decision:?}") };
    assert_eq!(request.tags["orca.research/pod-uid"], "u");
    assert_eq!(request.tags["orca.research/created-at"], "1970-01-01T00:00:07Z");
    assert_eq!((request.attempt, request.instance_type.as_str()), (1, "t3.micro"));
}

#[test]
fn one_patch_writes_what_the_pod_shows_and_the_record() {
    let case = done(Ok(prepared(Permit::Granted)));
    let decision = case.decide(SINCE + 1);
    let patch = case.render(&decision, SINCE + 1).expect("a patch");
    let words = patch.to_string();
    assert!(words.contains("orca.research/Launch") && words.contains("InstanceLaunching"), "{words}");
    assert_eq!(
        case.render(&Case::new(instances()).decide(0), 0),
        None,
        "nothing is written to ask for an offer"
    );
}

#[test]
fn a_launch_is_recorded_where_its_answer_says_that_it_was() {
    let elsewhere = Instance { cloud: Some("another".into()), ..instance(InstanceState::Pending) };
    let launched = LaunchOutcome::Launched(Box::new(elsewhere));
    let decision = Case::new(instances()).record(record(0)).answered(0, launched).decide(1);
    let record = decision.record().expect("a record");
    assert_eq!((&record.cloud, record.instance_id.as_ref()), (&"another".into(), Some(&"i-1".into())));
}
