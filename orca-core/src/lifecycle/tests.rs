//! The golden table, and the rules of the protocol one by one.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::*;
use crate::admission::{Rejection, RejectionKind, Request};
use crate::cloud::LaunchOutcome;
use crate::error::{CloudError, Fault, Kind};
use crate::ids::{Owner, PodRef};
use crate::instance::{CapacityType, EndCause, Instance, InstanceState, StateReason};
use crate::launch::{LaunchRecord, NewAttempt, Offer};
use crate::pod;
use crate::provider::{KnownInstances, Missing};
use crate::status::Shown;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pod-lifecycle.md");

/// Both tables stand in one file: a blessing of one must not undo that of the other.
static FILE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Compares a table of the document with what the code says, or writes it there.
fn compare(name: &str, rendered: &str) {
    let begin =
        format!("<!-- {name}: begin (generated; `ORCA_BLESS=1 cargo test -p orca-core` writes it) -->\n");
    let end = format!("<!-- {name}: end -->");
    let writing = FILE.lock().expect("no test panics in between");
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/pod-lifecycle.md");
    let (before, rest) = document.split_once(&begin).expect("the table's begin");
    let (written, after) = rest.split_once(&end).expect("the table's end");
    if written != rendered && option_env!("ORCA_BLESS").is_some() {
        std::fs::write(DOCUMENT, [before, &begin, rendered, &end, after].concat()).expect("written");
        return;
    }
    let same = written == rendered;
    drop(writing);
    assert!(same, "the {name} has changed; it is now:\n{rendered}");
}

#[test]
fn the_documented_decision_table_is_the_one_that_decide_follows() {
    compare("decision table", &table::render());
}

