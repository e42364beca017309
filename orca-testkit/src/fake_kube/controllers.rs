//! The controllers of the control plane: what makes a cluster of an API server.
//!
//! One task runs them all over the store. Each is a plain structure that receives changes, marks what it
//! has to look at, and looks when asked; none of them waits. So the same changes at the same moments have
//! the same effects in the same order.

mod controller;
mod daemon_set;
mod deployment;
mod disruption_budget;
mod garbage;
#[cfg(test)]
mod harness;
mod job;
mod json;
mod namespaces;
mod node_health;
mod pod_gc;
mod pods;
mod queue;
mod recorder;
mod replica_set;
mod scheduler;
mod stateful_set;
mod taint_eviction;
mod view;

use std::sync::Arc;

use tokio::time::Instant;

use super::store::{Store, Subscription};
use controller::{Context, Controller};
use queue::earlier;
use recorder::Recorder;
use view::{Delta, View};

/// The controllers over one store.
#[derive(Debug)]
pub struct Controllers {
    store: Arc<Store>,
    view: View,
    changes: Subscription,
    recorder: Recorder,
    parts: Vec<Box<dyn Controller>>,
}

impl Controllers {
    /// All controllers. They start with whatever the store holds already.
    #[must_use]
    pub fn new(store: &Arc<Store>) -> Self {
        Self::of(
            store,
            vec![
                Box::<job::Jobs>::default(),
                Box::<deployment::Deployments>::default(),
                Box::<replica_set::ReplicaSets>::default(),
                Box::<stateful_set::StatefulSets>::default(),
                Box::<daemon_set::DaemonSets>::default(),
                Box::<disruption_budget::DisruptionBudgets>::default(),
                Box::<node_health::NodeHealth>::default(),
                Box::<taint_eviction::TaintEviction>::default(),
                Box::<pod_gc::PodCollector>::default(),
                Box::<namespaces::Namespaces>::default(),
                Box::<garbage::GarbageCollector>::default(),
                Box::<scheduler::Scheduler>::default(),
            ],
        )
    }

    fn of(store: &Arc<Store>, parts: Vec<Box<dyn Controller>>) -> Self {
        let mut all = Self {
            store: Arc::clone(store),
            view: View::default(),
            changes: store.subscribe(&View::resources()),
            recorder: Recorder::default(),
            parts,
        };
        all.relist();
        all
    }

    /// Works until it is dropped.
    pub async fn run(mut self) {
        loop {
            let next = self.step();
            if next.is_some_and(|next| next <= Instant::now()) {
                // There is more to do at once; others get their turn in between.
                tokio::task::yield_now().await;
                continue;
            }
            let change = match next {
                Some(next) => tokio::time::timeout_at(next, self.changes.next()).await.ok(),
                None => Some(self.changes.next().await),
            };
            match change {
                Some(Ok(change)) => self.apply(&Delta::of(&change)),
                Some(Err(_)) => self.relist(),
                None => {}
            }
        }
    }

    /// Lets every controller do once what is due now, after it has received everything that happened
    /// before. Gives the moment of the next work; a moment that is not in the future means "go on".
    pub fn step(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let mut next = None;
        let mut is_stirred = false;
        self.drain();
        for index in 0..self.parts.len() {
            let mut context = Context {
                store: &self.store,
                view: &self.view,
                now,
                time: self.store.now(),
                recorder: &mut self.recorder,
            };
            if let Some(part) = self.parts.get_mut(index) {
                next = earlier(next, part.work(&mut context));
            }
            // What one did may concern another one that had its turn already.
            is_stirred |= self.drain();
        }
        if is_stirred { Some(now) } else { next }
    }

    /// Takes in everything that happened. Says whether anything did.
    fn drain(&mut self) -> bool {
        let mut any = false;
        loop {
            // Cheaper than to ask, and most of the time there is nothing.
            if self.changes.cursor() == self.store.revision() {
                return any;
            }
            match self.changes.try_next() {
                Ok(Some(change)) => self.apply(&Delta::of(&change)),
                Ok(None) => return any,
                Err(_) => self.relist(),
            }
            any = true;
        }
    }

    /// Starts afresh: with everything that the store holds, and what became of the rest.
    fn relist(&mut self) {
        let (deltas, revision) = self.view.compare(&self.store);
        self.changes = self.store.subscribe_after(&View::resources(), revision);
        for delta in &deltas {
            self.apply(delta);
        }
    }

    fn apply(&mut self, delta: &Delta) {
        self.view.apply(delta);
        let context = Context {
            store: &self.store,
            view: &self.view,
            now: Instant::now(),
            time: self.store.now(),
            recorder: &mut self.recorder,
        };
        for part in &mut self.parts {
            part.changed(delta, &context);
        }
    }
}

#[cfg(test)]
mod tests;
