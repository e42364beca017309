//! The pods of a job: making those that are missing, and ending those that are too many.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::super::store::DeleteOptions;
use super::super::controller::Context;
use super::super::recorder::{Note, Source};
use super::super::{json, pods};
use super::counts::Counts;
use super::{FINALIZER, index, release};

/// The most pods that one look creates or deletes, as of the real one.
const BURST: usize = 500;

fn wish(job: &Object, pointer: &str) -> Option<usize> {
    job.number(pointer).and_then(|number| usize::try_from(number).ok())
}

/// Brings the number of active pods in step with the wish, when no failure holds new ones back. Says when
/// to go on.
pub(super) fn adjust(
    job: &Object,
    counts: &mut Counts,
    hold: Duration,
    context: &mut Context<'_>,
) -> Result<Option<Duration>, ApiError> {
    let parallel = wish(job, "/spec/parallelism").unwrap_or(1);
    let active = counts.active.len();
    let wanted = match wish(job, "/spec/completions") {
        Some(completions) => completions.saturating_sub(counts.succeeded).min(parallel),
        // Any success means that the work is done, and that those who still run may finish.
        None if counts.succeeded > 0 => active.min(parallel),
        None => parallel,
    };
    if active > wanted {
        give_up(job, counts, active - wanted, context)?;
        return Ok(None);
    }
    let ending = if counts.waits_for_end { counts.terminating } else { 0 };
    let missing = wanted.saturating_sub(active + ending);
    if missing == 0 {
        return Ok(None);
    }
    if !hold.is_zero() {
        return Ok(Some(hold));
    }
    let indexes = free_indexes(job, counts, missing.min(BURST));
    for place in 0..missing.min(BURST) {
        let index = if counts.is_indexed {
            let Some(index) = indexes.get(place) else { break };
            Some(*index)
        } else {
            None
        };
        counts.active.push(create(job, index, context)?);
    }
    // The rest after what was made now is seen.
    Ok((missing > BURST).then_some(Duration::from_millis(1)))
}

/// The lowest indexes that neither succeeded nor are at work.
fn free_indexes(job: &Object, counts: &Counts, count: usize) -> Vec<u32> {
    if !counts.is_indexed {
        return Vec::new();
    }
    let mut taken: BTreeSet<u32> = counts.active.iter().filter_map(|pod| index::of(pod)).collect();
    if counts.waits_for_end {
        taken.extend(&counts.ending);
    }
    let all = u32::try_from(wish(job, "/spec/completions").unwrap_or(0)).unwrap_or(u32::MAX);
    let is_free = |index: &u32| !taken.contains(index) && !counts.completed.contains(index);
    (0..all).filter(is_free).take(count).collect()
}

fn create(job: &Object, index: Option<u32>, context: &mut Context<'_>) -> Result<Arc<Object>, ApiError> {
    let created = context.create_pod(design(job, index)).inspect_err(|error| {
        let text = format!("Error creating: {error}");
        context.note(job, &Note::warning(Source::Job, "FailedCreate", text));
    })?;
    let text = format!("Created pod: {}", created.name());
    context.note(job, &Note::normal(Source::Job, "SuccessfulCreate", text));
    Ok(created)
}

fn design(job: &Object, index: Option<u32>) -> Value {
    let prefix = match index {
        Some(index) => format!("{}-{index}-", job.name()),
        None => format!("{}-", job.name()),
    };
    let mut pod = pods::from_template(&job.value()["spec"]["template"], job, &prefix);
    for key in ["batch.kubernetes.io/controller-uid", "controller-uid"] {
        json::set(&mut pod, &["metadata", "labels", key], job.uid());
    }
    for key in ["batch.kubernetes.io/job-name", "job-name"] {
        json::set(&mut pod, &["metadata", "labels", key], job.name());
    }
    if let Some(finalizers) = json::list(&mut pod, &["metadata", "finalizers"]) {
        finalizers.push(FINALIZER.into());
    }
    if let Some(index) = index {
        json::set(&mut pod, &["metadata", "annotations", index::NAME], index.to_string());
        json::set(&mut pod, &["metadata", "labels", index::NAME], index.to_string());
        json::set(&mut pod, &["spec", "hostname"], format!("{}-{index}", job.name()));
        for list in ["initContainers", "containers"] {
            let containers = pod["spec"][list].as_array_mut();
            containers.into_iter().flatten().for_each(tell_index);
        }
    }
    pod
}

/// Gives a container its index in the environment, unless the template does so itself.
fn tell_index(container: &mut Value) {
    const VARIABLE: &str = "JOB_COMPLETION_INDEX";
    let Some(variables) = json::list(container, &["env"]) else { return };
    if variables.iter().any(|variable| variable["name"] == VARIABLE) {
        return;
    }
    let path = format!("metadata.labels['{}']", index::NAME);
    let field = json!({ "fieldRef": { "apiVersion": "v1", "fieldPath": path } });
    variables.push(json!({ "name": VARIABLE, "valueFrom": field }));
}

/// Ends some active pods, those first that did least, without counting their end as a failure: nobody wants them now.
pub(super) fn give_up(
    job: &Object,
    counts: &mut Counts,
    count: usize,
    context: &mut Context<'_>,
) -> Result<(), ApiError> {
    let victims = least(counts, count);
    for pod in &victims {
        release(pod, context)?;
    }
    end(job, counts, &victims, context)
}

/// Ends all active pods of a job that is over.
pub(super) fn remove_all(
    job: &Object,
    counts: &mut Counts,
    context: &mut Context<'_>,
) -> Result<(), ApiError> {
    let victims = least(counts, usize::MAX);
    end(job, counts, &victims, context)
}

fn least(counts: &Counts, count: usize) -> Vec<Arc<Object>> {
    let mut victims = counts.active.clone();
    victims.sort_by_cached_key(|pod| pods::rank(pod));
    victims.truncate(count);
    victims
}

fn end(
    job: &Object,
    counts: &mut Counts,
    victims: &[Arc<Object>],
    context: &mut Context<'_>,
) -> Result<(), ApiError> {
    for pod in victims {
        context.delete(pod, DeleteOptions::default())?;
        let text = format!("Deleted pod: {}", pod.name());
        context.note(job, &Note::normal(Source::Job, "SuccessfulDelete", text));
    }
    counts.removed(victims);
    Ok(())
}
