//! Every rule of garbage collection, round by round.

use super::*;
use crate::ids::PodRef;
use crate::instance::{CapacityType, InstanceState};

const HOUR: i64 = 3_600;
const RULES: Rules = Rules { min_age: Duration::from_mins(5), release: 0 };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn finding(key: &'static str, standing: Standing) -> Finding<&'static str> {
    Finding {
        key,
        created_at: Some(at(0)),
        standing,
        saw_deletion: false,
        launched_by_us: false,
        may_be_forgotten: false,
    }
}

fn absent(keys: &[&'static str]) -> Vec<Finding<&'static str>> {
    keys.iter().map(|key| finding(key, Standing::Absent)).collect()
}

struct Gc {
    history: History<&'static str>,
    alive: usize,
    rules: Rules,
}

impl Gc {
    fn new(alive: usize) -> Self {
        Self { history: History::default(), alive, rules: RULES }
    }

    /// One round at this second; the process leads since second 0.
    fn round(&mut self, second: i64, findings: &[Finding<&'static str>]) -> Verdict<&'static str> {
        let round = Round { now: at(second), leader_since: at(0), alive: self.alive, findings };
        self.history.judge(&round, self.rules)
    }

    fn kills(&mut self, second: i64, findings: &[Finding<&'static str>]) -> Vec<&'static str> {
        self.round(second, findings).kill
    }
}

#[test]
fn only_an_absent_pod_or_a_surplus_makes_a_suspect() {
    for (standing, is_suspect) in [
        (Standing::Wanted, false),
        (Standing::Ending, false),
        (Standing::Unknown, false),
        (Standing::Absent, true),
        (Standing::Surplus, true),
    ] {
        let mut gc = Gc::new(1);
        let findings = [finding("i-1", standing)];
        let kills: Vec<_> = [600, 660, 720].iter().flat_map(|second| gc.kills(*second, &findings)).collect();
        assert_eq!(!kills.is_empty(), is_suspect, "{standing:?}");
        assert_eq!(gc.round(780, &findings).suspects.len(), usize::from(is_suspect), "{standing:?}");
    }
}

#[test]
fn an_orphan_is_ended_in_its_second_round() {
    let mut gc = Gc::new(1);
    let first = gc.round(600, &absent(&["i-1"]));
    assert_eq!((first.suspects, first.kill, first.frozen), (vec!["i-1"], vec![], None));
    assert_eq!(gc.kills(660, &absent(&["i-1"])), ["i-1"]);
}

#[test]
fn the_rounds_must_be_in_a_row() {
    for between in [vec![], vec![finding("i-1", Standing::Unknown)], vec![finding("i-1", Standing::Wanted)]] {
        let mut gc = Gc::new(1);
        assert!(gc.kills(600, &absent(&["i-1"])).is_empty());
        gc.round(660, &between);
        assert!(gc.kills(720, &absent(&["i-1"])).is_empty(), "S13: {between:?}");
        assert_eq!(gc.kills(780, &absent(&["i-1"])), ["i-1"]);
    }
    let mut gc = Gc::new(1);
    gc.round(600, &absent(&["i-1"]));
    gc.history.interrupt();
    assert!(gc.kills(660, &absent(&["i-1"])).is_empty(), "another world in between");
}

#[test]
fn nothing_younger_than_the_minimum_age_is_ended() {
    let mut gc = Gc::new(1);
    let kills: Vec<(i64, usize)> =
        [60, 120, 299, 300].map(|second| (second, gc.kills(second, &absent(&["i-1"])).len())).into();
    assert_eq!(kills, [(60, 0), (120, 0), (299, 0), (300, 1)]);
}

#[test]
fn a_thing_without_a_birthday_ages_from_when_it_was_first_found() {
    let mut gc = Gc::new(1);
    let findings = [Finding { created_at: None, ..finding("eni-1", Standing::Absent) }];
    assert!(gc.kills(HOUR, &findings).is_empty());
    assert!(gc.kills(HOUR + 299, &findings).is_empty());
    assert_eq!(gc.kills(HOUR + 300, &findings), ["eni-1"]);
}

#[test]
fn a_launch_in_the_future_is_not_old() {
    let mut gc = Gc::new(1);
    let findings =
        [Finding { created_at: Some(at(1_000)), launched_by_us: true, ..finding("i-1", Standing::Absent) }];
    assert!(gc.kills(600, &findings).is_empty());
    assert!(gc.kills(660, &findings).is_empty(), "the clocks disagree");
}

#[test]
fn a_pod_whose_deletion_we_saw_is_done_with_at_once() {
    let mut gc = Gc::new(1);
    let young = Finding { created_at: Some(at(599)), saw_deletion: true, ..finding("i-1", Standing::Absent) };
    assert_eq!(gc.kills(600, std::slice::from_ref(&young)), ["i-1"]);
    let surplus = Finding { standing: Standing::Surplus, key: "i-2", ..young };
    assert!(gc.kills(660, &[surplus]).is_empty(), "a pod with two instances was not deleted");
}

#[test]
fn the_brake_is_at_three_or_a_tenth() {
    for (orphans, alive, brakes) in [
        (3, 3, false),
        (4, 4, true),
        (4, 39, true),
        (4, 40, false),
        (5, 40, true),
        (10, 100, false),
        (11, 100, true),
    ] {
        let names = ["i-0", "i-1", "i-2", "i-3", "i-4", "i-5", "i-6", "i-7", "i-8", "i-9", "i-10"];
        let findings = absent(&names[..orphans]);
        let mut gc = Gc::new(alive);
        assert_eq!(gc.round(600, &findings).frozen, None, "one round is no evidence");
        let verdict = gc.round(660, &findings);
        let brake = Freeze::Brake { orphans, limit: ordinary(alive) };
        assert_eq!(verdict.frozen, brakes.then_some(brake), "{orphans} of {alive}");
        assert_eq!(verdict.kill.len(), if brakes { 0 } else { orphans }, "all or none");
    }
}

#[test]
fn the_brake_counts_what_was_ended_within_the_hour() {
    let mut gc = Gc::new(10);
    for (second, key) in [(600, "i-1"), (1_200, "i-2"), (1_800, "i-3")] {
        gc.round(second, &absent(&[key]));
        assert_eq!(gc.kills(second + 60, &absent(&[key])), [key]);
    }
    gc.round(2_400, &absent(&["i-4"]));
    let verdict = gc.round(2_460, &absent(&["i-4"]));
    assert_eq!((verdict.kill, verdict.frozen), (vec![], Some(Freeze::Brake { orphans: 4, limit: 3 })));
}

#[test]
fn the_same_orphan_counts_once_however_often_it_is_found() {
    let mut gc = Gc::new(10);
    for second in (600..HOUR).step_by(60) {
        assert_eq!(gc.round(second, &absent(&["i-1", "i-2", "i-3"])).frozen, None);
    }
}

#[test]
fn the_brake_stays_until_an_hour_without_orphans() {
    let mut gc = Gc::new(4);
    let four = absent(&["i-1", "i-2", "i-3", "i-4"]);
    gc.round(600, &four);
    assert!(gc.round(660, &four).frozen.is_some());
    gc.alive = 400;
    assert!(gc.round(720, &four).frozen.is_some(), "more instances are no permission");
    assert!(gc.round(780, &[]).frozen.is_some());
    assert!(gc.round(720 + HOUR - 1, &[]).frozen.is_some());
    assert!(gc.round(720 + HOUR, &[]).frozen.is_none());
}

#[test]
fn the_brake_is_released_for_so_many_and_no_more() {
    let six = absent(&["i-1", "i-2", "i-3", "i-4", "i-5", "i-6"]);
    let mut gc = Gc::new(6);
    gc.rules.release = 5;
    gc.round(600, &six);
    assert!(gc.round(660, &six).frozen.is_some());
    let mut gc = Gc::new(6);
    gc.rules.release = 6;
    gc.round(600, &six);
    assert_eq!(gc.kills(660, &six).len(), 6);
    gc.round(720, &absent(&["i-7"]));
    assert_eq!(gc.kills(780, &absent(&["i-7"])), ["i-7"], "what was permitted does not brake again");
    let more = absent(&["i-a", "i-b", "i-c", "i-d"]);
    gc.round(840, &more);
    assert!(gc.round(900, &more).frozen.is_some(), "a permission is used once");
}

#[test]
fn what_the_api_server_may_have_forgotten_is_held_until_people_release_all_of_it() {
    let forgotten = |keys: &[&'static str]| -> Vec<Finding<&'static str>> {
        let hold = |finding| Finding { may_be_forgotten: true, ..finding };
        absent(keys).into_iter().map(hold).collect()
    };
    let mut gc = Gc::new(20);
    for second in [10_000, 20_000] {
        let verdict = gc.round(second, &forgotten(&["i-1", "i-2"]));
        assert_eq!((verdict.kill, verdict.held.len(), verdict.suspects.len()), (vec![], 2, 2), "however few");
    }
    let orphan = [forgotten(&["i-1"]), absent(&["i-3"])].concat();
    gc.round(30_000, &orphan);
    assert_eq!(gc.kills(40_000, &orphan), ["i-3"], "others are judged as ever");
    gc.rules.release = 1;
    assert_eq!(gc.kills(50_000, &forgotten(&["i-1"])), ["i-1"]);
    let two = forgotten(&["i-1", "i-2"]);
    gc.round(60_000, &two);
    assert!(gc.kills(70_000, &two).is_empty(), "all or none");
    let seen = |finding| Finding { saw_deletion: true, ..finding };
    let deleted: Vec<_> = forgotten(&["i-4"]).into_iter().map(seen).collect();
    assert_eq!(gc.kills(80_000, &deleted), ["i-4"], "a deletion that was seen was not forgotten");
    let surplus = [Finding { may_be_forgotten: true, ..finding("i-5", Standing::Surplus) }];
    gc.round(90_000, &surplus);
    assert_eq!(gc.kills(100_000, &surplus), ["i-5"], "its pod is there");
}

#[test]
fn the_brake_ends_when_only_what_was_permitted_is_left() {
    let six = ["i-1", "i-2", "i-3", "i-4", "i-5", "i-6"];
    let seven = [&six[..], &["i-7"]].concat();
    let eleven = [&seven[..], &["i-a", "i-b", "i-c", "i-d"]].concat();
    let mut gc = Gc::new(11);
    gc.rules.release = 6;
    gc.round(600, &absent(&six));
    assert_eq!(gc.kills(660, &absent(&six)).len(), 6);
    gc.round(720, &absent(&seven));
    assert_eq!(gc.kills(780, &absent(&seven)).len(), 7, "one more is ordinary");
    gc.round(840, &absent(&eleven));
    assert!(gc.round(900, &absent(&eleven)).frozen.is_some());
    for minute in 16..75 {
        assert!(gc.round(60 * minute, &absent(&seven)).frozen.is_some(), "minute {minute}");
    }
    assert!(gc.round(900 + HOUR, &absent(&seven)).frozen.is_none());
}

#[test]
fn somebody_else_who_launches_under_our_identity_stops_everything() {
    let signature = 20 * 60;
    for (launched, by_us, freezes) in [
        (signature, false, false),
        (signature + 1, false, true),
        (signature + 1, true, false),
        (-HOUR, false, false),
    ] {
        let mut gc = Gc::new(2);
        let late = Finding {
            created_at: Some(at(launched)),
            launched_by_us: by_us,
            ..finding("i-2", Standing::Absent)
        };
        let findings = [finding("i-1", Standing::Absent), late];
        gc.round(2 * HOUR, &findings);
        let verdict = gc.round(2 * HOUR + 60, &findings);
        let foreign = Freeze::ForeignWriter { key: "i-2" };
        assert_eq!(verdict.frozen, freezes.then_some(foreign), "launched at {launched}");
        assert_eq!(verdict.kill.len(), if freezes { 0 } else { 2 });
    }
}

fn instance(id: &str, uid: &str, state: InstanceState, launched: i64) -> Instance {
    Instance {
        id: id.into(),
        reference: "".into(),
        state,
        cloud: None,
        state_reason: None,
        owner: Some(owner()),
        pod: Some(PodRef::new("ml", "train", uid)),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: None,
        other_ip: None,
        public_ip: None,
        launched_at: Some(at(launched)),
    }
}

fn owner() -> Owner {
    Owner { cluster: "c".into(), node: "n".into() }
}

#[test]
fn of_two_instances_the_recorded_one_stays_else_the_older() {
    let older = instance("i-b", "u", InstanceState::Running, 10);
    let newer = instance("i-a", "u", InstanceState::Running, 20);
    let both = [&newer, &older];
    assert_eq!(surplus(&both, Some(&"i-a".into())), ["i-b".into()]);
    assert_eq!(surplus(&both, Some(&"i-b".into())), ["i-a".into()]);
    assert_eq!(surplus(&both, Some(&"i-gone".into())), ["i-a".into()]);
    assert_eq!(surplus(&both, None), ["i-a".into()]);
    assert!(surplus(&[&older], None).is_empty() && surplus(&[], None).is_empty());
    let undated = Instance { launched_at: None, ..newer.clone() };
    assert_eq!(surplus(&[&undated, &older], None), ["i-a".into()], "an unknown age is no old age");
}

#[test]
fn only_alive_instances_of_one_pod_double() {
    let all = [
        instance("i-1", "u", InstanceState::Running, 0),
        instance("i-2", "u", InstanceState::Terminated, 0),
        instance("i-3", "v", InstanceState::Running, 0),
        instance("i-4", "v", InstanceState::Stopped, 0),
    ];
    let doubled = doubled(&all);
    assert_eq!(doubled.keys().map(|uid| uid.as_str()).collect::<Vec<_>>(), ["v"]);
}

#[test]
fn another_node_no_node_and_no_pod_are_foreign() {
    let ours = instance("i-1", "u", InstanceState::Running, 0);
    let other = Owner { node: "other".into(), ..owner() };
    for (instance, foreign) in [
        (ours.clone(), false),
        (Instance { owner: Some(other), ..ours.clone() }, true),
        (Instance { owner: None, ..ours.clone() }, true),
        // Ours, whatever is wrong with its pod: that is told in each round.
        (Instance { pod: None, ..ours.clone() }, false),
        (Instance { owner: None, state: InstanceState::Terminated, ..ours }, false),
    ] {
        assert_eq!(is_foreign(&instance, &owner()), foreign, "{instance:?}");
    }
}
