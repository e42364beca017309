//! The row of a pod: of everything that its containers could say, what kubectl prints.

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
    let summary = Summary::of(pod);
    vec![
        pod.name().into(),
        format!("{}/{}", summary.ready, summary.total).into(),
        status(pod, &summary).into(),
        summary.restarts.text(now).into(),
        age::of(pod, now),
        or_none(pod.text("/status/podIPs/0/ip")),
        or_none(pod.text("/spec/nodeName")),
        or_none(pod.text("/status/nominatedNodeName")),
        gates(pod),
    ]
}

/// What the containers of a pod come to.
struct Summary {
    ready: usize,
    total: usize,
    restarts: Restarts,
    /// What some container has to say.
    said: Option<String>,
}

/// How often, and when the last time.
#[derive(Default)]
struct Restarts {
    count: i64,
    last: String,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += status["restartCount"].as_i64().unwrap_or(0);
        let end = status.pointer("/lastState/terminated/finishedAt").and_then(Value::as_str);
        // Times of the API are of one length, so they sort as texts.
        if let Some(end) = end.filter(|end| **end > *self.last) {
            end.clone_into(&mut self.last);
        }
    }

    fn text(&self, now: Timestamp) -> String {
        if self.count == 0 || self.last.is_empty() {
            return self.count.to_string();
        }
        format!("{} ({} ago)", self.count, age::since(&self.last, now).as_str().unwrap_or_default())
    }
}

/// What is left to do before regular containers are looked at.
struct Initialization {
    /// Sidecars that are ready, of those that were looked at.
    ready: usize,
    all: Restarts,
    of_sidecars: Restarts,
    /// The first that holds up the rest, and what it says.
    held_up: Option<String>,
}

impl Summary {
    fn of(pod: &Object) -> Self {
        let init = Initialization::of(pod);
        let mut summary = Self {
            ready: init.ready,
            total: pod.items("/spec/containers").len() + sidecars(pod).count(),
            restarts: init.all,
            said: init.held_up,
        };
        // One that is initialized once is not thrown back by a sidecar that fails.
        if summary.said.is_none() || has(pod, "Initialized") {
            summary.restarts = init.of_sidecars;
            summary.look_at_regular(pod);
        }
        summary
    }

    fn look_at_regular(&mut self, pod: &Object) {
        let statuses = pod.items("/status/containerStatuses");
        let mut failed = None;
        let mut runs = false;
        // Of several containers the first one that has something to say is heard, so it comes last.
        for status in statuses.iter().rev() {
            self.restarts.add(status);
            let state = &status["state"];
            if let Some(reason) = reason_of(&state["waiting"]) {
                self.said = Some(reason.to_owned());
            } else if state["terminated"].is_object() {
                let text = ended(&state["terminated"]);
                if state["terminated"]["exitCode"] != 0 {
                    failed = Some(text.clone());
                }
                self.said = Some(text);
            } else if status["ready"] == true && state["running"].is_object() {
                runs = true;
                self.ready += 1;
            }
        }
        // A container that is done says least.
        if self.said.as_deref().unwrap_or(pod_says(pod)) == "Completed" {
            self.said = match failed {
                _ if runs && has(pod, "Ready") => Some("Running".to_owned()),
                Some(failed) => Some(failed),
                None if runs => Some("NotReady".to_owned()),
                None => Some("Completed".to_owned()),
            };
        }
    }
}

impl Initialization {
    fn of(pod: &Object) -> Self {
        let mut found =
            Self { ready: 0, all: Restarts::default(), of_sidecars: Restarts::default(), held_up: None };
        for (index, status) in pod.items("/status/initContainerStatuses").iter().enumerate() {
            let is_sidecar = sidecars(pod).any(|sidecar| sidecar["name"] == status["name"]);
            found.all.add(status);
            if is_sidecar {
                found.of_sidecars.add(status);
            }
            let state = &status["state"];
            let is_through = state["terminated"].is_object() && state["terminated"]["exitCode"] == 0;
            if is_through {
                continue;
            }
            if is_sidecar && status["started"] == true {
                found.ready += usize::from(status["ready"] == true);
                continue;
            }
            let total = pod.items("/spec/initContainers").len();
            found.held_up = Some(match reason_of(&state["waiting"]) {
                _ if state["terminated"].is_object() => format!("Init:{}", ended(&state["terminated"])),
                Some(reason) if reason != "PodInitializing" => format!("Init:{reason}"),
                Some(_) | None => format!("Init:{index}/{total}"),
            });
            break;
        }
        found
    }
}

/// The init containers that keep running.
fn sidecars(pod: &Object) -> impl Iterator<Item = &Value> {
    pod.items("/spec/initContainers").iter().filter(|container| container["restartPolicy"] == "Always")
}

/// What stands in the column in the end: deletion says more than containers, and they more than the pod.
fn status(pod: &Object, summary: &Summary) -> String {
    let is_over = ["Succeeded", "Failed"].contains(&pod.text("/status/phase"));
    if pod.is_deleting() && pod.text("/status/reason") == "NodeLost" {
        return "Unknown".to_owned();
    }
    if pod.is_deleting() && !is_over {
        return "Terminating".to_owned();
    }
    summary.said.clone().unwrap_or_else(|| pod_says(pod).to_owned())
}

/// What the pod itself says: that it may not be scheduled yet, its reason, or its phase.
fn pod_says(pod: &Object) -> &str {
    let is_gated = pod
        .items("/status/conditions")
        .iter()
        .any(|condition| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated");
    match (is_gated, pod.text("/status/reason")) {
        (true, _) => "SchedulingGated",
        (false, "") => pod.text("/status/phase"),
        (false, reason) => reason,
    }
}

fn reason_of(state: &Value) -> Option<&str> {
    state["reason"].as_str().filter(|reason| !reason.is_empty())
}

fn ended(terminated: &Value) -> String {
    match (reason_of(terminated), terminated["signal"].as_i64()) {
        (Some(reason), _) => reason.to_owned(),
        (None, Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        (None, _) => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or(0)),
    }
}

fn has(pod: &Object, kind: &str) -> bool {
    let conditions = pod.items("/status/conditions");
    conditions.iter().any(|condition| condition["type"] == kind && condition["status"] == "True")
}

fn gates(pod: &Object) -> Value {
    let gates = pod.items("/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let holds = |gate: &&Value| gate["conditionType"].as_str().is_some_and(|kind| has(pod, kind));
    format!("{}/{}", gates.iter().filter(holds).count(), gates.len()).into()
}
