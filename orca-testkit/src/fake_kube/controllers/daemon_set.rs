//! The daemon set controller: one pod on each node that the template goes with.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{DAEMONSETS, NODES, PODS};
use super::super::store::DeleteOptions;
use super::controller::{Context, Controller, RETRY};
use super::queue::Queue;
use super::recorder::{Note, Source};
use super::scheduler::{NO_EXECUTE, NO_SCHEDULE, Place};
use super::view::{Delta, Key};
use super::{json, pods};

const REVISION: &str = "controller-revision-hash";
/// How long a pod that failed stays before it is replaced. The real one doubles this up to 15 minutes.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// What every daemon bears: it is there for nodes in trouble as well.
const BORNE: [(&str, &str); 6] = [
    ("not-ready", NO_EXECUTE),
    ("unreachable", NO_EXECUTE),
    ("disk-pressure", NO_SCHEDULE),
    ("memory-pressure", NO_SCHEDULE),
    ("pid-pressure", NO_SCHEDULE),
    ("unschedulable", NO_SCHEDULE),
];

/// Keeps daemon sets.
#[derive(Debug, Default)]
pub(super) struct DaemonSets {
    queue: Queue<Key>,
}

impl Controller for DaemonSets {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&DAEMONSETS) {
            if let Some(new) = &delta.new {
                self.queue.add(Key::of(new), context.now);
            }
        } else if delta.is(&NODES) && delta.new.is_some() {
            // The pods of a node that is gone are left to the pod garbage collector.
            let is_news = delta.moved("/spec") || delta.moved("/metadata/labels");
            for set in context.view.all(&DAEMONSETS).filter(|_| is_news) {
                self.queue.add(Key::of(set), context.now);
            }
        } else if delta.is(&PODS) {
            for pod in [&delta.old, &delta.new].into_iter().flatten() {
                let owners = pod.items("/metadata/ownerReferences");
                let owner = owners.iter().find(|owner| owner["controller"] == true);
                if let Some(name) = owner.filter(|owner| owner["kind"] == "DaemonSet") {
                    let name = name["name"].as_str().unwrap_or_default();
                    self.queue.add(Key::new(pod.namespace(), name), context.now);
                }
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(key) = self.queue.pop(context.now) {
            let Some(set) = context.get(&DAEMONSETS, &key) else { continue };
            match sync(&set, context) {
                Ok(None) => {}
                Ok(Some(wait)) => self.queue.add(key, context.now + wait),
                Err(error) => {
                    tracing::debug!(%error, set = key.name, "a daemon set is looked at again");
                    self.queue.add(key, context.now + RETRY);
                }
            }
        }
        self.queue.next()
    }
}

/// The pods of a set by the node that they are for, the oldest first.
type ByNode = BTreeMap<String, Vec<Arc<Object>>>;

fn sync(set: &Arc<Object>, context: &mut Context<'_>) -> Result<Option<Duration>, ApiError> {
    let mut own = ByNode::new();
    for pod in context.view.controlled(&PODS, set.uid()) {
        own.entry(target(pod).to_owned()).or_default().push(Arc::clone(pod));
    }
    let age = |pod: &Arc<Object>| (pod.text("/metadata/creationTimestamp").to_owned(), pod.name().to_owned());
    for pods in own.values_mut() {
        pods.sort_by_cached_key(age);
    }
    let nodes: Vec<Arc<Object>> = context.view.all(&NODES).map(Arc::clone).collect();
    let revision = pods::revision(set);
    let mut again = None;
    let outcome = if set.is_deleting() { Ok(()) } else { step(set, &nodes, &own, &mut again, context) };
    let outcome = outcome.and_then(|()| replace(set, &own, &revision, context));
    status(set, &nodes, &own, &revision, context)?;
    outcome.map(|()| again)
}

/// The node that a pod is for, whether it is there already or not.
fn target(pod: &Object) -> &str {
    let terms =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let fields = pod.items(terms).iter().filter_map(|term| term["matchFields"].as_array()).flatten();
    let named =
        fields.filter(|field| field["key"] == "metadata.name").find_map(|field| field["values"][0].as_str());
    if pods::node(pod).is_empty() { named.unwrap_or_default() } else { pods::node(pod) }
}

/// Makes what is missing, and ends what is too much or over.
fn step(
    set: &Object,
    nodes: &[Arc<Object>],
    own: &ByNode,
    again: &mut Option<Duration>,
    context: &mut Context<'_>,
) -> Result<(), ApiError> {
    let design = design(set, "");
    for node in nodes {
        let place = Place::of(&design, node);
        let here = own.get(node.name()).map(Vec::as_slice).unwrap_or_default();
        if place.may_come && here.is_empty() {
            create(set, node.name(), context)?;
        }
        let mut active = Vec::new();
        for pod in here.iter().filter(|pod| !pod.is_deleting()) {
            if !place.may_stay {
                delete(set, pod, context)?;
            } else if !pods::is_terminal(pod) {
                active.push(pod);
            } else if *again == Some(AFTER_FAILURE) || is_fresh(pod, context) {
                *again = Some(AFTER_FAILURE);
            } else {
                end(set, pod, node.name(), context)?;
            }
        }
        for pod in active.into_iter().skip(1) {
            delete(set, pod, context)?;
        }
    }
    let is_known = |name: &str| nodes.iter().any(|node| node.name() == name);
    for pod in own.iter().filter(|(node, _)| !is_known(node)).flat_map(|(_, pods)| pods) {
        if !pod.is_deleting() && pods::node(pod).is_empty() {
            delete(set, pod, context)?;
        }
    }
    Ok(())
}

