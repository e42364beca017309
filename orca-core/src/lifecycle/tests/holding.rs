//! What holds a launch back, and what ends a pod before its time.

use super::*;

#[test]
fn an_owner_whose_pods_end_soon_waits_before_its_next_launch() {
    let mut case = Case::new(instances());
    case.held_until = Some(at(100));
    let decision = case.decide(40);
    assert_eq!((reason(&decision), action(&decision).as_str()), ("LaunchBackOff", "None"));
    assert_eq!(decision.again, Duration::from_mins(1));
    assert_eq!(action(&case.decide(100)), "attempt 1");
}

#[test]
fn a_new_pod_waits_for_the_instance_of_its_predecessor_and_not_for_ever() {
    let mut case = Case::new(KnownInstances { namesake: Some("i-0".into()), ..instances() });
    case.pod.metadata.creation_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(0)));
    assert_eq!(reason(&case.decide(60)), "NamesakeEnding");
    assert_eq!(action(&case.decide(120)), "attempt 1");
}

#[test]
fn what_a_clock_that_was_ahead_has_written_holds_no_launch_back() {
    let error = || CloudError::new(Kind::Denied, "ClockSkew", "an hour ahead");
    let held = record(3_600).not_sent(at(3_600), error(), at(3_600));
    assert_eq!(action(&Case::new(instances()).record(held.clone()).decide(10)), "resend");
    assert_eq!(action(&Case::new(instances()).record(held).decide(3_601)), "None", "it waits as usual");
    let refused = record(3_600).refused(at(3_600), error(), at(3_600));
    assert_eq!(action(&Case::new(instances()).record(refused).decide(10)), "attempt 2");
}

#[test]
fn a_refused_launch_is_begun_anew_after_its_back_off_and_no_second_before() {
    for (kind, first, seventh) in [
        (Kind::Quota, 60, 300),
        (Kind::Denied, 60, 300),
        (Kind::Invalid(Fault::Config), 60, 300),
        (Kind::Throttled, 2, 60),
        (Kind::Unknown, 2, 60),
        (Kind::NotFound, 2, 60),
        (Kind::NoCapacity, 0, 0),
    ] {
        for (attempt, wait) in [(1, first), (7, seventh)] {
            let mut opened = record(0);
            opened.attempt = attempt;
            let refused = opened.refused(at(0), CloudError::new(kind, "C", "m"), at(10));
            let case = Case::new(instances()).record(refused);
            let next = format!("attempt {}", attempt + 1);
            assert_eq!(action(&case.decide(10 + wait)), next, "{kind:?}");
            if wait > 0 {
                let early = [case.decide(10), case.decide(9 + wait)];
                assert_eq!(early.each_ref().map(action), ["None", "None"], "L8: {kind:?}");
                assert_eq!(early.map(|one| one.again.as_secs()), [wait.unsigned_abs(), 1], "{kind:?}");
            }
        }
    }
}

#[test]
fn the_pods_own_deadline_ends_it_and_its_instance() {
    let seen = KnownInstances { seen: vec![instance(InstanceState::Running)], ..instances() };
    let mut case = Case::new(seen).record(record(0).launched(&"i-1".into()));
    case.pod.spec.as_mut().expect("a spec").active_deadline_seconds = Some(30);
    case.pod.status.as_mut().expect("a status").start_time =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(10)));
    let before = case.decide(39);
    assert_eq!((reason(&before), before.again), ("Running", Duration::from_secs(1)), "B26");
    let after = case.decide(40);
    assert_eq!((reason(&after), action(&after).as_str()), ("DeadlineExceeded", "Terminate"), "B26");
}

#[test]
fn a_misplaced_pod_fails_unless_its_controller_would_make_new_ones_without_end() {
    let rejection = || {
        Err(Rejection {
            kind: RejectionKind::Placement,
            reason: "OutOfcpu".into(),
            message: "no room".into(),
        })
    };
    let bare = Case { request: rejection(), ..Case::new(instances()).restarts("Always") };
    assert!(matches!(bare.decide(0).shown(), Some(Shown::Ended { disruption: false, .. })), "B27");
    let mut owned = bare;
    let owner = json!([{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "1", "controller": true }]);
    owned.pod.metadata.owner_references = serde_json::from_value(owner).expect("owners");
    assert_eq!(reason(&owned.decide(0)), "OutOfcpu");
    assert!(matches!(owned.decide(0).shown(), Some(Shown::Waiting { .. })));
}

