//! The scheduler: binds each pod to the least loaded node on which it fits, or says why there is none.

mod affinity;
mod demand;
mod fit;
mod node;
mod taint;

pub(super) use taint::{NO_EXECUTE, NO_SCHEDULE, Taint};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{NODES, PODS};
use super::super::store::Write;
use super::super::verbs;
use super::controller::{Context, Controller, RETRY};
use super::json::Condition;
use super::pods;
use super::queue::Queue;
use super::recorder::{Note, Source};
use super::view::{Delta, Key};
use demand::Demand;
use fit::Refusals;
use node::{Facts, Usage};

/// The most pods that are placed before the other controllers get their turn.
const BATCH: usize = 500;
/// How long a pod that was refused waits at least, and at most, for its next attempt; as the real one.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LAST_BACKOFF: Duration = Duration::from_secs(10);

/// Important pods first, then those that came first.
type Turn = (std::cmp::Reverse<i64>, u64);

/// A pod that was refused.
#[derive(Debug)]
struct Refused {
    uid: String,
    since: Instant,
    attempts: u32,
    message: String,
}

/// Places pods on nodes.
#[derive(Debug, Default)]
pub(super) struct Scheduler {
    nodes: BTreeMap<String, Facts>,
    usage: BTreeMap<String, Usage>,
    /// Where each bound pod is, under which UID, and what it takes there.
    placed: BTreeMap<Key, (String, Demand)>,
    waiting: BTreeMap<Turn, Key>,
    turns: BTreeMap<Key, Turn>,
    arrivals: u64,
    refused: BTreeMap<Key, Refused>,
    /// Refused pods for which nothing changed since.
    parked: BTreeSet<Key>,
    /// Refused pods for which something changed, at the end of their back-off.
    again: Queue<Key>,
    failed: Queue<Key>,
}

impl Controller for Scheduler {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&PODS) {
            self.pod_changed(delta, context.now);
        } else if delta.is(&NODES) {
            self.node_changed(delta, context.now);
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        for _ in 0..BATCH {
            while let Some(key) = self.again.pop(context.now).or_else(|| self.failed.pop(context.now)) {
                self.enqueue(key, context);
            }
            let Some((_, key)) = self.waiting.pop_first() else { break };
            self.turns.remove(&key);
            // A conflict means that the pod is bound or is to end; the change about it is on its way.
            if let Some(pod) = context.get(&PODS, &key).filter(|pod| wants_a_node(pod))
                && let Err(error) = self.attempt(&key, &pod, context)
                && !matches!(error.code, 404 | 409)
            {
                tracing::debug!(%error, pod = key.name, "a pod could not be placed");
                self.failed.add(key, context.now + RETRY);
            }
        }
        let now = (!self.waiting.is_empty()).then_some(context.now);
        super::queue::earlier(now, super::queue::earlier(self.again.next(), self.failed.next()))
    }
}

/// Whether pods of this form go with a node, whatever room it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) may_come: bool,
    /// Only a taint that drives pods away ends one that is there.
    pub(super) may_stay: bool,
}

impl Place {
    pub(super) fn of(pod: &Value, node: &Object) -> Self {
        let pod = Object::new(&PODS, pod.clone(), 0);
        let facts = Facts::of(node);
        let is_wanted = affinity::matches(&pod, &facts);
        let is_borne = |taint: &&Taint| taint.tolerations(&pod).next().is_some();
        let drives_away = |taint: &&Taint| taint.effect == NO_EXECUTE;
        let bars = |taint: &&Taint| taint.effect == NO_EXECUTE || taint.effect == NO_SCHEDULE;
        Self {
            may_come: is_wanted && facts.taints.iter().filter(bars).all(|taint| is_borne(&taint)),
            may_stay: is_wanted && facts.taints.iter().filter(drives_away).all(|taint| is_borne(&taint)),
        }
    }
}

/// Whether the scheduler has to place it.
fn wants_a_node(pod: &Object) -> bool {
    let scheduler = pod.text("/spec/schedulerName");
    pods::node(pod).is_empty()
        && pods::is_active(pod)
        && matches!(scheduler, "" | "default-scheduler")
        && pod.items("/spec/schedulingGates").is_empty()
}

impl Scheduler {
    fn pod_changed(&mut self, delta: &Delta, now: Instant) {
        let (old, new) = (delta.old.as_deref(), delta.new.as_deref());
        let takes = |pod: &&Object| !pods::node(pod).is_empty() && !pods::is_terminal(pod);
        match (old.filter(takes), new.filter(takes)) {
            // The many changes of a pod that stays where it is.
            (Some(old), Some(new)) if old.uid() == new.uid() && !delta.moved("/spec") => return,
            (None, None) => {}
            (before, after) => {
                if let Some(before) = before {
                    self.release(&Key::of(before), now);
                }
                if let Some(after) = after {
                    self.reserve(&Key::of(after), pods::node(after), Demand::of(after));
                }
            }
        }
        match new {
            Some(new) if wants_a_node(new) => {
                // The scheduler's own words about a pod are no reason to look again.
                let is_news = old.is_none_or(|old| !wants_a_node(old))
                    || delta.moved("/spec")
                    || delta.moved("/metadata/labels");
                if is_news {
                    self.wait_in_line(Key::of(new), new);
                }
            }
            Some(_) | None => {
                if let Some(object) = delta.object() {
                    self.forget(&Key::of(object));
                }
            }
        }
    }

