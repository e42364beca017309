//! From what is shown to the smallest strategic-merge patch that shows it.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use serde_json::{Map, Value, json};

use super::{Shown, conditions, to_second};
use crate::launch::LaunchRecord;
use crate::pod::{self, Intent};
use crate::well_known::{annotation, pod_condition};

/// The patch of `pods/status` that turns the live status into this one. None when the live status shows all of it already,
/// or is terminal.
///
/// The patch carries the UID **and** the resourceVersion that it was computed from: without them the API server would let a
/// late patch revive a finished pod (B35). `told` are annotations for people. They are written together with a change, and
/// never alone.
#[must_use]
pub fn patch(live: &Pod, wanted: &PodStatus, told: &[(&str, String)]) -> Option<Value> {
    let is_terminal = match pod::intent(live) {
        Intent::Finished(_) | Intent::Deleting { finished: true, .. } | Intent::Gone => true,
        Intent::Wanted | Intent::Deleting { finished: false, .. } => false,
    };
    if is_terminal {
        return None;
    }
    let old = live.status.clone().unwrap_or_default();
    let mut status = Map::new();
    let scalars = [
        ("phase", json!(old.phase), json!(wanted.phase)),
        ("reason", json!(old.reason), json!(wanted.reason)),
        ("message", json!(old.message), json!(wanted.message)),
        ("startTime", json!(old.start_time), json!(wanted.start_time)),
        ("podIP", json!(old.pod_ip), json!(wanted.pod_ip)),
        ("hostIP", json!(old.host_ip), json!(wanted.host_ip)),
        // These lists are atomic: they are sent whole.
        ("containerStatuses", json!(old.container_statuses), json!(wanted.container_statuses)),
        ("initContainerStatuses", json!(old.init_container_statuses), json!(wanted.init_container_statuses)),
        (
            "ephemeralContainerStatuses",
            json!(old.ephemeral_container_statuses),
            json!(wanted.ephemeral_container_statuses),
        ),
    ];
    for (key, old, new) in scalars.into_iter().filter(|(_, old, new)| old != new) {
        let _previous = (old, status.insert(key.to_owned(), new));
    }
    list(&mut status, "podIPs", &json!(old.pod_ips), &json!(wanted.pod_ips));
    list(&mut status, "hostIPs", &json!(old.host_ips), &json!(wanted.host_ips));
    let mut conditions = changed_conditions(&old, wanted);
    conditions.extend(withdrawn(&old, wanted));
    if !conditions.is_empty() {
        status.insert("conditions".to_owned(), Value::Array(conditions));
    }
    // This acknowledges a changed spec, even if nothing follows from the change (B69).
    if status.is_empty() && old.observed_generation == wanted.observed_generation {
        return None;
    }
    status.insert("observedGeneration".to_owned(), json!(wanted.observed_generation));
    let mut metadata = json!({ "uid": live.metadata.uid, "resourceVersion": live.metadata.resource_version });
    let known = pod::annotations(live);
    for (key, value) in
        told.iter().filter(|(key, value)| known.and_then(|known| known.get(*key)) != Some(value))
    {
        metadata["annotations"][key] = json!(value);
    }
    Some(json!({ "metadata": metadata, "status": status }))
}

/// The patch that writes a launch record and nothing else. None for a terminal pod.
#[must_use]
pub fn record_patch(live: &Pod, record: &LaunchRecord, now: Timestamp) -> Option<Value> {
    let mut wanted = live.status.clone().unwrap_or_default();
    wanted.conditions = Some(vec![conditions::launch_record(live, record, to_second(now))]);
    wanted.observed_generation = live.metadata.generation;
    patch(live, &wanted, &annotations(None, Some(record)))
}

/// The annotations that ORCA writes for people: the instance of the pod, and its public address if it has one.
#[must_use]
pub fn annotations(shown: Option<&Shown>, record: Option<&LaunchRecord>) -> Vec<(&'static str, String)> {
    let id = record.and_then(|record| record.instance_id.as_ref());
    let address = match shown {
        Some(Shown::Running { instance, .. }) => instance.public_ip,
        Some(
            Shown::Waiting { .. } | Shown::Unconfirmed { .. } | Shown::Ended { .. } | Shown::Deleted { .. },
        )
        | None => None,
    };
    let id = id.map(|id| (annotation::INSTANCE_ID, id.to_string()));
    id.into_iter().chain(address.map(|ip| (annotation::PUBLIC_IP, ip.to_string()))).collect()
}

/// Lists of addresses merge by address, so a change has to replace the list (B35).
fn list(status: &mut Map<String, Value>, key: &str, old: &Value, new: &Value) {
    if old == new {
        return;
    }
    let mut items = new.as_array().cloned().unwrap_or_default();
    if !old.is_null() {
        items.insert(0, json!({ "$patch": "replace" }));
    }
    status.insert(key.to_owned(), Value::Array(items));
}

/// Removes the conditions about changes that are no longer asked for, as the kubelet does with its own.
fn withdrawn(old: &PodStatus, wanted: &PodStatus) -> Vec<Value> {
    let has = |status: &PodStatus, kind: &str| {
        status.conditions.iter().flatten().any(|condition| condition.type_ == kind)
    };
    // A patch of the launch record alone leaves other conditions as they are.
    let is_whole = has(wanted, "Ready");
    [pod_condition::RESIZE_PENDING, pod_condition::CHANGE_NOT_APPLIED]
        .into_iter()
        .filter(|kind| is_whole && has(old, kind) && !has(wanted, kind))
        .map(|kind| json!({ "$patch": "delete", "type": kind }))
        .collect()
}

/// Conditions merge by type, so only those that changed are sent. The generation is no change by itself.
fn changed_conditions(old: &PodStatus, wanted: &PodStatus) -> Vec<Value> {
    let before = old.conditions.as_deref().unwrap_or_default();
    wanted
        .conditions
        .iter()
        .flatten()
        .filter(|new| {
            before.iter().find(|old| old.type_ == new.type_).is_none_or(|old| {
                (&old.status, &old.reason, &old.message) != (&new.status, &new.reason, &new.message)
            })
        })
        .map(|new| {
            let mut value = json!(new);
            // A reason or message that no longer applies has to be removed explicitly.
            for key in ["reason", "message"] {
                if value.get(key).is_none() {
                    value[key] = Value::Null;
                }
            }
            value
        })
        .collect()
}
