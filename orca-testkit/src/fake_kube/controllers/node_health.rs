//! The node lifecycle controller: notices nodes that fell silent, and marks nodes for the other controllers.

mod disruption;
mod marks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{LEASES, NODES};
use super::controller::{Context, Controller, RETRY};
use super::json::{self, Condition};
use super::pods;
use super::queue::{Queue, earlier};
use super::recorder::{Note, Source};
use super::view::Delta;
use disruption::Disruption;

/// How long a node may be silent.
const GRACE: Duration = Duration::from_secs(50);
/// How long a node may be silent that never said anything.
const STARTUP_GRACE: Duration = Duration::from_mins(1);
/// Where nodes renew their leases.
const LEASE_NAMESPACE: &str = "kube-node-lease";
/// What becomes unknown with a silent node.
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// The signs of life of a node. They are compared, and their times are not believed.
#[derive(Debug)]
struct Probe {
    lease: String,
    heartbeat: String,
    at: Instant,
}

/// Watches over nodes.
#[derive(Debug, Default)]
pub(super) struct NodeHealth {
    probes: BTreeMap<String, Probe>,
    /// Nodes that may have been silent for too long.
    silence: Queue<String>,
    /// Nodes whose marks have to be looked at.
    marks: Queue<String>,
    disruption: Disruption,
    news: Vec<(Arc<Object>, bool)>,
}

impl Controller for NodeHealth {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&NODES) {
            match &delta.new {
                Some(node) => self.node_changed(node, delta, context),
                None => {
                    if let Some(old) = &delta.old {
                        self.forget(old, context);
                    }
                }
            }
        } else if delta.is(&LEASES)
            && let Some(lease) = delta.new.as_deref().filter(|lease| lease.namespace() == LEASE_NAMESPACE)
            && let Some(probe) = self.probes.get_mut(lease.name())
            && probe.lease != lease.text("/spec/renewTime")
        {
            lease.text("/spec/renewTime").clone_into(&mut probe.lease);
            probe.at = context.now;
            self.silence.add(lease.name().to_owned(), context.now + GRACE);
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        for (node, is_new) in std::mem::take(&mut self.news) {
            let name = node.name();
            let (reason, text) = if is_new {
                ("RegisteredNode", format!("Node {name} event: Registered Node {name} in Controller"))
            } else {
                ("RemovingNode", format!("Node {name} event: Removing Node {name} from Controller"))
            };
            context.note(&node, &Note::normal(Source::Node, reason, text));
        }
        while let Some(name) = self.silence.pop(context.now) {
            if self.check(&name, context).is_err() {
                self.silence.add(name, context.now + RETRY);
            }
        }
        while let Some(name) = self.marks.pop(context.now) {
            let Some(node) = context.view.node(&name).map(Arc::clone) else { continue };
            if let Err(error) = marks::write(&node, self.disruption.level(), context) {
                tracing::debug!(%error, node = name, "a node is marked later");
                self.marks.add(name, context.now + RETRY);
            }
        }
        earlier(self.silence.next(), self.marks.next())
    }
}

/// The status of the condition Ready; empty when there is none.
fn readiness(node: &Object) -> &str {
    json::condition(node.value(), "Ready").map_or("", |ready| ready["status"].as_str().unwrap_or_default())
}

fn heartbeat(node: &Object) -> &str {
    let ready = json::condition(node.value(), "Ready");
    ready.map_or("", |ready| ready["lastHeartbeatTime"].as_str().unwrap_or_default())
}