    fn node_changed(&mut self, delta: &Delta, now: Instant) {
        match delta.new.as_deref() {
            Some(node) => {
                let facts = Facts::of(node);
                if self.nodes.get(node.name()) != Some(&facts) {
                    self.nodes.insert(node.name().to_owned(), facts);
                    self.look_again(now);
                }
            }
            None => {
                if let Some(node) = delta.object() {
                    self.nodes.remove(node.name());
                    // The message counts the nodes.
                    self.look_again(now);
                }
            }
        }
    }

    fn reserve(&mut self, key: &Key, node: &str, demand: Demand) {
        if let Some((old, demand)) = self.placed.remove(key) {
            self.usage.entry(old).or_default().release(&demand);
        }
        self.usage.entry(node.to_owned()).or_default().allocate(&demand);
        self.placed.insert(key.clone(), (node.to_owned(), demand));
    }

    fn release(&mut self, key: &Key, now: Instant) {
        let Some((node, demand)) = self.placed.remove(key) else { return };
        if let Some(usage) = self.usage.get_mut(&node) {
            usage.release(&demand);
            if usage.is_empty() {
                self.usage.remove(&node);
            }
        }
        self.look_again(now);
    }

    /// Something may fit now that did not before.
    fn look_again(&mut self, now: Instant) {
        for key in std::mem::take(&mut self.parked) {
            if let Some(refused) = self.refused.get(&key) {
                let doubled = FIRST_BACKOFF.saturating_mul(1 << refused.attempts.saturating_sub(1).min(4));
                self.again.add(key, now.max(refused.since + doubled.min(LAST_BACKOFF)));
            }
        }
    }

    fn enqueue(&mut self, key: Key, context: &Context<'_>) {
        if let Some(pod) = context.view.get(&PODS, &key) {
            self.wait_in_line(key, pod);
        }
    }

    fn wait_in_line(&mut self, key: Key, pod: &Object) {
        self.again.remove(&key);
        self.parked.remove(&key);
        if self.turns.contains_key(&key) {
            return;
        }
        self.arrivals += 1;
        let turn = (std::cmp::Reverse(pod.number("/spec/priority").unwrap_or(0)), self.arrivals);
        self.turns.insert(key.clone(), turn);
        self.waiting.insert(turn, key);
    }

    fn forget(&mut self, key: &Key) {
        if let Some(turn) = self.turns.remove(key) {
            self.waiting.remove(&turn);
        }
        self.refused.remove(key);
        self.again.remove(key);
        self.parked.remove(key);
        self.failed.remove(key);
    }

    fn attempt(&mut self, key: &Key, pod: &Arc<Object>, context: &mut Context<'_>) -> Result<(), ApiError> {
        let demand = Demand::of(pod);
        let mut refusals = Refusals::default();
        let none = Usage::default();
        let mut best: Option<(u64, &String)> = None;
        for (name, facts) in &self.nodes {
            let usage = self.usage.get(name).unwrap_or(&none);
            match fit::fits(pod, &demand, facts, usage) {
                Ok(()) => {
                    let load = usage.load_with(&demand, facts);
                    // By name among equals, because the nodes come in that order.
                    if best.is_none_or(|(least, _)| load < least) {
                        best = Some((load, name));
                    }
                }
                Err(refusal) => refusals.add(refusal),
            }
        }
        let Some((_, node)) = best else {
            return self.refuse(key, pod, refusals.message(self.nodes.len()), context);
        };
        let node = node.clone();
        verbs::assign(context.store, (pod.namespace(), pod.name()), pod.uid(), &node, Write::Commit)?;
        self.refused.remove(key);
        self.reserve(key, &node, demand);
        let text = format!("Successfully assigned {}/{} to {node}", pod.namespace(), pod.name());
        context.note(pod, &Note::normal(Source::Scheduler, "Scheduled", text));
        Ok(())
    }

    fn refuse(
        &mut self,
        key: &Key,
        pod: &Object,
        message: String,
        context: &mut Context<'_>,
    ) -> Result<(), ApiError> {
        context.update(pod, |value| {
            let generation = value["metadata"]["generation"].clone();
            let extra = [("observedGeneration", generation), ("lastProbeTime", Value::Null)];
            Condition::new("PodScheduled", "False", "Unschedulable", &message).write(
                value,
                context.time,
                &extra,
            );
        })?;
        let known = self.refused.remove(key).filter(|known| known.uid == pod.uid());
        if known.as_ref().is_none_or(|known| known.message != message) {
            context.note(pod, &Note::warning(Source::Scheduler, "FailedScheduling", message.clone()));
        }
        let attempts = known.map_or(1, |known| known.attempts.saturating_add(1));
        let refused = Refused { uid: pod.uid().to_owned(), since: context.now, attempts, message };
        self.refused.insert(key.clone(), refused);
        self.parked.insert(key.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
