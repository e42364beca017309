//! The pod garbage collector: removes pods of a node that is gone, and deleted pods that never had a node.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{NODES, PODS};
use super::super::store::DeleteOptions;
use super::controller::{Context, Controller, RETRY};
use super::json::{self, Condition};
use super::pods;
use super::queue::{Queue, earlier};
use super::view::{Delta, Key};

/// How long a node must be gone before its pods follow it.
const QUARANTINE: Duration = Duration::from_secs(40);
/// The real one looks this often.
const PERIOD: Duration = Duration::from_secs(20);

/// Removes pods that no node will ever end.
#[derive(Debug, Default)]
pub(super) struct PodCollector {
    /// Nodes that are gone and that pods are bound to.
    nodes: Queue<String>,
    /// Pods that end and have no node.
    pods: Queue<Key>,
}

impl Controller for PodCollector {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&NODES) {
            let Some(node) = delta.object() else { return };
            if delta.new.is_some() {
                self.nodes.remove(&node.name().to_owned());
            } else if context.view.pods_on(node.name()).next().is_some() {
                self.nodes.add(node.name().to_owned(), context.now + QUARANTINE);
            }
        } else if delta.is(&PODS)
            && let Some(pod) = &delta.new
        {
            let node = pods::node(pod);
            if node.is_empty() {
                if pod.is_deleting() {
                    self.pods.add(Key::of(pod), context.now + PERIOD);
                }
            } else if delta.moved("/spec/nodeName") && context.view.node(node).is_none() {
                self.nodes.add(node.to_owned(), context.now + QUARANTINE);
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(node) = self.nodes.pop(context.now) {
            if context.store.get(&NODES, "", &node).is_ok() {
                continue;
            }
            let stranded: Vec<Arc<Object>> = context.view.pods_on(&node).map(Arc::clone).collect();
            for pod in stranded {
                if let Err(error) = remove(&pod, true, context) {
                    tracing::debug!(%error, pod = pod.name(), "a stranded pod stays longer");
                    self.nodes.add(node.clone(), context.now + RETRY);
                }
            }
        }
        while let Some(key) = self.pods.pop(context.now) {
            let Some(pod) = context.get(&PODS, &key) else { continue };
            if pod.is_deleting() && pods::node(&pod).is_empty() && remove(&pod, false, context).is_err() {
                self.pods.add(key, context.now + RETRY);
            }
        }
        earlier(self.nodes.next(), self.pods.next())
    }
}

/// Marks a pod as failed, if it did not finish, and removes it without waiting for a node.
fn remove(pod: &Object, is_stranded: bool, context: &Context<'_>) -> Result<(), ApiError> {
    if !pods::is_terminal(pod) {
        let marked = context.update(pod, |value| {
            json::set(value, &["status", "phase"], "Failed");
            if is_stranded {
                let text = "PodGC: node no longer exists";
                let condition = Condition::new("DisruptionTarget", "True", "DeletionByPodGC", text);
                condition.write(value, context.time, &[("lastProbeTime", serde_json::Value::Null)]);
            }
        });
        match marked {
            Err(error) if error.code != 404 => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    context.delete(pod, DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() })
}

#[cfg(test)]
mod tests;