#[test]
fn a_force_deleted_pod_is_remembered_while_its_launch_may_still_be_executed() {
    let gone = |instances: KnownInstances, now| {
        let record = Some(Ok(record(0)));
        let request = Ok(request());
        let (facts, reference) = (Facts::default(), PodRef::new("ml", "train", "u"));
        let seen = Observation {
            reference: &reference,
            owner: &Owner { cluster: "c".into(), node: "n".into() },
            user_tags: &std::collections::BTreeMap::new(),
            facts: &facts,
            ready_unknown_after: Some(Duration::from_mins(5)),
            capacity_memory: Duration::from_mins(3),
            abandoned: &[],
            check_fit: true,
            intent: Intent::Gone,
            pod: None,
            record: record.as_ref(),
            request: &request,
            ignore_daemons: true,
            held_until: None,
            instances: &instances,
        };
        decide(&seen, at(now)).action
    };
    let end = 20 * 60;
    let sweeps = |times: &[i64]| KnownInstances {
        complete_sweeps: times.iter().map(|t| at(*t)).collect(),
        ..instances()
    };
    assert_eq!(gone(sweeps(&[10, 20, 30]), 40), Action::Refresh);
    assert_eq!(gone(sweeps(&[end + 1, end + 200, end + 301]), end + 310), Action::Forget);
    let appeared = KnownInstances { seen: vec![instance(InstanceState::Pending)], ..instances() };
    assert_eq!(gone(appeared, 40), Action::Terminate);
}

#[test]
fn an_hour_without_credentials_fails_no_pod() {
    let denied = || CloudError::new(Kind::Denied, "NoCredentials", "none found");
    let unlisted = KnownInstances { fresh: false, trouble: Some(denied()), ..instances() };
    let refused = record(0).refused(at(0), denied(), at(1));
    for minute in 0..=60 {
        let now = minute * 60;
        for case in [
            Case::new(unlisted.clone()),
            Case::new(unlisted.clone()).record(refused.clone()),
            Case::new(instances()).record(refused.clone()),
        ] {
            let decision = case.decide(now);
            let pending = matches!(decision.shown(), None | Some(Shown::Waiting { .. }));
            assert!(pending && decision.action != Action::Release, "minute {minute}: {decision:?}");
        }
        let waiting = Case::new(unlisted.clone()).decide(now);
        assert!(
            matches!(waiting.shown(), Some(Shown::Waiting { message, .. }) if message.contains("NoCredentials")),
            "L10"
        );
    }
}

#[test]
fn what_was_launched_under_another_identity_is_unknown_and_never_missing() {
    let elsewhere =
        |instances: KnownInstances| KnownInstances { identity: Some("another".into()), ..instances };
    let missing =
        Missing { id: "i-1".into(), absences: 100, since: at(0), latest: at(1_000), is_held: false };
    let launched = record(0).launched(&"i-1".into());
    for (instances, record) in [
        (elsewhere(instances()), launched.clone()),
        (elsewhere(KnownInstances { missing: Some(missing), ..instances() }), launched.clone()),
        (elsewhere(instances()), record(0)),
    ] {
        for now in [10, 4_000, 100_000] {
            let mut case = Case::new(instances.clone()).record(record.clone());
            let wanted = case.decide(now);
            assert_eq!((action(&wanted).as_str(), reason(&wanted)), ("None", "CloudIdentityChanged"));
            case.pod.status.as_mut().expect("a status").phase = Some("Running".into());
            let running = case.decide(now);
            assert_eq!(
                (action(&running).as_str(), reason(&running)),
                ("None", "-"),
                "the status must not change"
            );
            assert_eq!(running.notes.len(), 1, "there must be a warning");
            let deleted = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(now));
            case.pod.metadata.deletion_timestamp = Some(deleted);
            let deleting = case.decide(now);
            assert_eq!(
                (action(&deleting).as_str(), reason(&deleting), deleting.notes.len()),
                ("None", "-", 1)
            );
        }
    }
    let here = elsewhere(KnownInstances { seen: vec![instance(InstanceState::Running)], ..instances() });
    let mut case = Case::new(here).record(launched.clone());
    case.pod.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(10)));
    assert_eq!(action(&case.decide(20)), "Terminate", "an instance in the current account must be ended");
    let refused = record(0).refused(at(0), CloudError::new(Kind::NoCapacity, "C", "m"), at(1));
    let next = Case::new(elsewhere(instances())).record(refused).decide(10);
    assert_eq!(action(&next), "attempt 2", "a refused launch ties the pod to no account");
    let same = Case::new(instances()).record(launched).decide(10);
    assert_eq!(action(&same), "Refresh", "under its own identity the pod is followed");
}

#[test]
fn a_deleted_pod_whose_end_was_shown_goes_although_its_instance_is_no_longer_listed() {
    let mut case = Case::new(instances()).record(record(0).launched(&"i-1".into()));
    case.pod.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(10)));
    case.pod.status.as_mut().expect("a status").phase = Some("Failed".into());
    assert_eq!(action(&case.decide(100)), "Refresh", "the instance may still be listed");
    assert_eq!(action(&case.decide(20 * 60)), "Release", "the instance is no longer listed after that time");
    case.instances.fresh = false;
    assert_eq!(action(&case.decide(20 * 60)), "Refresh");
}