#[test]
fn the_documented_state_mapping_is_the_one_that_pods_show() {
    compare("state mapping", &crate::state_mapping::table::render());
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn record(first_send_at: i64) -> LaunchRecord {
    let offer = Offer {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        price: None,
        tags: std::collections::BTreeMap::new(),
        parameters: serde_json::Value::Null,
        provides: None,
    };
    let (cloud, request) = ("cloud".into(), request().digest());
    LaunchRecord::open(
        NewAttempt {
            cluster: &"c".into(),
            pod: &"u".into(),
            attempt: 1,
            cloud,
            offer,
            request_digest: request,
        },
        at(first_send_at),
    )
}

fn request() -> Request {
    Request {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        max_price: None,
        image: None,
        notes: vec![],
    }
}

fn instance(state: InstanceState) -> Instance {
    Instance {
        id: "i-1".into(),
        reference: "ec2://us-west-2/i-1".into(),
        state,
        cloud: None,
        state_reason: None,
        owner: None,
        pod: None,
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::Spot,
        zone: None,
        private_ip: "10.0.0.7".parse().ok(),
        other_ip: None,
        public_ip: None,
        launched_at: None,
    }
}

fn instances() -> KnownInstances {
    KnownInstances {
        fresh: true,
        identity: Some("cloud".into()),
        token_memory: Duration::from_mins(45),
        ..KnownInstances::default()
    }
}

mod following;
mod hanging;
mod holding;
mod preparing;

/// A case: what differs from a wanted pod with restart policy Never and no instance.
struct Case {
    pod: Pod,
    record: Option<LaunchRecord>,
    request: Result<Request, Rejection>,
    instances: KnownInstances,
    held_until: Option<Timestamp>,
    facts: Facts,
}

impl Case {
    fn new(instances: KnownInstances) -> Self {
        let pod = json!({
            "metadata": { "namespace": "ml", "name": "train", "uid": "u" },
            "spec": { "restartPolicy": "Never", "containers": [{ "name": "main" }] },
            "status": { "phase": "Pending" },
        });
        Self {
            pod: serde_json::from_value(pod).expect("a pod"),
            record: None,
            request: Ok(request()),
            instances,
            held_until: None,
            facts: Facts::default(),
        }
    }

    /// A send that was announced for this time was answered so.
    fn answered(mut self, send_at: i64, outcome: LaunchOutcome) -> Self {
        let state = TaskState::Done { at: at(send_at), result: Ok(outcome) };
        self.facts.send = Some(Task { key: at(send_at), since: at(send_at), state });
        self
    }

    fn record(mut self, record: LaunchRecord) -> Self {
        self.record = Some(record);
        self
    }

    fn restarts(mut self, policy: &str) -> Self {
        self.pod.spec.as_mut().expect("a spec").restart_policy = Some(policy.into());
        self
    }

    fn rejected(mut self) -> Self {
        self.request = Err(Rejection {
            kind: RejectionKind::Annotation,
            reason: "InvalidAnnotation".into(),
            message: "wrong".into(),
        });
        self
    }

    fn decide(&self, now: i64) -> Decision {
        self.see(|seen| decide(seen, at(now)))
    }

    fn render(&self, decision: &Decision, now: i64) -> Option<serde_json::Value> {
        self.see(|seen| render(seen, decision, at(now)))
    }

    fn see<T>(&self, look: impl FnOnce(&Observation<'_>) -> T) -> T {
        let record = self.record.clone().map(Ok);
        look(&Observation {
            reference: &PodRef::new("ml", "train", "u"),
            owner: &Owner { cluster: "c".into(), node: "n".into() },
            user_tags: &std::collections::BTreeMap::new(),
            intent: pod::intent(&self.pod),
            pod: Some(&self.pod),
            record: record.as_ref(),
            request: &self.request,
            ignore_daemons: true,
            held_until: self.held_until,
            instances: &self.instances,
            facts: &self.facts,
            ready_unknown_after: Some(Duration::from_mins(5)),
            capacity_memory: Duration::from_mins(3),
            abandoned: &[],
            check_fit: true,
        })
    }
}

/// What is performed, in a word: the attempt that is prepared, or the send that is repeated.
fn action(decision: &Decision) -> String {
    match &decision.action {
        Action::Prepare(preparation) => match &preparation.key {
            PrepareKey::Attempt { attempt, .. } => format!("attempt {attempt}"),
            PrepareKey::Resend { .. } => "resend".to_owned(),
        },
        other @ (Action::None
        | Action::Refresh
        | Action::Send
        | Action::Terminate
        | Action::Release
        | Action::Forget) => format!("{other:?}"),
    }
}

fn reason(decision: &Decision) -> &str {
    match decision.shown() {
        Some(Shown::Waiting { reason, .. } | Shown::Ended { reason, .. }) => reason,
        Some(Shown::Running { .. }) => "Running",
        Some(Shown::Unconfirmed { is_ready_unknown: false, .. }) => "Unconfirmed",
        Some(Shown::Unconfirmed { .. }) => "Ready unknown",
        Some(Shown::Deleted { .. }) => "Deleted",
        None => "-",
    }
}

#[test]
fn nothing_is_launched_without_a_fresh_sweep() {
    let stale = KnownInstances { fresh: false, ..instances() };
    assert_eq!(Case::new(stale.clone()).decide(0).action, Action::Refresh);
    assert_eq!(Case::new(stale).record(record(0)).decide(10).action, Action::Refresh);
    assert_eq!(action(&Case::new(instances()).decide(0)), "attempt 1");
}

#[test]
fn an_instance_that_a_sweep_shows_is_adopted_and_never_launched_again() {
    let seen = KnownInstances { seen: vec![instance(InstanceState::Pending)], ..instances() };
    let decision = Case::new(seen.clone()).decide(0);
    assert_eq!((action(&decision).as_str(), reason(&decision)), ("None", "InstanceBooting"));
    let decision = Case::new(seen).record(record(0)).decide(10);
    assert_eq!(decision.record().and_then(|record| record.instance_id.clone()), Some("i-1".into()));
    let dead = KnownInstances { seen: vec![instance(InstanceState::Terminated)], ..instances() };
    let decision = Case::new(dead).record(record(0)).decide(10);
    assert_eq!((action(&decision).as_str(), reason(&decision)), ("None", "InstanceGone"));
}

#[test]
fn an_unknown_outcome_is_answered_by_the_same_attempt_while_the_token_is_remembered() {
    let case = |now| action(&Case::new(instances()).record(record(0)).decide(now));
    assert_eq!(case(1), "None");
    assert_eq!(case(2), "resend");
    assert_eq!(case(45 * 60 - 1), "resend");
    assert_eq!(case(45 * 60), "Refresh", "the token may be forgotten: adopt or fail");
}

#[test]
fn a_refusal_beside_an_unresolved_send_waits_until_that_send_cannot_be_executed() {
    let capacity = CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none");
    let both = record(0).resend(at(30)).refused(at(30), capacity, at(31));
    let case = |now| action(&Case::new(instances()).record(both.clone()).decide(now));
    assert_eq!(case(100), "None");
    assert_eq!(case(30 + 2), "None");
    assert_eq!(case(20 * 60 - 1), "None");
    assert_eq!(case(20 * 60), "resend", "the same token decides, never a next attempt");
}

#[test]
fn an_answered_send_goes_into_the_record_first() {
    let launched = LaunchOutcome::Launched(Box::new(instance(InstanceState::Pending)));
    let decision = Case::new(instances()).record(record(0)).answered(0, launched).decide(1);
    assert_eq!(decision.record().and_then(|record| record.instance_id.clone()), Some("i-1".into()));
    assert_eq!(
        (decision.consume.as_slice(), reason(&decision)),
        (&[TaskKey::Send(at(0))][..], "InstanceBooting")
    );
    assert_eq!(decision.notes.len(), 1);

    let unknown = LaunchOutcome::Unknown(CloudError::new(Kind::Unknown, "Timeout", "no answer"));
    let decision = Case::new(instances()).record(record(0)).answered(0, unknown).decide(1);
    assert_eq!(decision.record(), Some(&record(0)), "the mark stays");
}

#[test]
fn no_capacity_quota_and_denied_keep_the_pod_pending_with_the_code() {
    for (kind, code) in [
        (Kind::NoCapacity, "InsufficientInstanceCapacity"),
        (Kind::Quota, "InstanceLimitExceeded"),
        (Kind::Denied, "UnauthorizedOperation"),
        (Kind::Invalid(Fault::Config), "InvalidSubnetID.NotFound"),
    ] {
        let outcome = LaunchOutcome::Refused(CloudError::new(kind, code, "said"));
        let decision = Case::new(instances()).record(record(0)).answered(0, outcome).decide(1);
        assert!(
            matches!(decision.shown(), Some(Shown::Waiting { reason, .. }) if reason == code),
            "{decision:?}"
        );
        assert_eq!(decision.notes[0].reason, code);
    }
}

#[test]
fn an_invalid_pod_fails_unless_a_new_one_would_come_at_once() {
    let outcome = || {
        LaunchOutcome::Refused(CloudError::new(Kind::Invalid(Fault::Pod), "InvalidAMIID.NotFound", "said"))
    };
    let answered = || Case::new(instances()).record(record(0)).answered(0, outcome());
    let never = answered().decide(1);
    assert!(matches!(never.shown(), Some(Shown::Ended { disruption: false, .. })), "{never:?}");
    let always = answered().restarts("Always").decide(1);
    assert!(matches!(always.shown(), Some(Shown::Waiting { .. })), "{always:?}");
    let rejected = Case::new(instances()).rejected().decide(0);
    assert!(matches!(rejected.shown(), Some(Shown::Ended { disruption: false, .. })), "{rejected:?}");
    let waiting = Case::new(instances()).rejected().restarts("Always").decide(0);
    assert_eq!((reason(&waiting), action(&waiting).as_str()), ("InvalidAnnotation", "None"));
}

#[test]
fn a_refused_pod_is_tried_again_when_its_author_changes_it() {
    let error = CloudError::new(Kind::Invalid(Fault::Pod), "InvalidAMIID.NotFound", "said");
    let refused = record(0).refused(at(0), error, at(1));
    let case = Case::new(instances()).record(refused).restarts("Always");
    assert_eq!(case.decide(10_000).action, Action::None);
    let changed = Case { request: Ok(Request { image: Some("ami-2".into()), ..request() }), ..case };
    assert_eq!(action(&changed.decide(10_000)), "attempt 2");
}

#[test]
fn a_lost_spot_instance_fails_its_pod_as_a_disruption() {
    let mut lost = instance(InstanceState::Terminated);
    let code = "Server.SpotInstanceTermination".to_owned();
    lost.state_reason =
        Some(StateReason { cause: EndCause::SpotInterruption, code, message: "reclaimed".into() });
    let seen = KnownInstances { seen: vec![lost], ..instances() };
    let decision = Case::new(seen).record(record(0).launched(&"i-1".into())).decide(10);
    assert!(
        matches!(decision.shown(), Some(Shown::Ended { reason, disruption: true, .. }) if reason == "SpotInterrupted"),
        "{decision:?}"
    );
}

#[test]
fn a_stopped_instance_is_terminated_after_its_pod_was_failed() {
    let seen = KnownInstances { seen: vec![instance(InstanceState::Stopped)], ..instances() };
    let decision = Case::new(seen).record(record(0).launched(&"i-1".into())).decide(10);
    assert_eq!((reason(&decision), action(&decision).as_str()), ("InstanceGone", "Terminate"));
    assert_eq!(decision.lived, Some(Duration::from_secs(10)), "a short life must delay the owner's next pod");
}

#[test]
fn absence_counts_only_after_three_answers_and_five_minutes() {
    let missing = |absences, since| KnownInstances {
        missing: Some(Missing {
            id: "i-1".into(),
            absences,
            since: at(since),
            latest: at(1_000),
            is_held: false,
        }),
        ..instances()
    };
    let case = |instances| Case::new(instances).record(record(0).launched(&"i-1".into())).decide(1_000);
    assert_eq!(reason(&case(missing(2, 0))), "-");
    assert_eq!(reason(&case(missing(100, 701))), "-");
    assert_eq!(reason(&case(missing(3, 700))), "InstanceGone");
}

#[test]
fn a_lost_outcome_fails_only_after_complete_sweeps_past_the_last_possible_execution() {
    let sweeps = |times: &[i64]| KnownInstances {
        complete_sweeps: times.iter().map(|t| at(*t)).collect::<Arc<[_]>>(),
        ..instances()
    };
    let case = |instances, now| Case::new(instances).record(record(0)).decide(now);
    let end = 20 * 60;
    assert_eq!(reason(&case(sweeps(&[end - 3, end - 2, end - 1]), 3_600)), "InstanceLaunching");
    assert_eq!(reason(&case(sweeps(&[3_000, 3_300]), 3_600)), "InstanceLaunching");
    assert_eq!(reason(&case(sweeps(&[3_000, 3_300, 3_590]), 3_600)), "LaunchOutcomeUnknown");
}

#[test]
fn a_daemons_pod_buys_nothing_and_says_so() {
    let mut case = Case::new(instances());
    let owner = json!([{ "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "1", "controller": true }]);
    case.pod.metadata.owner_references = serde_json::from_value(owner).expect("owners");
    let decision = case.decide(0);
    assert_eq!((reason(&decision), action(&decision).as_str()), ("DaemonSetPodIgnored", "None"));
}
