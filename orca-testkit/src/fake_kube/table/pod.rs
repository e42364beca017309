//! The row of a pod.

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, age, always, or_none, wide};
use crate::fake_kube::object::Object;

pub(super) const COLUMNS: &[Column] = &[
    always("Name"),
    always("Ready"),
    always("Status"),
    always("Restarts"),
    always("Age"),
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
];

pub(super) fn cells(pod: &Object, now: Timestamp) -> Vec<Value> {
    let statuses = pod.items("/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let total = pod.items("/spec/containers").len();
    vec![
        pod.name().into(),
        format!("{ready}/{total}").into(),
        status(pod).into(),
        restarts(statuses, now).into(),
        age::of(pod, now),
        or_none(pod.text("/status/podIP")),
        or_none(pod.text("/spec/nodeName")),
        or_none(pod.text("/status/nominatedNodeName")),
        gates(pod),
    ]
}

/// The phase, or what says more than it.
fn status(pod: &Object) -> String {
    let reason = pod.text("/status/reason");
    if pod.is_deleting() {
        return if reason == "NodeLost" { "Unknown" } else { "Terminating" }.to_owned();
    }
    let statuses = pod.items("/status/containerStatuses");
    // Of several containers the first one that has something to say is heard.
    let told = statuses.iter().find_map(|status| {
        let state = &status["state"];
        match state["waiting"]["reason"].as_str().filter(|reason| !reason.is_empty()) {
            Some(waiting) => Some(waiting.to_owned()),
            None => state["terminated"].is_object().then(|| ended(&state["terminated"])),
        }
    });
    let runs =
        statuses.iter().any(|status| status["ready"] == true && status["state"]["running"].is_object());
    match told {
        Some(text) if text == "Completed" && runs => {
            if is_ready(pod) { "Running" } else { "NotReady" }.to_owned()
        }
        Some(text) => text,
        None if reason.is_empty() => pod.text("/status/phase").to_owned(),
        None => reason.to_owned(),
    }
}

fn ended(terminated: &Value) -> String {
    match terminated["reason"].as_str() {
        Some(reason) if !reason.is_empty() => reason.to_owned(),
        _ => match terminated["signal"].as_i64() {
            Some(signal) if signal != 0 => format!("Signal:{signal}"),
            _ => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or(0)),
        },
    }
}

fn is_ready(pod: &Object) -> bool {
    let conditions = pod.items("/status/conditions");
    conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn restarts(statuses: &[Value], now: Timestamp) -> String {
    let count: i64 = statuses.iter().filter_map(|status| status["restartCount"].as_i64()).sum();
    let ends =
        statuses.iter().filter_map(|status| status.pointer("/lastState/terminated/finishedAt")?.as_str());
    match ends.max() {
        Some(last) if count > 0 => {
            format!("{count} ({} ago)", age::since(last, now).as_str().unwrap_or_default())
        }
        _ => count.to_string(),
    }
}

fn gates(pod: &Object) -> Value {
    let gates = pod.items("/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let holds = |gate: &&Value| {
        pod.items("/status/conditions")
            .iter()
            .any(|condition| condition["type"] == gate["conditionType"] && condition["status"] == "True")
    };
    format!("{}/{}", gates.iter().filter(holds).count(), gates.len()).into()
}