#[test]
fn an_unreadable_record_of_a_deleted_pod_is_not_no_record() {
    let sweeps = |times: &[i64]| KnownInstances {
        complete_sweeps: times.iter().map(|t| at(*t)).collect(),
        ..instances()
    };
    let decided = |instances: &KnownInstances, now| {
        let mut case = Case::new(instances.clone());
        case.pod.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(10)));
        let record = Some(Err(crate::launch::RecordError::Version(9)));
        case.see(|seen| decide(&Observation { record: record.as_ref(), ..*seen }, at(now)))
    };
    let early = decided(&sweeps(&[20, 30, 40]), 50);
    assert_eq!((action(&early).as_str(), early.notes.len()), ("Refresh", 1), "its launch may be on its way");
    assert_eq!(early.again, limits::RESYNC, "for 25 minutes, so not every few seconds");
    let end = 10 + 20 * 60;
    assert_eq!(action(&decided(&sweeps(&[end + 1, end + 150, end + 301]), end + 302)), "Release");
}

#[test]
fn what_people_gave_up_fails_its_pod_and_holds_up_no_deletion() {
    let abandoned = ["elsewhere".into()];
    let mut given_up = record(0).launched(&"i-1".into());
    given_up.cloud = "elsewhere".into();
    let decided = |case: &Case, intent| {
        case.see(|seen| decide(&Observation { abandoned: &abandoned, intent, ..*seen }, at(100)))
    };
    let case = Case::new(instances()).record(given_up.clone());
    let failed = decided(&case, Intent::Wanted);
    assert_eq!((action(&failed).as_str(), reason(&failed)), ("None", "InstanceAbandoned"));
    let deleting = Intent::Deleting { deadline: at(90), finished: false, released: false };
    assert_eq!(action(&decided(&case, deleting)), "Release");
    assert_eq!(action(&decided(&case, Intent::Gone)), "Forget");
    let mut sending = Case::new(instances()).record(given_up);
    sending.facts.send = Some(Task { key: at(0), since: at(0), state: TaskState::UnderWay });
    assert_eq!(action(&decided(&sending, deleting)), "None", "its answer is waited for");
    assert_eq!(action(&decided(&sending, Intent::Gone)), "None");
    let answered = case.answered(0, LaunchOutcome::Unknown(CloudError::new(Kind::Unknown, "C", "m")));
    assert_eq!(decided(&answered, Intent::Gone).consume.len(), 1, "no fact is left behind");
}

#[test]
fn an_instance_that_nothing_confirms_keeps_what_its_pod_shows() {
    let launched = record(0).launched(&"i-1".into());
    let silent = |instances: KnownInstances| KnownInstances {
        unconfirmed_since: Some(at(100)),
        fresh: false,
        ..instances
    };
    let seen = KnownInstances { seen: vec![instance(InstanceState::Running)], ..instances() };
    let claimed = Missing { id: "i-1".into(), absences: 0, since: at(100), latest: at(100), is_held: false };
    let claimed = KnownInstances { missing: Some(claimed), ..instances() };
    for known in [seen, claimed] {
        let mut case = Case::new(silent(known)).record(launched.clone());
        case.pod.status.as_mut().expect("a status").phase = Some("Running".into());
        let early = case.decide(170);
        assert_eq!((reason(&early), early.again), ("Unconfirmed", limits::RESYNC));
        let later = case.decide(380);
        assert_eq!((reason(&later), later.again), ("Unconfirmed", Duration::from_secs(20)), "and then Ready");
        let unknown = case.decide(400);
        assert_eq!((reason(&unknown), unknown.again), ("Ready unknown", limits::RESYNC), "S5");
    }
    let gone = Missing { id: "i-1".into(), absences: 3, since: at(100), latest: at(400), is_held: false };
    let held = Missing { is_held: true, ..gone.clone() };
    let held = silent(KnownInstances { missing: Some(held), ..instances() });
    let held = Case::new(held).record(launched.clone()).decide(401);
    assert_eq!(reason(&held), "Ready unknown", "with many missing nothing may be concluded");
    let gone = silent(KnownInstances { missing: Some(gone), ..instances() });
    assert_eq!(reason(&Case::new(gone).record(launched.clone()).decide(401)), "InstanceGone");
    let ended = silent(KnownInstances { seen: vec![instance(InstanceState::Terminated)], ..instances() });
    assert_eq!(
        reason(&Case::new(ended).record(launched).decide(401)),
        "InstanceGone",
        "an end that is known counts"
    );
}
