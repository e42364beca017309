//! The decision table, rendered for people and compared on every run: pod intent x instance state.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::{Action, Decision, Observation, decide};
use crate::admission::Request;
use crate::error::{CloudError, Kind};
use crate::ids::{InstanceId, PodRef};
use crate::instance::{CapacityType, Health, Instance, InstanceState};
use crate::launch::{LaunchRecord, NewAttempt, Offer};
use crate::pod::{self, Intent};
use crate::provider::{Machines, Missing};
use crate::status::{Ready, Shown};

/// The moment that the table is made for.
const NOW: i64 = 1_000_000;

/// One row's name, what is asked of the pod, and its record.
type Row = (&'static str, Intent, Pod, Option<LaunchRecord>);
/// One column's name and what is known of machines.
type Column = (&'static str, Machines);

/// The whole table as Markdown.
#[must_use]
pub fn render() -> String {
    let columns = columns();
    let mut text = String::from("| pod |");
    for (name, _) in &columns {
        let _infallible = write!(text, " {name} |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(columns.len()));
    text.push('\n');
    for (name, intent, pod, record) in rows() {
        let _infallible = write!(text, "| **{name}** |");
        for (_, machines) in &columns {
            let record = record.clone().map(Ok);
            let observation = Observation {
                intent,
                pod: (intent != Intent::Gone).then_some(&pod),
                record: record.as_ref(),
                request: &Ok(request()),
                ignore_daemons: true,
                held_until: None,
                machines,
            };
            let _infallible = write!(text, " {} |", cell(&decide(&observation, at(NOW))));
        }
        text.push('\n');
    }
    text
}

/// What a decision shows and does, in a few words.
fn cell(decision: &Decision) -> String {
    let status = decision.status.as_ref().map(|shown| match shown {
        Shown::Waiting { reason, .. } => format!("Pending ({reason})"),
        Shown::Running { ready: Ready::Yes, .. } => "Running, Ready".to_owned(),
        Shown::Running { ready: Ready::No(_), .. } => "Running".to_owned(),
        Shown::Ended { reason, disruption: true, .. } => format!("Failed ({reason}, DisruptionTarget)"),
        Shown::Ended { reason, .. } => format!("Failed ({reason})"),
        Shown::Deleted { .. } => "Failed (deleted)".to_owned(),
    });
    let action = match decision.action {
        Action::None => None,
        Action::Refresh => Some("sweep".to_owned()),
        Action::Launch { attempt } => Some(format!("launch attempt {attempt}")),
        Action::Resend => Some("send the same again".to_owned()),
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
    let base = Machines {
        fresh: true,
        token_memory: Duration::from_mins(45),
        complete_sweeps: Arc::from([at(NOW - 10)]),
        ..Machines::default()
    };
    let missing = |absences, seconds| Machines {
        missing: Some(Missing { id: "i-1".into(), absences, since: at(NOW - seconds) }),
        ..base.clone()
    };
    let mut columns = vec![
        ("not swept yet", Machines { fresh: false, ..base.clone() }),
        ("send under way", Machines { sending: Some(at(NOW - 1)), ..base.clone() }),
        ("none", base.clone()),
        ("missing for a moment", missing(2, 20)),
        ("missing for long", missing(30, 301)),
    ];
    for state in InstanceState::ALL {
        columns.push((
            state.as_str(),
            Machines { seen: vec![instance(state)], ending_since: Some(at(NOW - 5)), ..base.clone() },
        ));
    }
    let healthy = Machines {
        seen: vec![instance(InstanceState::Running)],
        health: Some(Health::Passed),
        ..base.clone()
    };
    columns.insert(7, ("running, checks passed", healthy));
    let long = Machines {
        seen: vec![instance(InstanceState::ShuttingDown)],
        ending_since: Some(at(NOW - 121)),
        ..base
    };
    columns.insert(11, ("shutting-down for 2 min", long));
    columns
}

fn rows() -> Vec<Row> {
    let wanted = |phase: &str| object(&json!({ "phase": phase }), false);
    let capacity = CloudError::new(Kind::NoCapacity, "InsufficientInstanceCapacity", "none left");
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
        row("wanted, stopped before sending", wanted("Pending"), Some(opened(1).not_sent(at(NOW - 1)))),
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
    let offer = Offer {
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        price: None,
        tags: std::collections::BTreeMap::new(),
        parameters: serde_json::Value::Null,
    };
    NewAttempt { cluster: &CLUSTER, pod: &POD, attempt: 1, offer, wish: request().fingerprint() }
}

fn instance(state: InstanceState) -> Instance {
    Instance {
        id: "i-1".into(),
        reference: "ec2://us-west-2/i-1".into(),
        state,
        state_reason: None,
        owner: None,
        pod: Some(PodRef::new("ml", "train", "u")),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: None,
        public_ip: None,
        launched_at: None,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}
