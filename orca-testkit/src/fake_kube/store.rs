//! The store: all objects, in one order of writes, for all verbs and controllers.
//!
//! One lock and one counter make it linearizable: each write gets the next revision, which is the
//! object's `resourceVersion`. The lock is never held over an await. Objects are shared and never
//! changed in place.

mod change;
mod create;
mod delete;
mod inner;
mod meta;
mod snapshot;
mod subscription;
mod table;
mod update;

pub(crate) use change::line;
pub use change::{Change, ChangeKind, Lagged};
pub use delete::{DeleteOptions, Deleted, Propagation};
pub use meta::NAME_LETTERS;
pub use snapshot::Snapshot;
pub use subscription::Subscription;
pub use update::Write;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use orca_core::clock::Clock;

use super::Options;
use super::error::ApiError;
use super::object::Object;
use super::resource::Resource;
use crate::signal::Signal;
use inner::Inner;

/// All objects of one fake cluster.
pub struct Store {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
    revision: Arc<Signal<u64>>,
}

impl Store {
    pub(crate) fn new(options: &Options) -> Self {
        let inner = Inner::new(options.seed, options.remembered_changes);
        let revision = Arc::new(Signal::new(inner.revision));
        Self { clock: Arc::clone(&options.clock), inner: Mutex::new(inner), revision }
    }

    /// The time of the cluster.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The revision of the latest write.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.lock().revision
    }

    /// The object, or `NotFound`. The namespace is empty for objects of the cluster.
    ///
    /// # Errors
    ///
    /// 404: there is none.
    pub fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Arc<Object>, ApiError> {
        let inner = self.lock();
        let found = inner.table(resource).and_then(|table| table.get(namespace, name)).cloned();
        found.ok_or_else(|| ApiError::not_found(resource, name))
    }

    /// All objects, or those of one namespace, by namespace and name; with the revision that shows them.
    #[must_use]
    pub fn list(&self, resource: &Resource, namespace: Option<&str>) -> (Vec<Arc<Object>>, u64) {
        let inner = self.lock();
        let found = inner
            .table(resource)
            .map(|table| table.list(namespace).map(Arc::clone).collect())
            .unwrap_or_default();
        (found, inner.revision)
    }

    /// The object of this name, or nothing, as a list; with the revision that shows it.
    pub(crate) fn find(&self, resource: &Resource, namespace: &str, name: &str) -> (Vec<Arc<Object>>, u64) {
        let inner = self.lock();
        let found = inner.table(resource).and_then(|table| table.get(namespace, name)).cloned();
        (found.into_iter().collect(), inner.revision)
    }

    /// Whether changes after this revision are all remembered.
    pub(crate) fn check_remembered(&self, resource: &Resource, revision: u64) -> Result<(), Lagged> {
        match self.lock().table(resource) {
            Some(table) => table.after(revision).map(|_| ()),
            None => Ok(()),
        }
    }

    /// How many objects there are of this kind.
    #[must_use]
    pub fn count(&self, resource: &Resource) -> usize {
        self.lock().table(resource).map_or(0, |table| table.list(None).count())
    }

    /// Every change of these kinds from now on.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, resources: &[&'static Resource]) -> Subscription {
        let revision = self.revision();
        Subscription::new(self, resources, revision)
    }

    /// Every change of these kinds after this revision.
    #[must_use]
    pub fn subscribe_after(self: &Arc<Self>, resources: &[&'static Resource], revision: u64) -> Subscription {
        Subscription::new(self, resources, revision)
    }

    /// Forgets all changes: a watch from an older revision gets 410, as after a compaction of etcd.
    pub fn compact(&self) {
        let mut inner = self.lock();
        let revision = inner.revision;
        inner.compact(revision);
        drop(inner);
        // Wakes those who wait, so that they notice.
        self.revision.set(revision);
    }

    /// A UID from the seeded generator.
    #[must_use]
    pub fn uid(&self) -> String {
        meta::uid(&mut self.lock().random)
    }

    /// Letters and digits from the seeded generator, as generated names end with.
    #[must_use]
    pub fn suffix(&self, length: usize) -> String {
        meta::suffix(&mut self.lock().random, length)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait for changes of any kind.
    fn announce(&self, inner: &Inner) {
        if self.revision.get() != inner.revision {
            self.revision.set(inner.revision);
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Store").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