/// Whether it is so young that its failure may repeat at once.
fn is_fresh(pod: &Object, context: &Context<'_>) -> bool {
    let created = json::time(&pod.value()["metadata"]["creationTimestamp"]);
    let age = created.and_then(|created| Duration::try_from(context.time.duration_since(created)).ok());
    age.is_some_and(|age| age < AFTER_FAILURE)
}

fn end(set: &Object, pod: &Object, node: &str, context: &mut Context<'_>) -> Result<(), ApiError> {
    let which = format!("daemon pod {}/{} on node {node}", pod.namespace(), pod.name());
    let note = if pod.text("/status/phase") == "Failed" {
        Note::warning(
            Source::DaemonSet,
            "FailedDaemonPod",
            format!("Found failed {which}, will try to kill it"),
        )
    } else {
        let text = format!("Found succeeded {which}, will try to delete it");
        Note::normal(Source::DaemonSet, "SucceededDaemonPod", text)
    };
    context.note(set, &note);
    delete(set, pod, context)
}

/// Pods of an older template make room, as many at a time as may be unavailable.
fn replace(set: &Object, own: &ByNode, revision: &str, context: &mut Context<'_>) -> Result<(), ApiError> {
    if set.is_deleting() || set.text("/spec/updateStrategy/type") == "OnDelete" {
        return Ok(());
    }
    let is_new = |pod: &Object| pod.labels().get(REVISION).copied() == Some(revision);
    let is_up = |pod: &Object| pods::is_active(pod) && pods::is_ready(pod);
    let bound = &set.value()["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"];
    let most = usize::try_from(pods::share(bound, i64::try_from(own.len()).unwrap_or(i64::MAX))).unwrap_or(1);
    let down = own.values().filter(|pods| !pods.iter().any(|pod| is_up(pod))).count();
    let mut room = most.max(1).saturating_sub(down);
    for pod in own.values().flatten().filter(|pod| !pod.is_deleting() && !is_new(pod)) {
        // One that does not work already costs nothing.
        if is_up(pod) {
            let Some(left) = room.checked_sub(1) else { continue };
            room = left;
        }
        delete(set, pod, context)?;
    }
    Ok(())
}

fn design(set: &Object, node: &str) -> Value {
    let mut pod = pods::from_template(&set.value()["spec"]["template"], set, &format!("{}-", set.name()));
    json::set(&mut pod, &["metadata", "labels", REVISION], pods::revision(set));
    let generation = set.number("/metadata/generation").unwrap_or(1);
    json::set(&mut pod, &["metadata", "labels", "pod-template-generation"], generation.to_string());
    if let Some(tolerations) = json::list(&mut pod, &["spec", "tolerations"]) {
        for (key, effect) in BORNE {
            let toleration =
                json!({ "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect });
            if !tolerations.contains(&toleration) {
                tolerations.push(toleration);
            }
        }
    }
    if !node.is_empty() {
        let terms =
            json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [node] }] }]);
        let path = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
        json::set(&mut pod, &path, json!({ "nodeSelectorTerms": terms }));
    }
    pod
}

fn create(set: &Object, node: &str, context: &mut Context<'_>) -> Result<(), ApiError> {
    let created = context.create_pod(design(set, node)).inspect_err(|error| {
        let text = format!("Error creating: {error}");
        context.note(set, &Note::warning(Source::DaemonSet, "FailedCreate", text));
    })?;
    let text = format!("Created pod: {}", created.name());
    context.note(set, &Note::normal(Source::DaemonSet, "SuccessfulCreate", text));
    Ok(())
}

fn delete(set: &Object, pod: &Object, context: &mut Context<'_>) -> Result<(), ApiError> {
    context.delete(pod, DeleteOptions::default())?;
    let text = format!("Deleted pod: {}", pod.name());
    context.note(set, &Note::normal(Source::DaemonSet, "SuccessfulDelete", text));
    Ok(())
}

fn status(
    set: &Object,
    nodes: &[Arc<Object>],
    own: &ByNode,
    revision: &str,
    context: &Context<'_>,
) -> Result<(), ApiError> {
    let design = design(set, "");
    let (mut desired, mut current, mut misplaced, mut ready, mut updated) = (0, 0, 0, 0, 0_usize);
    for node in nodes {
        let oldest = own.get(node.name()).and_then(|pods| pods.first());
        if !Place::of(&design, node).may_come {
            misplaced += usize::from(oldest.is_some());
            continue;
        }
        desired += 1;
        current += usize::from(oldest.is_some());
        ready += usize::from(oldest.is_some_and(|pod| pods::is_ready(pod)));
        updated +=
            usize::from(oldest.is_some_and(|pod| pod.labels().get(REVISION).copied() == Some(revision)));
    }
    context
        .update(set, |value| {
            let generation = value["metadata"]["generation"].clone();
            let status = json::field(value, "status");
            let always = [
                ("currentNumberScheduled", current),
                ("numberMisscheduled", misplaced),
                ("desiredNumberScheduled", desired),
                ("numberReady", ready),
            ];
            for (name, count) in always {
                json::set(status, &[name], count);
            }
            json::set(status, &["observedGeneration"], generation);
            json::set_count(status, "updatedNumberScheduled", updated);
            json::set_count(status, "numberAvailable", ready);
            json::set_count(status, "numberUnavailable", desired - ready);
        })
        .map(drop)
}

#[cfg(test)]
mod tests;
