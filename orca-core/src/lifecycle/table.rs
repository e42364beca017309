//! The decision table for `docs/pod-lifecycle.md`: pod intent x instance state. A test compares it with the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::{Action, Decision, Facts, Observation, PrepareKey, Task, TaskFailure, TaskState, decide};
use crate::admission::Request;
use crate::error::{CloudError, Kind};
use crate::ids::{InstanceId, Owner, PodRef};
use crate::instance::{CapacityType, Health, Instance, InstanceState};
use crate::launch::{LaunchRecord, NewAttempt, Offer};
use crate::pod::{self, Intent};
use crate::provider::{KnownInstances, Missing, Permit, Prepared};
use crate::status::{Ready, Shown};

/// The moment that the table is made for.
const NOW: i64 = 1_000_000;

/// One row's name, what is asked of the pod, and its record.
type Row = (&'static str, Intent, Pod, Option<LaunchRecord>);
/// One column's name, what is known of instances, and how far the task is that the column is about.
type Column = (&'static str, KnownInstances, Progress);

/// How far the tasks of a pod are.
#[derive(Clone, Copy)]
enum Progress {
    /// None was started.
    Idle,
    /// What the launch needs is being made ready.
    Preparing,
    /// It is ready.
    Ready,
    /// Its turn comes in a minute.
    Queued,
    /// No offer could be made just now.
    NoOffer,
    /// The launch call is on its way.
    Sending,
}

/// The whole table as Markdown.
#[must_use]
pub fn render() -> String {
    let columns = columns();
    let mut text = String::from("| pod |");
    for (name, _, _) in &columns {
        let _infallible = write!(text, " {name} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(columns.len()));
    text.push('\n');
    for row in rows() {
        let _infallible = write!(text, "| **{}** |", row.0);
        for (_, instances, progress) in &columns {
            let facts = facts(&row, instances, *progress);
            let _infallible = write!(text, " {} |", cell(&decided(&row, instances, &facts)));
        }
        text.push('\n');
    }
    text
}

fn decided((_, intent, pod, record): &Row, instances: &KnownInstances, facts: &Facts) -> Decision {
    let record = record.clone().map(Ok);
    let observation = Observation {
        reference: &PodRef::new("ml", "train", "u"),
        owner: &Owner { cluster: "c".into(), node: "n".into() },
        user_tags: &BTreeMap::new(),
        intent: *intent,
        pod: (*intent != Intent::Gone).then_some(pod),
        record: record.as_ref(),
        request: &Ok(request()),
        ignore_daemons: true,
        held_until: None,
        instances,
        facts,
        ready_unknown_after: Some(Duration::from_mins(5)),
        capacity_memory: Duration::from_mins(3),
        abandoned: &[],
        check_fit: true,
    };
    decide(&observation, at(NOW))
}

/// The facts of a row's own tasks: what it would have asked for.
fn facts(row: &Row, instances: &KnownInstances, progress: Progress) -> Facts {
    let since = at(NOW - 1);
    let capacity = CloudError::new(Kind::NoCapacity, "NoOffer", "nothing fits");
    let done = |result| TaskState::Done { at: at(NOW), result };
    let prepared = |permit| Ok(Prepared { offer: Some(offer()), permit });
    let state = match progress {
        Progress::Idle => return Facts::default(),
        Progress::Sending => {
            let send = Task { key: since, since, state: TaskState::UnderWay };
            return Facts { prepare: None, send: Some(send) };
        }
        Progress::Preparing => TaskState::UnderWay,
        Progress::Ready => done(prepared(Permit::Granted)),
        Progress::Queued => done(prepared(Permit::Until(at(NOW + 60)))),
        Progress::NoOffer => done(Err(TaskFailure::Cloud(capacity))),
    };
    let key = match decided(row, instances, &Facts::default()).action {
        Action::Prepare(preparation) => preparation.key,
        Action::None
        | Action::Refresh
        | Action::Send
        | Action::Terminate
        | Action::Release
        | Action::Forget => PrepareKey::Attempt { attempt: 1, request_digest: request().digest() },
    };
    Facts { prepare: Some(Task { key, since, state }), send: None }
}

/// What a decision shows and does, in a few words.
fn cell(decision: &Decision) -> String {
    let status = decision.shown().map(|shown| match shown {
        Shown::Waiting { reason, .. } => format!("Pending ({reason})"),
        Shown::Running { ready: Ready::Yes, .. } => "Running, Ready".to_owned(),
        Shown::Running { ready: Ready::No(_), .. } => "Running".to_owned(),
        Shown::Unconfirmed { is_ready_unknown: false, .. } => "as before, unconfirmed".to_owned(),
        Shown::Unconfirmed { .. } => "as before, Ready unknown".to_owned(),
        Shown::Ended { reason, disruption: true, .. } => format!("Failed ({reason}, DisruptionTarget)"),
        Shown::Ended { reason, .. } => format!("Failed ({reason})"),
        Shown::Deleted { .. } => "Failed (deleted)".to_owned(),
    });
    let action = match &decision.action {
        Action::None => None,
        Action::Refresh => Some("sweep".to_owned()),
        Action::Prepare(preparation) => Some(match &preparation.key {
            PrepareKey::Attempt { attempt, .. } => format!("prepare attempt {attempt}"),
            PrepareKey::Resend { .. } => "prepare to send the same again".to_owned(),
        }),
        Action::Send => decision.record().map(|record| {
            let is_first = record.send_at == record.first_send_at;
            if is_first {
                format!("launch attempt {}", record.attempt)
            } else {
                "send the same again".to_owned()
            }
        }),
        Action::Terminate => Some("terminate".to_owned()),
        Action::Release => Some("delete the object".to_owned()),
        Action::Forget => Some("forget".to_owned()),
    };
    match (status, action) {
        (None, None) => "–".to_owned(),
        (Some(only), None) | (None, Some(only)) => only,
        (Some(status), Some(action)) => format!("{status}; then {action}"),
    }
}

fn columns() -> Vec<Column> {
    let base = KnownInstances {
        fresh: true,
        identity: Some("cloud".into()),
        token_memory: Duration::from_mins(45),
        complete_sweeps: Arc::from([at(NOW - 10)]),
        ..KnownInstances::default()
    };
    let missing = |absences, seconds| KnownInstances {
        missing: Some(Missing {
            id: "i-1".into(),
            absences,
            since: at(NOW - seconds),
            latest: at(NOW),
            is_held: false,
        }),
        ..base.clone()
    };
    let unswept = KnownInstances { fresh: false, ..base.clone() };
    let mut columns = vec![
        ("not swept yet", unswept, Progress::Idle),
        ("send under way", base.clone(), Progress::Sending),
        ("none", base.clone(), Progress::Idle),
        ("none, preparing", base.clone(), Progress::Preparing),
        ("none, prepared", base.clone(), Progress::Ready),
        ("none, its turn comes in 1 min", base.clone(), Progress::Queued),
        ("none, no offer", base.clone(), Progress::NoOffer),
        ("missing for a moment", missing(2, 20), Progress::Idle),
        ("missing for long", missing(30, 301), Progress::Idle),
    ];
    let seen = |state, ending_for, health| KnownInstances {
        seen: vec![instance(state)],
        ending_since: Some(at(NOW - ending_for)),
        health,
        ..base.clone()
    };
    for state in InstanceState::ALL {
        columns.push((state.as_str(), seen(state, 5, None), Progress::Idle));
        match state {
            InstanceState::Running => {
                let passed = seen(state, 5, Some(Health::Passed));
                columns.push(("running, checks passed", passed, Progress::Idle));
            }
            InstanceState::ShuttingDown => {
                columns.push(("shutting-down for 2 min", seen(state, 121, None), Progress::Idle));
            }
            InstanceState::Pending
            | InstanceState::Stopping
            | InstanceState::Stopped
            | InstanceState::Terminated => {}
        }
    }
    columns
}

fn rows() -> Vec<Row> {
    let wanted = |phase: &str| object(&json!({ "phase": phase }), false);
    let capacity = CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none left");
    let stopped = CloudError::new(Kind::Unknown, "TooLate", "stopped");
    let opened = |seconds: i64| LaunchRecord::open(attempt(), at(NOW - seconds));
    let refused =
        |seconds: i64| opened(seconds).refused(at(NOW - seconds), capacity.clone(), at(NOW - seconds));
    let launched = opened(60).launched(&InstanceId::new("i-1"));
    let row = |name, pod: Pod, record| (name, pod::intent(&pod), pod, record);
    vec![
        row("wanted, no record", wanted("Pending"), None),
        row("wanted, sent 1 s ago, no answer", wanted("Pending"), Some(opened(1))),
        row("wanted, sent 10 s ago, no answer", wanted("Pending"), Some(opened(10))),
        row("wanted, sent 1 h ago, no answer", wanted("Pending"), Some(opened(3600))),
        row(
            "wanted, stopped before sending",
            wanted("Pending"),
            Some(opened(1).not_sent(at(NOW - 1), stopped, at(NOW - 9))),
        ),
        row("wanted, refused 1 s ago", wanted("Pending"), Some(refused(1))),
        row("wanted, refused 60 s ago", wanted("Pending"), Some(refused(60))),
        row("wanted, launched", wanted("Pending"), Some(launched.clone())),
        row("wanted, shown Running", wanted("Running"), Some(launched.clone())),
        row("finished", wanted("Failed"), Some(launched.clone())),
        row("deleting, no record", object(&json!({ "phase": "Pending" }), true), None),
        row(
            "deleting, sent 10 s ago, no answer",
            object(&json!({ "phase": "Pending" }), true),
            Some(opened(10)),
        ),
        row("deleting, launched", object(&json!({ "phase": "Running" }), true), Some(launched.clone())),
        row("deleting, status terminal", object(&json!({ "phase": "Failed" }), true), Some(launched)),
        ("gone", Intent::Gone, Pod::default(), None),
    ]
}

fn object(status: &serde_json::Value, deleting: bool) -> Pod {
    let mut value = json!({
        "metadata": { "namespace": "ml", "name": "train", "uid": "u" },
        "spec": { "restartPolicy": "Never", "containers": [{ "name": "main" }] },
        "status": status,
    });
    if deleting {
        value["metadata"]["deletionTimestamp"] = json!(at(NOW + 30));
        value["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    }
    // The literal above is a pod; an empty one would show in the table at once.
    serde_json::from_value(value).unwrap_or_default()
}

fn request() -> Request {
    Request {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        max_price: None,
        image: None,
        notes: Vec::new(),
    }
}

fn attempt() -> NewAttempt<'static> {
    static CLUSTER: std::sync::LazyLock<crate::ClusterId> = std::sync::LazyLock::new(|| "c".into());
    static POD: std::sync::LazyLock<crate::PodUid> = std::sync::LazyLock::new(|| "u".into());
    let (cloud, request) = ("cloud".into(), request().digest());
    NewAttempt { cluster: &CLUSTER, pod: &POD, attempt: 1, cloud, offer: offer(), request_digest: request }
}

fn offer() -> Offer {
    Offer {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        price: None,
        tags: BTreeMap::new(),
        parameters: serde_json::Value::Null,
        provides: None,
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
        pod: Some(PodRef::new("ml", "train", "u")),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: None,
        other_ip: None,
        public_ip: None,
        launched_at: None,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}
