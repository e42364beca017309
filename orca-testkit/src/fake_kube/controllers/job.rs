//! The job controller: runs pods until enough of them succeeded, or too many failed.

mod counts;
mod failure_policy;
mod finish;
mod index;
mod scale;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{JOBS, PODS};
use super::controller::{Context, Controller, RETRY};
use super::json::{self, Condition};
use super::pods;
use super::queue::Queue;
use super::recorder::{Note, Source};
use super::view::{Delta, Key};
use counts::Counts;

/// Keeps a pod in the store until its job has counted it.
const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
/// The real one looks at changes of pods once a second, so that a thousand pods of one job that end one by
/// one do not cost a million looks.
const GATHER: Duration = Duration::from_secs(1);
/// The wait after a failure; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(10);
const LAST_BACKOFF: Duration = Duration::from_mins(10);

/// The failures of a job since its last success.
#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Keeps jobs.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    queue: Queue<Key>,
    /// Pods that still wait to be counted by a job that is gone.
    strays: Queue<Key>,
    failures: BTreeMap<String, Failures>,
}

impl Controller for Jobs {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&JOBS) {
            self.job_changed(delta, context);
        } else if delta.is(&PODS) {
            self.pod_changed(delta, context);
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(key) = self.queue.pop(context.now) {
            let Some(job) = context.get(&JOBS, &key) else { continue };
            match self.sync(&job, context) {
                Ok(None) => {}
                Ok(Some(wait)) => self.queue.add(key, context.now + wait),
                Err(error) => {
                    tracing::debug!(%error, job = key.name, "a job is looked at again");
                    self.queue.add(key, context.now + RETRY);
                }
            }
        }
        while let Some(key) = self.strays.pop(context.now) {
            let Some(pod) = context.get(&PODS, &key).filter(|pod| has_finalizer(pod)) else { continue };
            if job_of(&pod).is_none_or(|job| !exists(&job, &pod, context)) && release(&pod, context).is_err()
            {
                self.strays.add(key, context.now + RETRY);
            }
        }
        super::queue::earlier(self.queue.next(), self.strays.next())
    }
}

