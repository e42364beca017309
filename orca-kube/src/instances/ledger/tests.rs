//! What the ledger says of instances as sweeps, sends and claims come in.

use orca_core::error::Kind;
use orca_core::instance::CapacityType;

use orca_core::ids::Owner;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn owner() -> Owner {
    Owner { cluster: "c".into(), node: "n".into() }
}

fn pod() -> PodRef {
    PodRef::new("ml", "train", "u")
}

fn instance(id: &str, state: InstanceState) -> Instance {
    Instance {
        id: id.into(),
        reference: format!("ec2://r/{id}").into(),
        state,
        cloud: None,
        state_reason: None,
        owner: Some(owner()),
        pod: Some(pod()),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: None,
        other_ip: None,
        public_ip: None,
        launched_at: None,
    }
}

fn sweep(began: i64, listed: Vec<Instance>) -> Sweep {
    Sweep { began: at(began), listed, found: Some(Vec::new()) }
}

fn states(ledger: &Ledger, now: i64) -> Vec<InstanceState> {
    ledger.instances_of(&pod(), at(now)).seen.iter().map(|instance| instance.state).collect()
}

#[test]
fn without_a_source_of_health_an_instance_is_healthy_from_its_first_answer() {
    for (has_source, expected) in [(false, Some(Health::Passed)), (true, None)] {
        let mut ledger = Ledger::new(has_source, Duration::from_mins(1));
        ledger.launched(&pod(), instance("i-1", InstanceState::Running), at(2));
        assert_eq!(ledger.instances_of(&pod(), at(2)).health, expected);
    }
}

#[test]
fn a_sweep_is_fresh_for_a_minute_from_its_start() {
    let mut ledger = Ledger::default();
    assert!(!ledger.instances_of(&pod(), at(0)).fresh);
    ledger.apply(sweep(0, vec![]), at(5));
    assert!(!ledger.instances_of(&pod(), at(6)).fresh, "a list says nothing before it is known whose it is");
    ledger.identified("123456789012/us-west-2".into(), at(0));
    assert!(ledger.instances_of(&pod(), at(59)).fresh);
    assert!(!ledger.instances_of(&pod(), at(60)).fresh);
}

#[test]
fn only_a_change_wakes_a_pod() {
    let mut ledger = Ledger::default();
    let running = || vec![instance("i-1", InstanceState::Running)];
    assert_eq!(ledger.apply(sweep(0, running()), at(0)), ["u".into()]);
    assert!(ledger.apply(sweep(10, running()), at(10)).is_empty(), "L9");
}

#[test]
fn a_launched_instance_is_what_the_launch_call_said_until_it_is_listed() {
    let mut ledger = Ledger::default();
    ledger.launched(&pod(), instance("i-1", InstanceState::Pending), at(1));
    for second in [2, 4, 6, 8] {
        ledger.apply(sweep(second, vec![]), at(second));
    }
    assert_eq!(states(&ledger, 9), [InstanceState::Pending], "visibility lags behind the launch");
    ledger.apply(sweep(400, vec![]), at(400));
    assert!(states(&ledger, 400).is_empty());
    assert!(ledger.instances_of(&pod(), at(400)).missing.is_some_and(|missing| missing.is_gone()));
}

#[test]
fn a_listed_instance_that_vanishes_is_missing_at_once_and_gone_much_later() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    ledger.apply(sweep(10, vec![]), at(10));
    let missing = ledger.instances_of(&pod(), at(10)).missing.expect("missing");
    assert_eq!((missing.absences, missing.since), (1, at(10)));
    assert!(states(&ledger, 10).is_empty());
    ledger.apply(sweep(20, vec![instance("i-1", InstanceState::Running)]), at(20));
    assert_eq!(ledger.instances_of(&pod(), at(20)).missing, None, "one answer brings it back");
}

#[test]
fn a_failed_describe_counts_nothing_as_absent() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    ledger.apply(Sweep { found: None, ..sweep(10, vec![]) }, at(10));
    assert_eq!(states(&ledger, 10), [InstanceState::Running], "S13: unknown is not absent");
}

