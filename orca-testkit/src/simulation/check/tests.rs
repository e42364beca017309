//! The rules by themselves, on small histories written by hand: what is right passes, and what is wrong is found.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::fake_ec2::{Call, CallOutcome, Ender};
use crate::simulation::history::{Change, Entry, Fact, Named, PodVersion, Record};

const HOME: &str = "1/here";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).expect("in range")
}

/// A history that grows second by second; calm from 100 s on, and 4 000 s long.
#[derive(Clone)]
struct Story(History);

impl Story {
    fn new() -> Self {
        Self(History {
            cluster: "c".into(),
            node: "n".into(),
            nodes: BTreeSet::from(["n".to_owned()]),
            home: HOME.into(),
            calm_from: at(100),
            quiet_from: None,
            end: at(4_000),
            slack: Duration::ZERO,
            entries: Vec::new(),
        })
    }

    fn then(mut self, second: i64, fact: Fact) -> Self {
        self.0.entries.push(Entry { at: at(second), fact });
        self
    }

    fn pod(self, second: i64, phase: &str, change: impl FnOnce(&mut PodVersion)) -> Self {
        let mut pod = PodVersion {
            uid: "u".into(),
            name: "p".into(),
            node: "n".into(),
            phase: phase.into(),
            is_ready: phase == "Running",
            waits: if phase == "Pending" { "Waits".into() } else { String::new() },
            ..PodVersion::default()
        };
        change(&mut pod);
        self.then(second, Fact::Pod(Box::new(pod)))
    }

    fn gone(self, second: i64) -> Self {
        self.then(second, Fact::PodGone { uid: "u".into() })
    }

    fn instance(self, second: i64, id: &str, change: Change) -> Self {
        self.then(second, Fact::Instance { cloud: HOME.into(), id: id.into(), change })
    }

    fn launched(self, second: i64, id: &str) -> Self {
        let named = Named { cluster: Some("c".into()), node: Some("n".into()), pod: Some("u".into()) };
        self.instance(second, id, Change::Launched(named))
    }

    fn ends(self, second: i64, id: &str) -> Self {
        self.instance(second, id, Change::Ending(Ender::Api))
    }

    fn call(self, second: i64, action: &'static str, id: &str) -> Self {
        self.called(second, action, id, CallOutcome::Done)
    }

    fn called(self, second: i64, action: &'static str, id: &str, outcome: CallOutcome) -> Self {
        let call = Call {
            sequence: 0,
            action,
            at: at(second),
            token: None,
            pod: None,
            instances: vec![id.to_owned()],
            outcome,
        };
        self.then(second, Fact::Call { cloud: HOME.into(), call })
    }

    /// A pod that runs on its instance.
    fn running() -> Self {
        Self::new()
            .pod(1, "Pending", |_| {})
            .call(2, "RunInstances", "i-1")
            .launched(2, "i-1")
            .pod(3, "Pending", recorded)
            .instance(20, "i-1", Change::Running { passes_at: Some(at(40)) })
            .pod(45, "Running", recorded)
    }

    #[track_caller]
    fn breaks(self, rules: &[Rule]) {
        let found = check(&self.0);
        let broken: BTreeSet<Rule> = found.iter().map(|violation| violation.rule).collect();
        assert_eq!(broken.into_iter().collect::<Vec<_>>(), rules, "{found:#?}");
    }
}

fn recorded(pod: &mut PodVersion) {
    let (attempt, token, digest) = (1, "t".to_owned(), "d".to_owned());
    let (cloud, instance) = (HOME.to_owned(), Some("i-1".to_owned()));
    pod.record = Some(Record { attempt, token, digest, cloud, unresolved: 0, instance });
}

fn deleting(pod: &mut PodVersion) {
    recorded(pod);
    pod.deletion = Some(at(80));
}

fn failed(pod: &mut PodVersion) {
    recorded(pod);
    (pod.reason, pod.ended, pod.is_disrupted) = ("InstanceGone".into(), "ended".into(), true);
}

