//! Whether a pod fits on a node, and the words for it when it fits on none.

use std::collections::BTreeMap;

use super::super::super::object::Object;
use super::affinity;
use super::demand::Demand;
use super::node::{Facts, Usage};
use super::taint::{NO_SCHEDULE, Taint};

const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// Why a node does not take a pod.
#[derive(Debug)]
pub(super) struct Refusal {
    reasons: Vec<String>,
    /// Whether the node would do if it were empty.
    could_make_room: bool,
}

impl Refusal {
    fn for_good(reason: &str) -> Self {
        Self { reasons: vec![reason.to_owned()], could_make_room: false }
    }
}

/// The checks in the order of the real scheduler, which stops at the first that fails.
pub(super) fn fits(pod: &Object, demand: &Demand, node: &Facts, usage: &Usage) -> Result<(), Refusal> {
    let tolerates = |taint: &Taint| taint.tolerations(pod).next().is_some();
    if node.is_unschedulable && !tolerates(&Taint::new(UNSCHEDULABLE, NO_SCHEDULE)) {
        return Err(Refusal::for_good("node(s) were unschedulable"));
    }
    if node.taints.iter().any(|taint| taint.bars() && !tolerates(taint)) {
        return Err(Refusal::for_good("node(s) had untolerated taint(s)"));
    }
    if !affinity::matches(pod, node) {
        return Err(Refusal::for_good("node(s) didn't match Pod's node affinity/selector"));
    }
    resources(demand, node, usage)
}

fn resources(demand: &Demand, node: &Facts, usage: &Usage) -> Result<(), Refusal> {
    let mut refusal = Refusal { reasons: Vec::new(), could_make_room: true };
    if (usage.pods() + 1) * 1000 > node.offer("pods") {
        refusal.reasons.push("Too many pods".to_owned());
        refusal.could_make_room &= node.offer("pods") >= 1000;
    }
    for (name, wanted) in &demand.amounts {
        if usage.taken(name) + wanted > node.offer(name) {
            refusal.reasons.push(format!("Insufficient {name}"));
            refusal.could_make_room &= *wanted <= node.offer(name);
        }
    }
    if refusal.reasons.is_empty() { Ok(()) } else { Err(refusal) }
}

/// The refusals of all nodes.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    reasons: BTreeMap<String, usize>,
    for_good: usize,
    full: usize,
}

impl Refusals {
    pub(super) fn add(&mut self, refusal: Refusal) {
        if refusal.could_make_room {
            self.full += 1;
        } else {
            self.for_good += 1;
        }
        for reason in refusal.reasons {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }

    /// The sentence of the real scheduler. No pod is ever pushed out for another one here.
    pub(super) fn message(&self, nodes: usize) -> String {
        if nodes == 0 {
            return "no nodes available to schedule pods".to_owned();
        }
        let mut preemption = Vec::new();
        if self.full > 0 {
            preemption.push(format!("{} No preemption victims found for incoming pod", self.full));
        }
        if self.for_good > 0 {
            preemption.push(format!("{} Preemption is not helpful for scheduling", self.for_good));
        }
        let reasons =
            joined(self.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect());
        let head = format!("0/{nodes} nodes are available:");
        format!("{head} {reasons}. preemption: {head} {}.", joined(preemption))
    }
}

/// Sorted as texts, counts included.
fn joined(mut parts: Vec<String>) -> String {
    parts.sort();
    parts.join(", ")
}
