//! The end of a job: first it is said that it will end, and, when its last pod is gone, that it has.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::super::store::{DeleteOptions, Propagation};
use super::super::controller::Context;
use super::super::json::{self, Condition};
use super::super::recorder::{Note, Source};
use super::counts::Counts;

const DEADLINE: &str = "Job was active longer than specified deadline";
const LIMIT: &str = "Job has reached the specified backoff limit";
const DONE: &str = "Reached expected number of succeeded pods";

/// How a job will end.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    condition: &'static str,
    reason: String,
    message: String,
}

impl Verdict {
    fn failure(reason: &str, message: &str) -> Self {
        Self { condition: "FailureTarget", reason: reason.to_owned(), message: message.to_owned() }
    }

    /// Writes it down; the first one stays.
    pub(super) fn announce(&self, status: &mut Value, context: &Context<'_>) {
        let condition = Condition::new(self.condition, "True", &self.reason, &self.message);
        write_condition(status, condition, context);
    }
}

/// Writes a condition into a status that is not part of an object.
pub(super) fn write_condition(status: &mut Value, condition: Condition<'_>, context: &Context<'_>) {
    let mut whole = json!({ "status": status.take() });
    condition.write(&mut whole, context.time, &[("lastProbeTime", json::seconds(context.time))]);
    *status = whole["status"].take();
}

fn told(status: &Value, kind: &str) -> Option<(String, String)> {
    let conditions = status["conditions"].as_array()?;
    let found = conditions.iter().find(|one| one["type"] == kind && one["status"] == "True")?;
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    Some((text("reason"), text("message")))
}

/// Whether the job has ended.
pub(super) fn is_over(job: &Object) -> bool {
    ["Complete", "Failed"].iter().any(|kind| json::is_true(job.value(), kind))
}

/// The verdict that was announced before, or that failures and time give now.
pub(super) fn verdict(
    job: &Object,
    counts: &Counts,
    status: &Value,
    context: &Context<'_>,
) -> Option<Verdict> {
    for condition in ["FailureTarget", "SuccessCriteriaMet"] {
        if let Some((reason, message)) = told(status, condition) {
            return Some(Verdict { condition, reason, message });
        }
    }
    if let Some(why) = &counts.fatal {
        return Some(Verdict::failure("PodFailurePolicy", why));
    }
    let limit = job.number("/spec/backoffLimit").unwrap_or(6);
    let failed = i64::try_from(counts.failed).unwrap_or(i64::MAX);
    // Containers that are started again in place count, too: their pod never fails.
    let restarts_in_place = job.text("/spec/template/spec/restartPolicy") == "OnFailure";
    if failed > limit || (restarts_in_place && counts.restarts > 0 && counts.restarts >= limit) {
        return Some(Verdict::failure("BackoffLimitExceeded", LIMIT));
    }
    let is_late = until_deadline(job, status, context).is_some_and(|left| left.is_zero());
    (is_late && job.value()["spec"]["suspend"] != true)
        .then(|| Verdict::failure("DeadlineExceeded", DEADLINE))
}

/// How long the job may still run.
pub(super) fn until_deadline(job: &Object, status: &Value, context: &Context<'_>) -> Option<Duration> {
    let limit = SignedDuration::from_secs(job.number("/spec/activeDeadlineSeconds")?);
    let left = limit - context.time.duration_since(json::time(&status["startTime"])?);
    Some(left.max(SignedDuration::ZERO).unsigned_abs())
}

/// Whether enough pods succeeded and no other one runs.
pub(super) fn success(job: &Object, counts: &Counts) -> Option<Verdict> {
    let needed = job.number("/spec/completions").map_or(1, |needed| usize::try_from(needed).unwrap_or(0));
    (counts.succeeded >= needed && counts.active.is_empty()).then(|| Verdict {
        condition: "SuccessCriteriaMet",
        reason: "CompletionsReached".to_owned(),
        message: DONE.to_owned(),
    })
}

/// Says that the job has ended, once nothing of it runs. Gives the event about it.
pub(super) fn conclude(status: &mut Value, counts: &Counts, context: &Context<'_>) -> Option<Note> {
    if !counts.active.is_empty() || counts.terminating > 0 {
        return None;
    }
    if let Some((reason, message)) = told(status, "FailureTarget") {
        write_condition(status, Condition::new("Failed", "True", &reason, &message), context);
        let reason = match reason.as_str() {
            "DeadlineExceeded" => "DeadlineExceeded",
            "PodFailurePolicy" => "PodFailurePolicy",
            _ => "BackoffLimitExceeded",
        };
        return Some(Note::warning(Source::Job, reason, message));
    }
    let (reason, message) = told(status, "SuccessCriteriaMet")?;
    write_condition(status, Condition::new("Complete", "True", &reason, &message), context);
    json::set(status, &["completionTime"], json::seconds(context.time));
    Some(Note::normal(Source::Job, "Completed", "Job completed"))
}

/// Deletes a job that ended long enough ago. Says when that will be.
pub(super) fn expire(job: &Object, context: &Context<'_>) -> Result<Option<Duration>, ApiError> {
    let Some(kept) = job.number("/spec/ttlSecondsAfterFinished").filter(|_| !job.is_deleting()) else {
        return Ok(None);
    };
    let ended = ["Complete", "Failed"].iter().find_map(|kind| json::condition(job.value(), kind));
    let Some(ended) = ended.and_then(|ended| json::time(&ended["lastTransitionTime"])) else {
        return Ok(None);
    };
    let left = SignedDuration::from_secs(kept) - context.time.duration_since(ended);
    if left > SignedDuration::ZERO {
        return Ok(Some(left.unsigned_abs()));
    }
    context.delete(
        job,
        DeleteOptions { propagation: Some(Propagation::Foreground), ..DeleteOptions::default() },
    )?;
    Ok(None)
}
