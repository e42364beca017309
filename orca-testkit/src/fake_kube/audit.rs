//! Who asked for what: a bounded list in memory, as the audit log of the real server.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The most requests that are remembered: some 20 for each of 10 000 pods.
const LIMIT: usize = 200_000;

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The user.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: &'static str,
    /// The resource, with its subresource behind a slash; a path when it was not about objects.
    pub resource: String,
    /// The namespace; empty for all, and for objects of the cluster.
    pub namespace: String,
    /// The name; empty for collections.
    pub name: String,
    /// The HTTP status code of the answer.
    pub code: u16,
}

impl AuditEntry {
    /// Whether the request wanted to change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self.verb, "get" | "list" | "watch")
    }
}

/// The list of answered requests.
#[derive(Debug, Default)]
pub struct Audit {
    entries: Mutex<VecDeque<AuditEntry>>,
}

impl Audit {
    pub(crate) fn record(&self, entry: AuditEntry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= LIMIT {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    /// All remembered requests, the oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<AuditEntry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// How many remembered requests are like this.
    pub fn count(&self, is_like: impl Fn(&AuditEntry) -> bool) -> usize {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter(|entry| is_like(entry)).count()
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
