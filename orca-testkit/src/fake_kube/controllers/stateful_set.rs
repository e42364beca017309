//! The stateful set controller: pods with fixed names, each made again under the same name when it is gone.
//!
//! Claims of volume claim templates are not made: nothing in this cluster would bind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{PODS, STATEFULSETS};
use super::super::store::DeleteOptions;
use super::controller::{Context, Controller, RETRY};
use super::queue::Queue;
use super::recorder::{Note, Source};
use super::replica_set::wished;
use super::view::{Delta, Key};
use super::{json, pods};

const REVISION: &str = "controller-revision-hash";

/// Keeps stateful sets.
#[derive(Debug, Default)]
pub(super) struct StatefulSets {
    queue: Queue<Key>,
}

impl Controller for StatefulSets {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&STATEFULSETS) {
            let is_news = delta.moved("/spec") || delta.moved("/metadata/deletionTimestamp");
            if let Some(new) = delta.new.as_deref().filter(|_| is_news) {
                self.queue.add(Key::of(new), context.now);
            }
        } else if delta.is(&PODS) {
            for set in [&delta.old, &delta.new].into_iter().flatten().filter_map(|pod| set_of(pod)) {
                self.queue.add(set, context.now);
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(key) = self.queue.pop(context.now) {
            let Some(set) = context.get(&STATEFULSETS, &key) else { continue };
            if let Err(error) = sync(&set, context) {
                tracing::debug!(%error, set = key.name, "a stateful set is looked at again");
                self.queue.add(key, context.now + RETRY);
            }
        }
        self.queue.next()
    }
}

/// The stateful set that controls this pod.
fn set_of(pod: &Object) -> Option<Key> {
    let owners = pod.items("/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner["controller"] == true && owner["kind"] == "StatefulSet")?;
    Some(Key::new(pod.namespace(), owner["name"].as_str()?))
}

/// The pods of a set by their ordinal numbers.
type ByOrdinal = BTreeMap<i64, Arc<Object>>;

fn sync(set: &Arc<Object>, context: &mut Context<'_>) -> Result<(), ApiError> {
    let prefix = format!("{}-", set.name());
    let ordinal = |pod: &Arc<Object>| pod.name().strip_prefix(&prefix)?.parse().ok();
    let all = context.view.controlled(&PODS, set.uid());
    let all: ByOrdinal = all.filter_map(|pod| Some((ordinal(pod)?, Arc::clone(pod)))).collect();
    let revision = format!("{}-{}", set.name(), pods::revision(set));
    let outcome = if set.is_deleting() { Ok(()) } else { step(set, &all, &revision, context) };
    status(set, &all, &revision, context)?;
    outcome
}

/// Makes and deletes what is due now. In order, each pod waits until those before it are ready.
fn step(set: &Object, all: &ByOrdinal, revision: &str, context: &mut Context<'_>) -> Result<(), ApiError> {
    let first = set.number("/spec/ordinals/start").unwrap_or(0);
    let wished = first..first + wished(set.value());
    let is_parallel = set.text("/spec/podManagementPolicy") == "Parallel";
    for number in wished.clone() {
        match all.get(&number) {
            None => create(set, number, revision, context)?,
            // A pod that has ended is deleted, and made again when it is gone.
            Some(pod) if pods::is_terminal(pod) && !pod.is_deleting() => delete(set, pod, context)?,
            Some(_) => {}
        }
        let is_ready = all.get(&number).is_some_and(|pod| pods::is_active(pod) && pods::is_ready(pod));
        if !is_parallel && !is_ready {
            return Ok(());
        }
    }
    for (_, pod) in all.iter().rev().filter(|(number, _)| !wished.contains(number)) {
        if !pod.is_deleting() {
            delete(set, pod, context)?;
        }
        if !is_parallel {
            return Ok(());
        }
    }
    if set.text("/spec/updateStrategy/type") == "OnDelete" {
        return Ok(());
    }
    let partition = set.number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    for (_, pod) in all.iter().rev().filter(|(number, _)| **number >= partition) {
        if pod.labels().get(REVISION).copied() != Some(revision) && !pod.is_deleting() {
            return delete(set, pod, context);
        }
        if !pods::is_active(pod) || !pods::is_ready(pod) {
            return Ok(());
        }
    }
    Ok(())
}

fn create(set: &Object, number: i64, revision: &str, context: &mut Context<'_>) -> Result<(), ApiError> {
    let name = format!("{}-{number}", set.name());
    let mut pod = pods::from_template(&set.value()["spec"]["template"], set, "");
    let metadata = &mut pod["metadata"];
    metadata["name"] = name.clone().into();
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("generateName");
    }
    let labels = json::field(metadata, "labels");
    json::set(labels, &["statefulset.kubernetes.io/pod-name"], name.clone());
    json::set(labels, &["apps.kubernetes.io/pod-index"], number.to_string());
    json::set(labels, &[REVISION], revision);
    pod["spec"]["hostname"] = name.clone().into();
    pod["spec"]["subdomain"] = set.value()["spec"]["serviceName"].clone();
    let outcome = context.create_pod(pod).map(drop);
    let what = format!("create Pod {name} in StatefulSet {}", set.name());
    note(set, "Create", &what, outcome.as_ref().err(), context);
    outcome
}

fn delete(set: &Object, pod: &Object, context: &mut Context<'_>) -> Result<(), ApiError> {
    let outcome = context.delete(pod, DeleteOptions::default());
    let what = format!("delete Pod {} in StatefulSet {}", pod.name(), set.name());
    note(set, "Delete", &what, outcome.as_ref().err(), context);
    outcome
}

fn note(set: &Object, verb: &str, what: &str, error: Option<&ApiError>, context: &mut Context<'_>) {
    let reason = match (verb, error.is_some()) {
        ("Create", false) => "SuccessfulCreate",
        ("Create", true) => "FailedCreate",
        (_, false) => "SuccessfulDelete",
        (_, true) => "FailedDelete",
    };
    let note = match error {
        None => Note::normal(Source::StatefulSet, reason, format!("{what} successful")),
        Some(error) => Note::warning(Source::StatefulSet, reason, format!("{what} failed error: {error}")),
    };
    context.note(set, &note);
}

fn status(set: &Object, all: &ByOrdinal, revision: &str, context: &Context<'_>) -> Result<(), ApiError> {
    let count = |holds: &dyn Fn(&Object) -> bool| all.values().filter(|pod| holds(pod)).count();
    let is_new = |pod: &Object| pod.labels().get(REVISION).copied() == Some(revision);
    let ready = count(&|pod| pods::is_ready(pod) && pods::is_active(pod));
    let (total, updated) = (all.len(), count(&is_new));
    context
        .update(set, |value| {
            let generation = value["metadata"]["generation"].clone();
            let status = json::field(value, "status");
            let current = status["currentRevision"].as_str().unwrap_or(revision);
            let current = if updated == total { revision } else { current }.to_owned();
            *status = json!({
                "observedGeneration": generation, "replicas": total, "collisionCount": 0,
                "availableReplicas": ready, "currentRevision": current, "updateRevision": revision,
            });
            json::set_count(status, "readyReplicas", ready);
            json::set_count(status, "updatedReplicas", updated);
            json::set_count(
                status,
                "currentReplicas",
                if updated == total { total } else { total - updated },
            );
        })
        .map(drop)
}

#[cfg(test)]
mod tests;
