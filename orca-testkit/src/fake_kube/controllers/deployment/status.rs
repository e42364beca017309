//! The status of a deployment: counts, and whether it is available and makes progress.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::controller::Context;
use super::super::json::{self, Condition};
use super::limits::{self, Limits};
use super::sets::Sets;

const COMPLETE: &str = "NewReplicaSetAvailable";
const EXCEEDED: &str = "ProgressDeadlineExceeded";

/// The pods of a deployment, counted by its sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
    unavailable: i64,
    terminating: i64,
}

impl Counts {
    pub(super) fn of(_: &Object, sets: &Sets) -> Self {
        let sum = |name: &str| sets.all().map(|set| set.status(name)).sum::<i64>();
        let available = sum("availableReplicas");
        Self {
            replicas: sum("replicas"),
            updated: sets.new.as_ref().map_or(0, |new| new.status("replicas")),
            ready: sum("readyReplicas"),
            available,
            unavailable: (sets.wished() - available).max(0),
            terminating: sum("terminatingReplicas"),
        }
    }
}

/// Whether every pod is a new one and available.
pub(super) fn is_complete(deployment: &Object, counts: &Counts) -> bool {
    let wished = Limits::of(deployment).wished;
    counts.updated == wished && counts.replicas == wished && counts.available == wished
}

/// Writes one condition at once.
pub(super) fn tell(
    deployment: &Object,
    condition: Condition<'_>,
    context: &Context<'_>,
) -> Result<(), ApiError> {
    context.update(deployment, |value| write_condition(value, condition, context))?;
    Ok(())
}

fn write_condition(value: &mut Value, condition: Condition<'_>, context: &Context<'_>) {
    let extra = [("lastUpdateTime", json::seconds(context.time))];
    condition.write(value, context.time, &extra);
}

/// Writes the status. Says when the deadline for progress has to be looked at.
pub(super) fn write(
    deployment: &Object,
    sets: &Sets,
    context: &mut Context<'_>,
) -> Result<Option<Duration>, ApiError> {
    let counts = Counts::of(deployment, sets);
    let limits = Limits::of(deployment);
    let set = sets.new.as_ref().map(|new| new.object.name().to_owned());
    let written = context.update(deployment, |value| {
        let progress = progress(value, deployment, &counts, set.as_deref(), context);
        let generation = deployment.value()["metadata"]["generation"].clone();
        let status = json::field(value, "status");
        json::set(status, &["observedGeneration"], generation);
        json::set(status, &["terminatingReplicas"], counts.terminating);
        for (name, count) in [
            ("replicas", counts.replicas),
            ("updatedReplicas", counts.updated),
            ("readyReplicas", counts.ready),
            ("availableReplicas", counts.available),
            ("unavailableReplicas", counts.unavailable),
        ] {
            json::set_count(status, name, usize::try_from(count).unwrap_or(0));
        }
        let available = if counts.available >= limits.fewest() {
            let text = "Deployment has minimum availability.";
            Condition::new("Available", "True", "MinimumReplicasAvailable", text)
        } else {
            let text = "Deployment does not have minimum availability.";
            Condition::new("Available", "False", "MinimumReplicasUnavailable", text)
        };
        write_condition(value, available, context);
        pass_on_failure(value, sets, context);
        if let Some((status, reason, message, is_step)) = &progress {
            let condition = Condition::new("Progressing", status, reason, message);
            write_condition(value, condition, context);
            if *is_step {
                touch(value, context);
            }
        }
    })?;
    Ok(until_deadline(&written, context))
}

/// What keeps a set from its wish keeps the deployment from it.
fn pass_on_failure(value: &mut Value, sets: &Sets, context: &Context<'_>) {
    const KIND: &str = "ReplicaFailure";
    let found = sets.new.iter().chain(&sets.old).find_map(|set| json::condition(set.object.value(), KIND));
    if let Some(found) = found {
        let text = |name: &str| found[name].as_str().unwrap_or_default();
        write_condition(
            value,
            Condition::new(KIND, text("status"), text("reason"), text("message")),
            context,
        );
    } else if let Some(conditions) = json::list(value, &["status", "conditions"]) {
        conditions.retain(|condition| condition["type"] != KIND);
    }
}

/// Progress moves the time of the condition, from which the deadline counts, even when its words stay.
fn touch(value: &mut Value, context: &Context<'_>) {
    let Some(conditions) = json::list(value, &["status", "conditions"]) else { return };
    for condition in conditions.iter_mut().filter(|condition| condition["type"] == "Progressing") {
        json::set(condition, &["lastUpdateTime"], json::seconds(context.time));
    }
}

/// What to say of the progress: status, reason, message, and whether there was some just now.
fn progress(
    value: &Value,
    deployment: &Object,
    counts: &Counts,
    set: Option<&str>,
    context: &Context<'_>,
) -> Option<(&'static str, &'static str, String, bool)> {
    let deadline = limits::deadline(deployment)?;
    let known = json::condition(value, "Progressing");
    let reason = known.map_or("", |known| known["reason"].as_str().unwrap_or_default());
    if counts.replicas == counts.updated && reason == COMPLETE {
        return None;
    }
    let what = set.map_or_else(
        || format!("Deployment \"{}\"", deployment.name()),
        |set| format!("ReplicaSet \"{set}\""),
    );
    if is_complete(deployment, counts) {
        return Some(("True", COMPLETE, format!("{what} has successfully progressed."), false));
    }
    let before = |name: &str| value["status"][name].as_i64().unwrap_or(0);
    let is_step = counts.updated > before("updatedReplicas")
        || counts.replicas - counts.updated < before("replicas") - before("updatedReplicas")
        || counts.ready > before("readyReplicas")
        || counts.available > before("availableReplicas");
    if is_step {
        return Some(("True", "ReplicaSetUpdated", format!("{what} is progressing."), true));
    }
    let since = known.and_then(|known| json::time(&known["lastUpdateTime"]))?;
    let deadline = SignedDuration::try_from(deadline).unwrap_or(SignedDuration::MAX);
    let is_late = reason == EXCEEDED || context.time.duration_since(since) > deadline;
    let is_timed = !matches!(reason, COMPLETE | "DeploymentPaused");
    (is_timed && is_late).then(|| ("False", EXCEEDED, format!("{what} has timed out progressing."), false))
}

fn until_deadline(deployment: &Object, context: &Context<'_>) -> Option<Duration> {
    let deadline = limits::deadline(deployment)?;
    let known = json::condition(deployment.value(), "Progressing")?;
    let reason = known["reason"].as_str().unwrap_or_default();
    if matches!(reason, COMPLETE | EXCEEDED | "DeploymentPaused") {
        return None;
    }
    let passed = context.time.duration_since(json::time(&known["lastUpdateTime"])?);
    let left = SignedDuration::try_from(deadline).ok()? - passed;
    // The times of the API are whole seconds.
    Some(left.max(SignedDuration::ZERO).unsigned_abs() + Duration::from_secs(1))
}
