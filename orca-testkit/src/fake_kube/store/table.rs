//! The objects of one kind, and their latest changes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::change::{Change, Lagged};
use crate::fake_kube::object::Object;
use crate::signal::Signal;

/// The most changes that are handed out at once, so that the lock is held briefly.
pub(crate) const BATCH: usize = 512;

#[derive(Debug)]
pub(crate) struct Table {
    objects: BTreeMap<(String, String), Arc<Object>>,
    log: VecDeque<Arc<Change>>,
    remembered: usize,
    /// Changes up to this revision may be missing from the log.
    compacted: u64,
    notify: Arc<Signal<u64>>,
}

impl Table {
    pub(crate) fn new(remembered: usize, compacted: u64) -> Self {
        Self { objects: BTreeMap::new(), log: VecDeque::new(), remembered, compacted, notify: Arc::default() }
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.objects.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// By namespace and name.
    pub(crate) fn list<'t>(
        &'t self,
        namespace: Option<&'t str>,
    ) -> impl Iterator<Item = &'t Arc<Object>> + 't {
        let start = match namespace {
            Some(namespace) => Bound::Included((namespace.to_owned(), String::new())),
            None => Bound::Unbounded,
        };
        self.objects
            .range((start, Bound::Unbounded))
            .take_while(move |((found, _), _)| namespace.is_none_or(|wanted| found == wanted))
            .map(|(_, object)| object)
    }

    pub(crate) fn put(&mut self, object: &Arc<Object>) {
        self.objects.insert((object.namespace().to_owned(), object.name().to_owned()), Arc::clone(object));
    }

    pub(crate) fn remove(&mut self, object: &Object) {
        self.objects.remove(&(object.namespace().to_owned(), object.name().to_owned()));
    }

    pub(crate) fn record(&mut self, change: Change) {
        let version = change.version;
        self.log.push_back(Arc::new(change));
        while self.log.len() > self.remembered {
            if let Some(oldest) = self.log.pop_front() {
                self.compacted = oldest.version;
            }
        }
        self.notify.set(version);
    }

    /// No objects, and no memory of any before this revision.
    pub(crate) fn clear(&mut self, revision: u64) {
        self.objects.clear();
        self.compact(revision);
    }

    pub(crate) fn compact(&mut self, revision: u64) {
        self.log.clear();
        self.compacted = revision;
        self.notify.set(revision);
    }

    pub(crate) fn watch(&self) -> Arc<Signal<u64>> {
        Arc::clone(&self.notify)
    }

    /// The next changes after this revision.
    pub(crate) fn after(&self, revision: u64) -> Result<impl Iterator<Item = &Arc<Change>>, Lagged> {
        if revision < self.compacted {
            return Err(Lagged { compacted: self.compacted });
        }
        let start = self.log.partition_point(|change| change.version <= revision);
        Ok(self.log.range(start..).take(BATCH))
    }
}
