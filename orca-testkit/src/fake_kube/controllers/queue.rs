//! Keys that are due at certain moments: each key once, the earliest moment wins.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

/// Work that waits, in the order of its moments and, among equals, of its keys.
#[derive(Debug)]
pub(super) struct Queue<K> {
    due: BTreeMap<K, Instant>,
    order: BTreeSet<(Instant, K)>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self { due: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Queue<K> {
    /// Makes a key due at this moment, unless it is due earlier already.
    pub(super) fn add(&mut self, key: K, at: Instant) {
        if let Some(known) = self.due.get(&key) {
            if *known <= at {
                return;
            }
            self.order.remove(&(*known, key.clone()));
        }
        self.due.insert(key.clone(), at);
        self.order.insert((at, key));
    }

    /// Takes the first key that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<K> {
        let (at, _) = self.order.first()?;
        if *at > now {
            return None;
        }
        let (_, key) = self.order.pop_first()?;
        self.due.remove(&key);
        Some(key)
    }

    /// Forgets a key. Says whether it was waiting.
    pub(super) fn remove(&mut self, key: &K) -> bool {
        let Some(at) = self.due.remove(key) else { return false };
        self.order.remove(&(at, key.clone()))
    }

    /// When there is something to do.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }
}

/// The earlier of two moments, of which there may be none.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
