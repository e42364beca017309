//! Who asked for what: a bounded list in memory, as the audit log of the real server.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    entries: VecDeque<AuditEntry>,
    /// How many were forgotten: the number of the first one that is remembered.
    forgotten: u64,
}

impl Audit {
    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, entry: AuditEntry) {
        let mut list = self.list();
        if list.entries.len() >= LIMIT {
            list.entries.pop_front();
            list.forgotten += 1;
        }
        list.entries.push_back(entry);
    }

    /// All remembered requests, the oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<AuditEntry> {
        self.list().entries.iter().cloned().collect()
    }

    /// How many requests were answered so far: the number of the next one, from 0.
    #[must_use]
    pub fn answered(&self) -> u64 {
        let list = self.list();
        list.forgotten.saturating_add(u64::try_from(list.entries.len()).unwrap_or(u64::MAX))
    }

    /// The requests of these numbers, in order. None: some of them are forgotten, or not there yet.
    #[must_use]
    pub fn numbered(&self, numbers: Range<u64>) -> Option<Vec<AuditEntry>> {
        let list = self.list();
        let place = |number: u64| usize::try_from(number.checked_sub(list.forgotten)?).ok();
        let places = place(numbers.start)?..place(numbers.end)?;
        (places.start <= places.end && places.end <= list.entries.len())
            .then(|| list.entries.range(places).cloned().collect())
    }

    /// How many remembered requests are like this.
    pub fn count(&self, is_like: impl Fn(&AuditEntry) -> bool) -> usize {
        self.list().entries.iter().filter(|entry| is_like(entry)).count()
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        let mut list = self.list();
        list.forgotten += u64::try_from(list.entries.len()).unwrap_or_default();
        list.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> AuditEntry {
        AuditEntry {
            user: "kubernetes-admin".into(),
            verb: "get",
            resource: "pods".into(),
            namespace: "default".into(),
            name: name.into(),
            code: 200,
        }
    }

    #[test]
    fn requests_keep_their_numbers_when_others_are_forgotten() {
        let audit = Audit::default();
        for name in ["a", "b"] {
            audit.record(entry(name));
        }
        assert_eq!(audit.numbered(0..2).map(|entries| entries.len()), Some(2));
        audit.clear();
        audit.record(entry("c"));
        assert_eq!(audit.answered(), 3);
        assert_eq!(audit.numbered(1..3), None, "one of them is forgotten");
        assert_eq!(audit.numbered(2..4), None, "one of them is not there yet");
        assert_eq!(audit.numbered(2..3), Some(vec![entry("c")]));
    }
}
