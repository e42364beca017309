//! The replica set controller: keeps as many pods of a template as are wished for.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{PODS, REPLICASETS};
use super::super::store::DeleteOptions;
use super::controller::{Context, Controller, RETRY};
use super::json::Condition;
use super::queue::Queue;
use super::recorder::{Note, Source};
use super::view::{Delta, Key};
use super::{json, pods};

/// The most pods that one look creates or deletes, as of the real one.
const BURST: usize = 500;
/// Changes of many pods within this time are looked at together, so that a thousand pods of one set that
/// become ready one by one do not cost a million looks.
const GATHER: Duration = Duration::from_millis(50);

/// Keeps replica sets.
#[derive(Debug, Default)]
pub(super) struct ReplicaSets {
    queue: Queue<Key>,
}

impl Controller for ReplicaSets {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&REPLICASETS) {
            let is_news = delta.moved("/spec")
                || delta.moved("/metadata/deletionTimestamp")
                || delta.moved("/metadata/labels");
            if let Some(new) = delta.new.as_deref().filter(|_| is_news) {
                self.queue.add(Key::of(new), context.now);
            }
        } else if delta.is(&PODS) {
            let look = |pod: &Object| (pods::is_active(pod), pods::is_ready(pod), pod.is_deleting());
            let (old, new) = (delta.old.as_deref(), delta.new.as_deref());
            let is_count = old.map(pods::is_active) != new.map(pods::is_active);
            let is_news = old.map(look) != new.map(look) || delta.moved("/metadata/ownerReferences");
            for set in [old, new].into_iter().flatten().filter_map(set_of).filter(|_| is_news) {
                self.queue.add(set, if is_count { context.now } else { context.now + GATHER });
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(key) = self.queue.pop(context.now) {
            let Some(set) = context.get(&REPLICASETS, &key) else { continue };
            match sync(&set, context) {
                Ok(None) => {}
                Ok(Some(wait)) => self.queue.add(key, context.now + wait),
                Err(error) => {
                    tracing::debug!(%error, set = key.name, "a replica set is looked at again");
                    self.queue.add(key, context.now + RETRY);
                }
            }
            // What was created and deleted has to be seen before the next look at the same set, and this
            // is another one: go on.
        }
        self.queue.next()
    }
}

/// The replica set that controls this pod.
fn set_of(pod: &Object) -> Option<Key> {
    let owners = pod.items("/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner["controller"] == true && owner["kind"] == "ReplicaSet")?;
    Some(Key::new(pod.namespace(), owner["name"].as_str()?))
}

/// Brings the pods in step, then the status. Says when to look again without a change.
fn sync(set: &Arc<Object>, context: &mut Context<'_>) -> Result<Option<Duration>, ApiError> {
    let all: Vec<Arc<Object>> = context.view.controlled(&PODS, set.uid()).map(Arc::clone).collect();
    let active: Vec<&Arc<Object>> = all.iter().filter(|pod| pods::is_active(pod)).collect();
    let terminating = all.iter().filter(|pod| pods::is_terminating(pod)).count();
    let mut again = None;
    let mut outcome = Ok(());
    let wished = usize::try_from(wished(set.value())).unwrap_or(0);
    if !set.is_deleting() {
        if active.len() < wished {
            let missing = wished - active.len();
            outcome = create(set, missing.min(BURST), context);
        } else if active.len() > wished {
            outcome = delete(set, active.clone(), active.len() - wished, context);
        }
    }
    let min_ready = set.number("/spec/minReadySeconds").unwrap_or(0);
    let mut available = 0;
    for pod in &active {
        match pods::available_in(pod, min_ready, context.time) {
            Some(wait) if wait.is_zero() => available += 1,
            Some(wait) => {
                let wait = wait.unsigned_abs();
                again = Some(again.map_or(wait, |known: Duration| known.min(wait)));
            }
            None => {}
        }
    }
    let labels = set.value()["spec"]["template"]["metadata"]["labels"].as_object();
    let is_labelled = |pod: &&&Arc<Object>| {
        let found = pod.labels();
        labels.into_iter().flatten().all(|(key, value)| found.get(key.as_str()).copied() == value.as_str())
    };
    let counts = [
        ("fullyLabeledReplicas", active.iter().filter(is_labelled).count()),
        ("readyReplicas", active.iter().filter(|pod| pods::is_ready(pod)).count()),
        ("availableReplicas", available),
    ];
    let replicas = active.len();
    context.update(set, |value| {
        let generation = value["metadata"]["generation"].clone();
        let status = json::field(value, "status");
        json::set(status, &["replicas"], replicas);
        json::set(status, &["terminatingReplicas"], terminating);
        json::set(status, &["observedGeneration"], generation);
        for (name, count) in counts {
            json::set_count(status, name, count);
        }
        tell_failure(value, outcome.as_ref().err(), active.len() < wished, context);
    })?;
    outcome.map(|()| again)
}

/// Says what keeps the set from its wish, or that nothing does.
fn tell_failure(set: &mut Value, error: Option<&ApiError>, too_few: bool, context: &Context<'_>) {
    if let Some(error) = error {
        let reason = if too_few { "FailedCreate" } else { "FailedDelete" };
        let text = error.to_string();
        Condition::new("ReplicaFailure", "True", reason, &text).write(set, context.time, &[]);
    } else if json::condition(set, "ReplicaFailure").is_some()
        && let Some(conditions) = json::list(set, &["status", "conditions"])
    {
        conditions.retain(|condition| condition["type"] != "ReplicaFailure");
    }
}

fn create(set: &Object, missing: usize, context: &mut Context<'_>) -> Result<(), ApiError> {
    let template = &set.value()["spec"]["template"];
    let prefix = format!("{}-", set.name());
    for _ in 0..missing {
        match context.create_pod(pods::from_template(template, set, &prefix)) {
            Ok(pod) => {
                let text = format!("Created pod: {}", pod.name());
                context.note(set, &Note::normal(Source::ReplicaSet, "SuccessfulCreate", text));
            }
            Err(error) => {
                let text = format!("Error creating: {error}");
                context.note(set, &Note::warning(Source::ReplicaSet, "FailedCreate", text));
                return Err(error);
            }
        }
    }
    Ok(())
}

fn delete(
    set: &Object,
    mut active: Vec<&Arc<Object>>,
    surplus: usize,
    context: &mut Context<'_>,
) -> Result<(), ApiError> {
    active.sort_by_cached_key(|pod| pods::rank(pod));
    for pod in active.into_iter().take(surplus.min(BURST)) {
        context.delete(pod, DeleteOptions::default())?;
        let text = format!("Deleted pod: {}", pod.name());
        context.note(set, &Note::normal(Source::ReplicaSet, "SuccessfulDelete", text));
    }
    Ok(())
}

/// The wished number of pods of a set.
pub(super) fn wished(set: &Value) -> i64 {
    set["spec"]["replicas"].as_i64().unwrap_or(1)
}

#[cfg(test)]
mod tests;
