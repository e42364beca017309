//! The taints that say what is wrong with a node.

use serde_json::{Value, json};

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::controller::Context;
use super::super::json;
use super::super::scheduler::{NO_EXECUTE, NO_SCHEDULE};
use super::disruption::Level;
use super::readiness;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Conditions that are bad when they are true.
const TROUBLE: [(&str, &str); 4] = [
    ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "node.kubernetes.io/pid-pressure"),
];

/// Brings the taints of a node in step with its conditions and its cordon.
pub(super) fn write(node: &Object, level: Level, context: &Context<'_>) -> Result<(), ApiError> {
    let silence = match readiness(node) {
        "False" => Some(NOT_READY),
        "Unknown" => Some(UNREACHABLE),
        _ => None,
    };
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    if node.value()["spec"]["unschedulable"] == true {
        wanted.push((UNSCHEDULABLE, NO_SCHEDULE));
    }
    wanted.extend(silence.map(|key| (key, NO_SCHEDULE)));
    let troubles = TROUBLE.iter().filter(|(condition, _)| json::is_true(node.value(), condition));
    wanted.extend(troubles.map(|(_, key)| (*key, NO_SCHEDULE)));
    if let Some(key) = silence {
        let has_one = node.items("/spec/taints").iter().any(|taint| {
            taint["effect"] == NO_EXECUTE && (taint["key"] == NOT_READY || taint["key"] == UNREACHABLE)
        });
        match level {
            Level::Normal => wanted.push((key, NO_EXECUTE)),
            Level::Partial if has_one => wanted.push((key, NO_EXECUTE)),
            Level::Partial | Level::Full => {}
        }
    }
    let written = context.update(node, |value| apply(value, &wanted, context));
    match written {
        Err(error) if error.code != 404 => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether this controller alone sets and takes such a taint.
fn is_own(taint: &Value) -> bool {
    let (key, effect) = (&taint["key"], &taint["effect"]);
    let is_silence = key == NOT_READY || key == UNREACHABLE;
    let is_trouble = key == UNSCHEDULABLE || TROUBLE.iter().any(|(_, own)| key == own);
    (effect == NO_SCHEDULE && (is_silence || is_trouble)) || (effect == NO_EXECUTE && is_silence)
}

fn apply(node: &mut Value, wanted: &[(&str, &str)], context: &Context<'_>) {
    let is = |taint: &Value, (key, effect): (&str, &str)| taint["key"] == key && taint["effect"] == effect;
    let old = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let mut new: Vec<Value> = old
        .iter()
        .filter(|taint| !is_own(taint) || wanted.iter().any(|one| is(taint, *one)))
        .cloned()
        .collect();
    for one in wanted {
        if !old.iter().any(|taint| is(taint, *one)) {
            let time = json::seconds(context.time);
            new.push(json!({ "key": one.0, "effect": one.1, "timeAdded": time }));
        }
    }
    if new == old {
        return;
    }
    if new.is_empty() {
        json::remove(node, &["spec"], "taints");
    } else {
        json::set(node, &["spec", "taints"], new);
    }
}
