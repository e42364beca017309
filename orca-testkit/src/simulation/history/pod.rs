//! One version of a pod, as far as the rules look at it.

use jiff::Timestamp;
use orca_core::well_known::pod_condition;
use serde_json::Value;

/// A pod at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodVersion {
    /// Its UID.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The version of the object.
    pub version: u64,
    /// The node that it is bound to; empty while there is none.
    pub node: String,
    /// Its phase.
    pub phase: String,
    /// The reason of its status.
    pub reason: String,
    /// Why its first container waits.
    pub waits: String,
    /// Whether anything else in its status gives a reason.
    pub has_reason: bool,
    /// Whether its condition Ready is true.
    pub is_ready: bool,
    /// Whether its condition `DisruptionTarget` is true.
    pub is_disrupted: bool,
    /// When its grace is over, once it is to be deleted.
    pub deletion: Option<Timestamp>,
    /// How its containers ended, and the reason of the phase: what is final.
    pub ended: String,
    /// The instance that its container names.
    pub container: Option<String>,
    /// What its launch record says.
    pub record: Option<Record>,
}

/// A launch record, as far as the rules look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The number of the attempt.
    pub attempt: u64,
    /// Its client token.
    pub token: String,
    /// The digest of everything that is sent with it.
    pub digest: String,
    /// Account and region.
    pub cloud: String,
    /// The sends that may still be carried out, or may have been.
    pub unresolved: usize,
    /// The instance, once it is known.
    pub instance: Option<String>,
}

impl PodVersion {
    /// Reads a pod.
    #[must_use]
    pub fn of(pod: &Value, version: u64) -> Self {
        let text = |path: &str| pod.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_true = |kind: &str| condition(pod, kind).is_some_and(|found| found["status"] == "True");
        let phase = text("/status/phase");
        let is_over = is_terminal(&phase);
        Self {
            uid: text("/metadata/uid"),
            name: text("/metadata/name"),
            version,
            node: text("/spec/nodeName"),
            reason: text("/status/reason"),
            waits: text("/status/containerStatuses/0/state/waiting/reason"),
            has_reason: conditions(pod).any(|found| found["reason"].is_string()),
            is_ready: is_true("Ready"),
            is_disrupted: is_true(pod_condition::DISRUPTION_TARGET),
            deletion: text("/metadata/deletionTimestamp").parse().ok(),
            ended: if is_over { final_words(pod) } else { String::new() },
            container: instance(&text("/status/containerStatuses/0/containerID")),
            record: condition(pod, pod_condition::LAUNCH).and_then(Record::of),
            phase,
        }
    }

    /// Whether it is Failed or Succeeded.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        is_terminal(&self.phase)
    }

    /// Whether it should have an instance, as far as it says itself.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.node.is_empty() && self.deletion.is_none() && !self.is_terminal()
    }
}

impl Record {
    fn of(condition: &Value) -> Option<Self> {
        let document: Value = serde_json::from_str(condition["message"].as_str()?).ok()?;
        let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let marks = document["unresolved"].as_array().map_or(0, Vec::len);
        Some(Self {
            attempt: document["attempt"].as_u64().unwrap_or_default(),
            token: text("token"),
            digest: text("digest"),
            cloud: text("cloud"),
            unresolved: marks + usize::from(document["unsettled"].is_string()),
            instance: document["instanceId"].as_str().map(str::to_owned),
        })
    }
}

fn is_terminal(phase: &str) -> bool {
    matches!(phase, "Failed" | "Succeeded")
}

fn conditions(pod: &Value) -> impl Iterator<Item = &Value> {
    pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten()
}

fn condition<'p>(pod: &'p Value, kind: &str) -> Option<&'p Value> {
    conditions(pod).find(|found| found["type"] == kind)
}

/// Reason, and how each container ended.
fn final_words(pod: &Value) -> String {
    let status = &pod["status"];
    let states = status["containerStatuses"].as_array().into_iter().flatten();
    let states: Vec<String> = states.map(|container| container["state"].to_string()).collect();
    format!("{} {}", status["reason"], states.join(" "))
}

/// The id at the end of a container's `ec2://region/i-...`.
fn instance(container: &str) -> Option<String> {
    let id = container.rsplit('/').next().unwrap_or_default();
    id.starts_with("i-").then(|| id.to_owned())
}
