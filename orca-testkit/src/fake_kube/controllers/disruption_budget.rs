//! The disruption controller: counts for each budget how many of its pods are healthy, and how many may be evicted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{DEPLOYMENTS, PODDISRUPTIONBUDGETS, PODS, REPLICASETS, Resource, STATEFULSETS};
use super::super::verbs;
use super::controller::{Context, Controller, RETRY};
use super::json::{self, Condition};
use super::pods;
use super::queue::Queue;
use super::view::{Delta, Key};

/// For how long an eviction counts before the pod is seen to end, as with the real one.
const EVICTION_SECONDS: i64 = 120;

/// Keeps the statuses of budgets.
#[derive(Debug, Default)]
pub(super) struct DisruptionBudgets {
    queue: Queue<Key>,
}

impl Controller for DisruptionBudgets {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        if delta.is(&PODDISRUPTIONBUDGETS) {
            if let Some(new) = &delta.new {
                self.queue.add(Key::of(new), context.now);
            }
        } else if delta.is(&PODS) {
            let look = |pod: &Arc<Object>| (pods::is_ready(pod), pod.is_deleting());
            let is_news = delta.old.as_ref().map(look) != delta.new.as_ref().map(look)
                || delta.moved("/metadata/labels");
            for pod in [&delta.old, &delta.new].into_iter().flatten().filter(|_| is_news) {
                let budgets = context.view.all(&PODDISRUPTIONBUDGETS);
                for budget in budgets.filter(|budget| protects(budget, pod)) {
                    self.queue.add(Key::of(budget), context.now);
                }
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(key) = self.queue.pop(context.now) {
            let Some(budget) = context.get(&PODDISRUPTIONBUDGETS, &key) else { continue };
            match sync(&budget, context) {
                Ok(None) => {}
                Ok(Some(wait)) => self.queue.add(key, context.now + wait),
                Err(error) => {
                    tracing::debug!(%error, budget = key.name, "a disruption budget is looked at again");
                    self.queue.add(key, context.now + RETRY);
                }
            }
        }
        self.queue.next()
    }
}

fn protects(budget: &Object, pod: &Object) -> bool {
    budget.namespace() == pod.namespace() && verbs::selects(budget, pod)
}

/// Counts, and says when an eviction is forgotten that came to nothing.
fn sync(budget: &Arc<Object>, context: &Context<'_>) -> Result<Option<Duration>, ApiError> {
    let own: Vec<Arc<Object>> =
        context.view.all(&PODS).filter(|pod| protects(budget, pod)).map(Arc::clone).collect();
    let (expected, needed) = wished(budget, &own, context);
    let (disrupted, again) = under_way(budget, &own, context.time);
    let is_healthy =
        |pod: &&Arc<Object>| !pod.is_deleting() && !disrupted.contains_key(pod.name()) && pods::is_ready(pod);
    let healthy = i64::try_from(own.iter().filter(is_healthy).count()).unwrap_or(i64::MAX);
    let allowed = if expected > 0 { (healthy - needed).max(0) } else { 0 };
    context.update(budget, |value| {
        let generation = value["metadata"]["generation"].clone();
        let status = json::field(value, "status");
        let counts = [
            ("currentHealthy", healthy),
            ("desiredHealthy", needed),
            ("expectedPods", expected),
            ("disruptionsAllowed", allowed),
        ];
        for (key, count) in counts {
            json::set(status, &[key], count);
        }
        json::set(status, &["observedGeneration"], generation.clone());
        if disrupted.is_empty() {
            json::remove(status, &[], "disruptedPods");
        } else {
            json::set(status, &["disruptedPods"], json!(disrupted));
        }
        let (word, reason) =
            if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let extra = [("observedGeneration", generation), ("message", Value::from(""))];
        Condition::new("DisruptionAllowed", word, reason, "").write(value, context.time, &extra);
    })?;
    Ok(again)
}

/// How many pods there should be, and how many of them healthy.
fn wished(budget: &Object, own: &[Arc<Object>], context: &Context<'_>) -> (i64, i64) {
    let spec = &budget.value()["spec"];
    let (least, most) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if !most.is_null() {
        let expected = scale(own, context);
        return (expected, (expected - pods::share(most, expected)).max(0));
    }
    match least.as_i64() {
        Some(number) => (i64::try_from(own.len()).unwrap_or(i64::MAX), number),
        None if least.is_null() => (0, 0),
        None => {
            let expected = scale(own, context);
            (expected, pods::share(least, expected))
        }
    }
}

/// How many pods the controllers of these wish for; pods without a known one do not count.
fn scale(own: &[Arc<Object>], context: &Context<'_>) -> i64 {
    let mut scales = BTreeMap::new();
    for pod in own {
        let Some(set) = controller(pod, &[&REPLICASETS, &STATEFULSETS], context) else { continue };
        let top = controller(&set, &[&DEPLOYMENTS], context).unwrap_or(set);
        scales.insert(top.uid().to_owned(), top.number("/spec/replicas").unwrap_or(1));
    }
    scales.values().sum()
}

fn controller(object: &Object, kinds: &[&'static Resource], context: &Context<'_>) -> Option<Arc<Object>> {
    let owners = object.items("/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let kind = kinds.iter().find(|kind| owner["kind"] == kind.kind)?;
    let found = context.get(kind, &Key::new(object.namespace(), owner["name"].as_str()?))?;
    (owner["uid"] == found.uid()).then_some(found)
}

/// Evictions whose pods do not end yet, and when the first of these counts no longer.
fn under_way(
    budget: &Object,
    own: &[Arc<Object>],
    now: Timestamp,
) -> (BTreeMap<String, Value>, Option<Duration>) {
    let known = budget.value()["status"]["disruptedPods"].as_object();
    let left = |at: &Value| {
        let until = json::time(at)?.checked_add(SignedDuration::from_secs(EVICTION_SECONDS)).ok()?;
        Duration::try_from(until.duration_since(now)).ok().filter(|left| !left.is_zero())
    };
    let lives = |name: &str| own.iter().any(|pod| pod.name() == name && !pod.is_deleting());
    let mut found = BTreeMap::new();
    let mut again: Option<Duration> = None;
    for (name, at) in known.into_iter().flatten().filter(|(name, _)| lives(name)) {
        if let Some(left) = left(at) {
            found.insert(name.clone(), at.clone());
            again = Some(again.map_or(left, |known| known.min(left)));
        }
    }
    (found, again)
}

#[cfg(test)]
mod tests;
