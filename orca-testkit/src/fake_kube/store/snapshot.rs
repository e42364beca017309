//! The store as it was: taken, and set back to, as when etcd is restored from a backup.

use std::sync::Arc;

use super::Store;
use crate::fake_kube::object::Object;

/// Every object of a store at one moment, with the revision of that moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    objects: Vec<Arc<Object>>,
    revision: u64,
}

impl Snapshot {
    /// The revision of the latest write that it has.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

impl Store {
    /// The store as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let inner = self.lock();
        Snapshot { objects: inner.objects(), revision: inner.revision }
    }

    /// Sets the store back: what was written since is lost, and revisions begin again where they were then. UIDs that
    /// are drawn later are new ones all the same.
    ///
    /// Subscriptions are told that they lag, as controllers that start anew with the restored server. A watch of the API
    /// that begins later, from a revision that is not there yet, says nothing until it is reached; those that are open
    /// should be [cut](crate::fake_kube::Faults::cut_watches) first.
    pub fn restore(&self, to: &Snapshot) {
        let mut inner = self.lock();
        inner.set_back(&to.objects, to.revision);
        let revision = inner.revision;
        drop(inner);
        self.revision.set(revision);
    }
}