impl NodeHealth {
    fn node_changed(&mut self, node: &Arc<Object>, delta: &Delta, context: &Context<'_>) {
        let name = node.name().to_owned();
        let heartbeat = heartbeat(node);
        let grace = if readiness(node).is_empty() { STARTUP_GRACE } else { GRACE };
        match self.probes.get_mut(&name) {
            Some(probe) if probe.heartbeat == heartbeat => {
                // The words of a node are a sign of life even when it forgets the time.
                let is_own = readiness(node) == "Unknown";
                if delta.moved("/status/conditions") && !is_own {
                    probe.at = context.now;
                    self.silence.add(name.clone(), context.now + grace);
                }
            }
            Some(probe) => {
                heartbeat.clone_into(&mut probe.heartbeat);
                probe.at = context.now;
                self.silence.add(name.clone(), context.now + grace);
            }
            None => {
                let probe = Probe { lease: String::new(), heartbeat: heartbeat.to_owned(), at: context.now };
                self.probes.insert(name.clone(), probe);
                self.silence.add(name.clone(), context.now + grace);
                self.news.push((Arc::clone(node), true));
            }
        }
        let is_marked = delta.moved("/spec/unschedulable")
            || delta.moved("/spec/taints")
            || delta.moved("/status/conditions");
        if is_marked {
            self.marks.add(name.clone(), context.now);
        }
        if self.disruption.saw(&name, readiness(node)) {
            self.mark_all(context);
        }
    }

    fn forget(&mut self, node: &Arc<Object>, context: &Context<'_>) {
        let name = node.name().to_owned();
        self.probes.remove(&name);
        self.silence.remove(&name);
        self.marks.remove(&name);
        self.news.push((Arc::clone(node), false));
        if self.disruption.saw(&name, "") {
            self.mark_all(context);
        }
    }

    fn mark_all(&mut self, context: &Context<'_>) {
        for node in self.probes.keys() {
            self.marks.add(node.clone(), context.now);
        }
    }

    /// Says that a node is silent, if it is.
    fn check(&mut self, name: &str, context: &mut Context<'_>) -> Result<(), ApiError> {
        let (Some(probe), Some(node)) = (self.probes.get(name), context.view.node(name).map(Arc::clone))
        else {
            return Ok(());
        };
        let before = readiness(&node).to_owned();
        let end = probe.at + if before.is_empty() { STARTUP_GRACE } else { GRACE };
        if end > context.now {
            self.silence.add(name.to_owned(), end);
            return Ok(());
        }
        if before == "Unknown" {
            return Ok(());
        }
        context.update(&node, |value| say_unknown(value, context))?;
        if before == "True" {
            let text = format!("Node {name} status is now: NodeNotReady");
            context.note(&node, &Note::normal(Source::Node, "NodeNotReady", text));
            unready_pods(name, context)?;
        }
        Ok(())
    }
}

fn say_unknown(node: &mut Value, context: &Context<'_>) {
    let created = node["metadata"]["creationTimestamp"].clone();
    for kind in CONDITIONS {
        match json::condition(node, kind) {
            Some(known) if known["status"] == "Unknown" => {}
            Some(_) => {
                let text = "Kubelet stopped posting node status.";
                Condition::new(kind, "Unknown", "NodeStatusUnknown", text).write(node, context.time, &[]);
            }
            None => {
                let text = "Kubelet never posted node status.";
                let extra = [("lastHeartbeatTime", created.clone())];
                Condition::new(kind, "Unknown", "NodeStatusNeverUpdated", text).write(
                    node,
                    context.time,
                    &extra,
                );
            }
        }
    }
}

/// Nobody should talk to the pods of a silent node.
fn unready_pods(node: &str, context: &mut Context<'_>) -> Result<(), ApiError> {
    let ready: Vec<Arc<Object>> =
        context.view.pods_on(node).filter(|pod| pods::is_ready(pod)).map(Arc::clone).collect();
    for pod in ready {
        let written = context.update(&pod, |value| {
            let time = json::seconds(context.time);
            let Some(conditions) = json::list(value, &["status", "conditions"]) else { return };
            for ready in conditions.iter_mut().filter(|condition| condition["type"] == "Ready") {
                json::set(ready, &["status"], "False");
                json::set(ready, &["lastTransitionTime"], time.clone());
            }
        });
        match written {
            Ok(_) => context.note(&pod, &Note::warning(Source::Node, "NodeNotReady", "Node is not ready")),
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
