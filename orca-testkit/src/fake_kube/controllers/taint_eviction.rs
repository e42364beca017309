//! The taint eviction controller: ends pods on nodes with a taint that they do not tolerate for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{NODES, PODS};
use super::super::store::DeleteOptions;
use super::controller::{Context, Controller, RETRY};
use super::json::Condition;
use super::pods;
use super::queue::{Queue, earlier};
use super::recorder::{Note, Source};
use super::scheduler::{NO_EXECUTE, Taint};
use super::view::{Delta, Key};

/// Ends pods.
#[derive(Debug, Default)]
pub(super) struct TaintEviction {
    /// Nodes with such taints.
    tainted: BTreeSet<String>,
    /// Pods to judge.
    dirty: BTreeSet<Key>,
    /// Pods that have to end, by their moment, and since when it counts.
    due: Queue<Key>,
    since: BTreeMap<Key, Instant>,
}

impl Controller for TaintEviction {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&NODES) {
            let Some(node) = delta.object() else { return };
            let taints = delta.new.as_deref().map(taints).unwrap_or_default();
            let was_tainted = if taints.is_empty() {
                self.tainted.remove(node.name())
            } else {
                !self.tainted.insert(node.name().to_owned())
            };
            if (was_tainted || !taints.is_empty()) && delta.moved("/spec/taints") {
                self.dirty.extend(context.view.pods_on(node.name()).map(|pod| Key::of(pod)));
            }
        } else if delta.is(&PODS) {
            let Some(pod) = delta.object() else { return };
            let key = Key::of(pod);
            let is_concerned = self.since.contains_key(&key) || self.tainted.contains(pods::node(pod));
            if is_concerned && (delta.moved("/spec") || delta.moved("/metadata/deletionTimestamp")) {
                self.dirty.insert(key);
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        for key in std::mem::take(&mut self.dirty) {
            self.judge(key, context);
        }
        while let Some(key) = self.due.pop(context.now) {
            let Some(pod) = context.get(&PODS, &key) else { continue };
            match evict(&pod, context) {
                Ok(()) => _ = self.since.remove(&key),
                Err(error) => {
                    tracing::debug!(%error, pod = pod.name(), "a pod is evicted later");
                    self.due.add(key, context.now + RETRY);
                }
            }
        }
        earlier(None, self.due.next())
    }
}

fn taints(node: &Object) -> Vec<Taint> {
    let all = node.items("/spec/taints").iter().map(Taint::of);
    all.filter(|taint| taint.effect == NO_EXECUTE).collect()
}

impl TaintEviction {
    /// Decides when a pod has to end, if it has to.
    fn judge(&mut self, key: Key, context: &mut Context<'_>) {
        let pod = context.get(&PODS, &key).filter(|pod| !pod.is_deleting());
        let wait = pod.as_deref().and_then(|pod| patience(pod, context));
        self.due.remove(&key);
        match (pod, wait) {
            (Some(_), Some(wait)) => {
                let since = *self.since.entry(key.clone()).or_insert(context.now);
                self.due.add(key, since + wait);
            }
            (pod, None | Some(_)) => {
                let was_due = self.since.remove(&key).is_some();
                if let Some(pod) = pod.filter(|_| was_due) {
                    let text = format!("Cancelling deletion of Pod {}/{}", pod.namespace(), pod.name());
                    context.note(&pod, &Note::normal(Source::TaintEviction, "TaintManagerEviction", text));
                }
            }
        }
    }
}

/// How long a pod may stay on its node; `None` is for ever.
fn patience(pod: &Object, context: &Context<'_>) -> Option<Duration> {
    let node: &Arc<Object> = context.view.node(pods::node(pod))?;
    let mut shortest: Option<Duration> = None;
    for taint in taints(node) {
        let mut tolerations = taint.tolerations(pod).peekable();
        if tolerations.peek().is_none() {
            return Some(Duration::ZERO);
        }
        let seconds = tolerations.filter_map(|toleration| toleration["tolerationSeconds"].as_i64()).min();
        if let Some(seconds) = seconds {
            let wait = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            shortest = Some(shortest.map_or(wait, |shortest| shortest.min(wait)));
        }
    }
    shortest
}

fn evict(pod: &Object, context: &mut Context<'_>) -> Result<(), ApiError> {
    let text = format!("Marking for deletion Pod {}/{}", pod.namespace(), pod.name());
    context.note(pod, &Note::normal(Source::TaintEviction, "TaintManagerEviction", text));
    let marked = context.update(pod, |value| {
        let text = "Taint manager: deleting due to NoExecute taint";
        let condition = Condition::new("DisruptionTarget", "True", "DeletionByTaintManager", text);
        condition.write(value, context.time, &[("lastProbeTime", serde_json::Value::Null)]);
    });
    match marked {
        Err(error) if error.code != 404 => return Err(error),
        Ok(_) | Err(_) => {}
    }
    context.delete(pod, DeleteOptions::default())
}

#[cfg(test)]
mod tests;