#[test]
fn an_instance_found_by_id_without_its_tags_stays_with_its_pod() {
    let mut ledger = Ledger::default();
    ledger.adopt(&pod(), Claim { id: "i-1".into(), cloud: None, health: None }, at(0));
    assert_eq!(ledger.unlisted(&[]), ["i-1".into()]);
    let bare = Instance { pod: None, owner: None, ..instance("i-1", InstanceState::Terminated) };
    ledger.apply(Sweep { found: Some(vec![bare]), ..sweep(10, vec![]) }, at(10));
    assert_eq!(states(&ledger, 10), [InstanceState::Terminated]);
}

#[test]
fn only_alive_instances_with_our_tags_are_ended_and_not_asked_twice_at_once() {
    let mut ledger = Ledger::default();
    let foreign = Instance { owner: None, ..instance("i-2", InstanceState::Running) };
    let dead = instance("i-3", InstanceState::Terminated);
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running), foreign, dead]), at(0));
    assert!(ledger.queue_termination(&owner(), &"u".into(), at(1)));
    let ids: Vec<String> = ledger.next_terminations(500).iter().map(|owned| owned.id().to_string()).collect();
    assert_eq!(ids, ["i-1"], "S3, S4");
    assert!(!ledger.queue_termination(&owner(), &"u".into(), at(5)));
    assert!(ledger.queue_termination(&owner(), &"u".into(), at(30)), "it did not show, so it is asked again");
    let other = Owner { cluster: "other".into(), ..owner() };
    assert!(!ledger.queue_termination(&other, &"u".into(), at(60)));
}

#[test]
fn a_late_list_does_not_revive_an_ending_instance() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    ledger.ended(&"i-1".into(), InstanceState::ShuttingDown, at(1));
    ledger.apply(sweep(1, vec![instance("i-1", InstanceState::Running)]), at(2));
    assert_eq!(states(&ledger, 2), [InstanceState::ShuttingDown]);
    assert_eq!(ledger.instances_of(&pod(), at(2)).ending_since, Some(at(1)));
}

#[test]
fn an_ended_instance_that_is_listed_no_longer_is_forgotten() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Terminated)]), at(0));
    ledger.apply(sweep(10, vec![]), at(10));
    assert_eq!(ledger.instances_of(&pod(), at(10)).missing, None);
    assert!(
        ledger.tracked.is_empty() && ledger.by_pod.is_empty() && ledger.by_name.is_empty(),
        "F18: nothing grows"
    );
}

#[test]
fn the_end_of_an_instance_that_a_pod_still_names_is_not_forgotten() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Terminated)]), at(0));
    ledger.adopt(&pod(), Claim { id: "i-1".into(), cloud: None, health: None }, at(1));
    ledger.apply(sweep(4_000, vec![]), at(4_000));
    assert_eq!(
        states(&ledger, 4_000),
        [InstanceState::Terminated],
        "its pod could not be written for an hour"
    );
    ledger.disclaim(&"u".into());
    ledger.apply(sweep(4_010, vec![]), at(4_010));
    assert!(ledger.tracked.is_empty(), "the pod shows it now");
}

#[test]
fn another_account_says_nothing_about_the_instances_of_this_one() {
    let mut ledger = Ledger::default();
    ledger.identified("1/r".into(), at(0));
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    ledger.adopt(&pod(), Claim { id: "i-2".into(), cloud: Some("2/r".into()), health: None }, at(0));
    ledger.identified("2/r".into(), at(0));
    assert_eq!(ledger.unlisted(&[]), ["i-2".into()], "the other one is not asked for by its id");
    for second in 1..1_000 {
        ledger.apply(sweep(second, vec![]), at(second));
    }
    assert_eq!(states(&ledger, 1_000), [InstanceState::Running], "nothing is concluded about it");
    assert!(!ledger.queue_termination(&owner(), &"u".into(), at(1_000)), "and nothing is done to it");
    ledger.identified("1/r".into(), at(0));
    assert!(!ledger.queue_termination(&owner(), &"u".into(), at(1_001)), "its tags were read long ago");
    ledger.apply(sweep(1_002, vec![instance("i-1", InstanceState::Running)]), at(1_002));
    assert!(ledger.queue_termination(&owner(), &"u".into(), at(1_003)));
}