#[test]
fn the_table_has_every_rule_once_and_in_order() {
    assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn a_pod_that_runs_breaks_nothing() {
    Story::running().breaks(&[]);
}

#[test]
fn a_second_instance_is_found_while_the_first_is_alive_and_after_it() {
    Story::running().launched(50, "i-2").breaks(&[Rule::S1, Rule::S2]);
    let one_after_another =
        Story::running().ends(50, "i-1").pod(51, "Failed", failed).launched(52, "i-2").ends(53, "i-2");
    one_after_another.breaks(&[Rule::S2]);
}

#[test]
fn an_end_is_right_for_a_pod_that_is_deleted_and_wrong_for_one_that_is_wanted() {
    let deleted = Story::running().pod(50, "Running", deleting).call(51, "TerminateInstances", "i-1");
    deleted
        .ends(51, "i-1")
        .pod(60, "Failed", |pod| {
            deleting(pod);
            pod.is_ready = false;
        })
        .gone(61)
        .breaks(&[]);
    let wanted = Story::running().call(51, "TerminateInstances", "i-1").ends(51, "i-1");
    wanted.pod(60, "Failed", failed).breaks(&[Rule::S3]);
    let stopped = Story::running().instance(50, "i-1", Change::Stopping(Ender::Operator));
    let stopped = stopped.call(51, "TerminateInstances", "i-1").ends(51, "i-1");
    stopped.pod(60, "Failed", failed).breaks(&[Rule::S7]);
}

/// As many pods run as this says; the API server forgets them at 60 s, and at 70 s a process starts that ends their
/// instances from 400 s on.
fn forgotten(count: usize, is_deleted: bool) -> Story {
    let mut story = Story::new().then(0, Fact::Started { process: 0 });
    for number in 0..count {
        let (uid, id) = (format!("u-{number}"), format!("i-{number}"));
        let named = Named { cluster: Some("c".into()), node: Some("n".into()), pod: Some(uid.clone()) };
        story = story.pod(1, "Pending", |pod| pod.uid.clone_from(&uid));
        story = story.instance(2, &id, Change::Launched(named));
    }
    if !is_deleted {
        story = story.then(60, Fact::SetBack);
    }
    for number in 0..count {
        story = story.then(60, Fact::PodGone { uid: format!("u-{number}") });
    }
    story = story.then(70, Fact::Started { process: 0 });
    for number in 0..count {
        let id = format!("i-{number}");
        story = story.call(400, "TerminateInstances", &id).ends(400, &id);
    }
    story
}

#[test]
fn of_pods_that_were_forgotten_few_are_ended_by_who_never_knew_them() {
    forgotten(3, false).breaks(&[]);
    forgotten(4, false).breaks(&[Rule::S3]);
    forgotten(4, true).breaks(&[]);
    forgotten(4, false).then(350, Fact::Started { process: 1 }).breaks(&[]);
}

#[test]
fn what_is_not_ours_is_not_ended() {
    let lost = Story::running()
        .instance(50, "i-1", Change::Tagged(Named::default()))
        .pod(60, "Running", deleting)
        .gone(70);
    lost.clone().call(160, "TerminateInstances", "i-1").ends(160, "i-1").breaks(&[]);
    lost.call(300, "TerminateInstances", "i-1").ends(300, "i-1").breaks(&[Rule::S4]);
}

#[test]
fn running_and_ready_follow_the_instance() {
    let early = Story::new().pod(1, "Pending", |_| {}).launched(2, "i-1").pod(3, "Running", recorded);
    early.instance(20, "i-1", Change::Running { passes_at: Some(at(40)) }).breaks(&[Rule::S5]);
    let unchecked = Story::new().pod(1, "Pending", |_| {}).launched(2, "i-1");
    let unchecked = unchecked.instance(20, "i-1", Change::Running { passes_at: Some(at(40)) });
    unchecked.pod(30, "Running", recorded).breaks(&[Rule::S5]);
}

#[test]
fn what_is_terminal_stays() {
    let ended = Story::running().ends(50, "i-1").pod(51, "Failed", failed);
    ended.clone().pod(60, "Failed", failed).breaks(&[]);
    let other = ended.pod(60, "Failed", |pod| {
        failed(pod);
        pod.ended = "otherwise".into();
    });
    other.breaks(&[Rule::S6]);
}

#[test]
fn a_pod_is_not_removed_while_its_instance_is_known_to_be_alive() {
    let deleted = Story::running().pod(50, "Running", deleting);
    let asked = |uid: Option<&str>| {
        let (verb, name, uid) = ("delete".to_owned(), "p".to_owned(), uid.map(str::to_owned));
        Fact::Request { verb, name, uid, code: 200 }
    };
    let ended = deleted.clone().ends(55, "i-1");
    ended.clone().then(60, asked(Some("u"))).gone(60).breaks(&[]);
    ended.then(60, asked(None)).gone(60).breaks(&[Rule::S9]);
    deleted.then(60, asked(Some("u"))).gone(60).ends(70, "i-1").breaks(&[Rule::S9]);
}

#[test]
fn a_status_is_about_its_own_instance() {
    let other = Named { pod: Some("other".into()), ..Named::default() };
    let stranger = Story::new().pod(1, "Pending", |_| {}).instance(2, "i-1", Change::Launched(other));
    stranger.pod(3, "Failed", failed).breaks(&[Rule::S11]);
}

#[test]
fn an_attempt_keeps_its_parameters() {
    let changed = Story::running().pod(50, "Running", |pod| {
        recorded(pod);
        pod.record.as_mut().expect("a record").digest = "other".into();
    });
    changed.breaks(&[Rule::S12]);
}

#[test]
fn nothing_is_gone_that_is_alive() {
    Story::running().pod(50, "Failed", failed).ends(55, "i-1").breaks(&[Rule::S13]);
}

#[test]
fn what_is_promised_comes_true() {
    Story::new().pod(1, "Pending", |_| {}).breaks(&[Rule::L1]);
    Story::new().pod(1, "Pending", |pod| pod.waits.clear()).breaks(&[Rule::L1, Rule::L10]);
    Story::running().pod(50, "Running", deleting).gone(60).breaks(&[Rule::L2]);
    Story::running().pod(50, "Running", deleting).ends(55, "i-1").breaks(&[Rule::L3]);
    Story::running().ends(50, "i-1").breaks(&[Rule::L4]);
    let node = |is_there| Fact::Node { name: "n".into(), is_there };
    Story::running().then(50, node(false)).then(60, node(true)).breaks(&[]);
    Story::running().then(50, node(false)).breaks(&[Rule::L7]);
}

#[test]
fn an_orphan_may_wait_for_people_when_an_event_says_so() {
    let orphan = Story::running().gone(60);
    orphan.clone().breaks(&[Rule::L2]);
    orphan.then(300, Fact::Event { about: "n".into(), reason: "OrphanBrake".into() }).breaks(&[]);
}

#[test]
fn an_end_that_was_refused_for_people_to_mend_is_asked_for_again_later() {
    let refused = |second: i64, code: &str| {
        let outcome = CallOutcome::Refused(code.into());
        let story =
            Story::running().pod(50, "Running", deleting).called(95, "TerminateInstances", "i-1", outcome);
        story.ends(second, "i-1").gone(second)
    };
    refused(184, "RequestExpired").breaks(&[]);
    refused(186, "RequestExpired").breaks(&[Rule::L2]);
    refused(165, "RequestLimitExceeded").breaks(&[Rule::L2]);
}

#[test]
fn a_storm_of_calls_is_found_and_so_is_a_call_in_the_quiet() {
    let mut storm = Story::running();
    for _ in 0..300 {
        storm = storm.call(60, "DescribeInstances", "");
    }
    storm.breaks(&[Rule::L8]);
    let mut quiet = Story::running();
    quiet.0.quiet_from = Some(at(200));
    quiet.clone().call(300, "DescribeInstances", "").breaks(&[]);
    quiet.pod(300, "Running", recorded).breaks(&[Rule::L9]);
}