/// The job that controls this pod.
fn job_of(pod: &Object) -> Option<Key> {
    let owners = pod.items("/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner["controller"] == true && owner["kind"] == "Job")?;
    Some(Key::new(pod.namespace(), owner["name"].as_str()?))
}

fn exists(job: &Key, pod: &Object, context: &Context<'_>) -> bool {
    context.view.get(&JOBS, job).is_some_and(|job| pod.controller() == Some(job.uid()))
}

fn has_finalizer(pod: &Object) -> bool {
    pod.items("/metadata/finalizers").iter().any(|one| one == FINALIZER)
}

/// Lets a pod go that was counted.
fn release(pod: &Object, context: &Context<'_>) -> Result<(), ApiError> {
    let released = context.update(pod, |value| {
        if let Some(finalizers) = json::list(value, &["metadata", "finalizers"]) {
            finalizers.retain(|one| one != FINALIZER);
        }
    });
    match released {
        Err(error) if error.code != 404 => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl Jobs {
    fn job_changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if let Some(new) = &delta.new {
            if delta.moved("/spec") || delta.moved("/metadata/deletionTimestamp") {
                self.queue.add(Key::of(new), context.now);
            }
        } else if let Some(old) = &delta.old {
            self.failures.remove(old.uid());
            for pod in context.view.controlled(&PODS, old.uid()) {
                self.strays.add(Key::of(pod), context.now);
            }
        }
    }

    fn pod_changed(&mut self, delta: &Delta, context: &Context<'_>) {
        let look = |pod: &Arc<Object>| {
            let phase = pod.text("/status/phase").to_owned();
            (phase, pods::is_ready(pod), pod.is_deleting(), has_finalizer(pod), pods::restarts(pod))
        };
        if delta.old.as_ref().map(look) == delta.new.as_ref().map(look) {
            return;
        }
        let Some(pod) = delta.object() else { return };
        let Some(job) = job_of(pod) else { return };
        if exists(&job, pod, context) {
            self.queue.add(job, context.now + GATHER);
        } else if delta.new.is_some() && has_finalizer(pod) {
            self.strays.add(Key::of(pod), context.now + GATHER);
        }
    }

    /// Counts, decides, acts, and writes the status. Says when to look again without a change.
    fn sync(&mut self, job: &Arc<Object>, context: &mut Context<'_>) -> Result<Option<Duration>, ApiError> {
        let manager = job.text("/spec/managedBy");
        if !matches!(manager, "" | "kubernetes.io/job-controller") {
            return Ok(None);
        }
        if finish::is_over(job) {
            for pod in context.view.controlled(&PODS, job.uid()).filter(|pod| has_finalizer(pod)) {
                release(pod, context)?;
            }
            return finish::expire(job, context);
        }
        let mut counts = Counts::of(job, context);
        self.remember(job, &counts, context.now);
        let mut status = job.value()["status"].clone();
        // What was counted is written down even when something could not be done.
        let outcome =
            if job.is_deleting() { Ok(None) } else { self.act(job, &mut counts, &mut status, context) };
        for pod in std::mem::take(&mut counts.counted) {
            release(&pod, context)?;
        }
        counts.write(&mut status);
        let over = finish::conclude(&mut status, &counts, context);
        let written = context.update(job, |value| json::set(value, &["status"], status))?;
        if let Some(note) = over {
            context.note(job, &note);
            self.failures.remove(job.uid());
            return finish::expire(&written, context);
        }
        outcome
    }

    /// Decides what becomes of the job, and does it to its pods.
    fn act(
        &mut self,
        job: &Arc<Object>,
        counts: &mut Counts,
        status: &mut Value,
        context: &mut Context<'_>,
    ) -> Result<Option<Duration>, ApiError> {
        let is_suspended = job.value()["spec"]["suspend"] == true;
        if !is_suspended && status["startTime"].is_null() {
            json::set(status, &["startTime"], json::seconds(context.time));
        }
        if let Some(verdict) = finish::verdict(job, counts, status, context) {
            verdict.announce(status, context);
            scale::remove_all(job, counts, context)?;
            return Ok(None);
        }
        suspend(job, is_suspended, status, context);
        let mut wait = None;
        if is_suspended {
            scale::give_up(job, counts, usize::MAX, context)?;
        } else {
            wait = finish::until_deadline(job, status, context);
            let hold = self.hold(job, context.now);
            let more = scale::adjust(job, counts, hold, context)?;
            wait = [wait, more].into_iter().flatten().min();
        }
        if let Some(verdict) = finish::success(job, counts) {
            verdict.announce(status, context);
        }
        Ok(wait)
    }

    fn remember(&mut self, job: &Object, counts: &Counts, now: Instant) {
        for succeeded in counts.news() {
            if succeeded {
                self.failures.remove(job.uid());
            } else {
                let known =
                    self.failures.entry(job.uid().to_owned()).or_insert(Failures { count: 0, last: now });
                known.count = known.count.saturating_add(1);
                known.last = now;
            }
        }
    }

    /// How long no new pod may be made, because others failed.
    fn hold(&self, job: &Object, now: Instant) -> Duration {
        let Some(failures) = self.failures.get(job.uid()) else { return Duration::ZERO };
        let doubled = FIRST_BACKOFF.saturating_mul(1 << failures.count.saturating_sub(1).min(10));
        (failures.last + doubled.min(LAST_BACKOFF)).saturating_duration_since(now)
    }
}

/// Says that a job was stopped for a while, or goes on.
fn suspend(job: &Object, is_suspended: bool, status: &mut Value, context: &mut Context<'_>) {
    let was_suspended = json::is_true(&json!({ "status": &*status }), "Suspended");
    if is_suspended == was_suspended {
        return;
    }
    let (word, reason, event, message) = if is_suspended {
        json::remove(status, &[], "startTime");
        ("True", "JobSuspended", "Suspended", "Job suspended")
    } else {
        json::set(status, &["startTime"], json::seconds(context.time));
        ("False", "JobResumed", "Resumed", "Job resumed")
    };
    finish::write_condition(status, Condition::new("Suspended", word, reason, message), context);
    context.note(job, &Note::normal(Source::Job, event, message));
}

#[cfg(test)]
mod tests;