#[test]
fn an_absent_instance_of_a_finished_pod_is_asked_for_no_more() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    ledger.apply(sweep(10, vec![]), at(10));
    assert_eq!(ledger.unlisted(&[]), ["i-1".into()]);
    ledger.disclaim(&"u".into());
    for second in [20, 100, 309] {
        ledger.apply(sweep(second, vec![]), at(second));
        assert_eq!(ledger.unlisted(&[]), ["i-1".into()], "it may be late to be listed, and has to be ended");
    }
    ledger.apply(sweep(310, vec![]), at(310));
    assert!(ledger.unlisted(&[]).is_empty() && ledger.tracked.is_empty());
    ledger.apply(sweep(320, vec![instance("i-1", InstanceState::Running)]), at(320));
    assert_eq!(
        states(&ledger, 320),
        [InstanceState::Running],
        "should it appear again, its pod's path ends it"
    );
}

#[test]
fn sweeps_are_remembered_by_age_however_frequent_they_are() {
    let mut ledger = Ledger::default();
    let at_tenth = |tenth: i64| Timestamp::from_millisecond(tenth * 100).expect("in range");
    for tenth in 0..6_000 {
        let began = at_tenth(tenth);
        ledger.apply(Sweep { began, ..sweep(0, vec![]) }, began);
    }
    let now = at_tenth(5_999);
    let sweeps = ledger.instances_of(&pod(), now).complete_sweeps;
    assert_eq!(sweeps.last(), Some(&now), "the latest is always among them");
    assert!(clock::age(sweeps[0], now) > limits::ABSENT_FOR, "adopt-or-fail comes to an end");
    assert!(sweeps.len() < 500, "{}", sweeps.len());
    ledger.apply(sweep(100, vec![]), at(100));
    assert!(ledger.sweeps.iter().all(|sweep| *sweep <= at(100)), "the clock was set back");
}

#[test]
fn trouble_is_known_until_the_next_complete_sweep() {
    let mut ledger = Ledger::default();
    ledger.failed(CloudError::new(Kind::Throttled, "RequestLimitExceeded", "slow down"));
    assert!(ledger.instances_of(&pod(), at(0)).trouble.is_some());
    ledger.apply(sweep(1, vec![]), at(1));
    assert_eq!(ledger.instances_of(&pod(), at(1)).trouble, None);
}

#[test]
fn an_earlier_pod_of_the_same_name_is_told_while_its_instance_is_alive() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    let namesake =
        |ledger: &Ledger, uid| ledger.instances_of(&PodRef::new("ml", "train", uid), at(1)).namesake;
    assert_eq!(namesake(&ledger, "new"), Some("i-1".into()));
    assert_eq!(namesake(&ledger, "u"), None);
    ledger.ended(&"i-1".into(), InstanceState::ShuttingDown, at(2));
    assert_eq!(namesake(&ledger, "new"), None);
}

#[test]
fn an_instance_that_no_answer_shows_for_a_minute_is_unconfirmed_until_one_does() {
    let mut ledger = Ledger::new(true, Duration::from_mins(1));
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    assert!(ledger.apply_unconfirmed(at(59)).is_empty());
    assert_eq!(ledger.instances_of(&pod(), at(59)).unconfirmed_since, None);
    assert_eq!(ledger.apply_unconfirmed(at(60)), ["u".into()], "its pod has to say so");
    assert!(ledger.apply_unconfirmed(at(70)).is_empty(), "once");
    assert_eq!(ledger.instances_of(&pod(), at(300)).unconfirmed_since, Some(at(0)), "S5");
    let shown = ledger.apply(sweep(310, vec![instance("i-1", InstanceState::Running)]), at(312));
    assert_eq!(shown, ["u".into()], "and that it is over");
    assert_eq!(ledger.instances_of(&pod(), at(320)).unconfirmed_since, None);

    ledger.adopt(
        &PodRef::new("ml", "other", "v"),
        Claim { id: "i-2".into(), cloud: None, health: None },
        at(400),
    );
    let claimed = ledger.instances_of(&PodRef::new("ml", "other", "v"), at(460)).unconfirmed_since;
    assert_eq!(claimed, Some(at(400)), "a new process knows no better than from its start on");
}

#[test]
fn who_has_failed_its_checks_is_asked_once_a_minute_when_somebody_has_passed_them() {
    let mut ledger = Ledger::new(true, Duration::from_mins(1));
    let minute = Duration::from_mins(1);
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    assert!(!ledger.asks_for_impaired(at(0), minute), "nobody has passed");
    assert_eq!(ledger.apply_health([("i-1".into(), Health::Passed)].into()), ["u".into()]);
    assert!(ledger.asks_for_impaired(at(10), minute));
    assert!(!ledger.asks_for_impaired(at(60), minute));
    assert!(ledger.asks_for_impaired(at(70), minute));
    let unknown = [("i-1".into(), Health::Impaired), ("i-99".into(), Health::Impaired)];
    assert_eq!(ledger.apply_health(unknown.into()), ["u".into()], "those of others are nobody's here");
    assert_eq!(
        ledger.unproven(&[instance("i-1", InstanceState::Running)]),
        ["i-1".into()],
        "it is followed again"
    );
}

#[test]
fn a_refused_termination_is_asked_for_again_later_and_later() {
    let mut ledger = Ledger::default();
    ledger.apply(sweep(0, vec![instance("i-1", InstanceState::Running)]), at(0));
    let asked: Vec<i64> = (0..2_000)
        .filter(|second| {
            ledger.apply(sweep(*second, vec![instance("i-1", InstanceState::Running)]), at(*second));
            let queued = ledger.queue_termination(&owner(), &"u".into(), at(*second));
            if queued {
                let error = CloudError::new(Kind::Denied, "UnauthorizedOperation", "no");
                assert_eq!(ledger.refused(&"i-1".into(), error), Some("u".into()));
            }
            queued
        })
        .collect();
    assert_eq!(asked, [0, 30, 90, 210, 450, 930, 1_530], "up to ten minutes");
}

#[test]
fn of_many_that_are_missing_together_nothing_is_concluded() {
    let pod_of = |number: usize| PodRef::new("ml", &format!("p{number}"), &format!("u{number}"));
    let all = |count| {
        (0..count)
            .map(|number| Instance {
                pod: Some(pod_of(number)),
                ..instance(&format!("i-{number:02}"), InstanceState::Running)
            })
            .collect::<Vec<_>>()
    };
    let gone_after = |missing: usize, release: usize, ends: bool| {
        let mut ledger = Ledger::new(true, Duration::from_mins(1)).releasing(release);
        ledger.apply(sweep(0, all(20)), at(0));
        for number in (0..missing).filter(|_| ends) {
            assert!(ledger.queue_termination(&owner(), &pod_of(number).uid, at(5)));
        }
        for second in [10, 100, 200, 311, 400] {
            ledger.apply(sweep(second, all(20).split_off(missing)), at(second));
        }
        let is_gone = |number: &usize| {
            let missing = ledger.instances_of(&pod_of(*number), at(401)).missing;
            missing.is_some_and(|missing| missing.is_gone())
        };
        ((0..20).filter(is_gone).count(), ledger.held().len())
    };
    assert_eq!(gone_after(3, 0, false), (3, 0), "accidents");
    assert_eq!(gone_after(4, 0, false), (0, 4), "S13");
    assert_eq!(gone_after(10, 10, false), (10, 0), "people said so");
    assert_eq!(gone_after(10, 0, true), (10, 0), "they were asked to end");
}
