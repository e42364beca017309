//! Changes in the order of their revisions, for watches and controllers.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Change, Lagged, Store};
use crate::fake_kube::resource::Resource;
use crate::signal::Signal;

/// A place in the order of changes. It keeps none of them back: a slow reader falls out of the store's
/// memory and is told so.
#[derive(Debug)]
pub struct Subscription {
    store: Arc<Store>,
    resources: Vec<&'static Resource>,
    cursor: u64,
    epoch: u64,
    batch: VecDeque<Arc<Change>>,
    revision: Arc<Signal<u64>>,
}

impl Subscription {
    pub(crate) fn new(store: &Arc<Store>, resources: &[&'static Resource], cursor: u64) -> Self {
        let mut inner = store.lock();
        let revision = match resources {
            [one] => inner.table_mut(one).watch(),
            _ => Arc::clone(&store.revision),
        };
        let epoch = inner.epoch;
        drop(inner);
        Self {
            store: Arc::clone(store),
            resources: resources.iter().map(|resource| resource.stored()).collect(),
            cursor,
            epoch,
            batch: VecDeque::new(),
            revision,
        }
    }

    /// The next change; waits for it.
    ///
    /// # Errors
    ///
    /// More has happened than is kept: list again.
    pub async fn next(&mut self) -> Result<Arc<Change>, Lagged> {
        loop {
            // Marked as seen before the look, so that a change after the look wakes.
            let changes = self.revision.changes();
            if let Some(change) = self.try_next()? {
                return Ok(change);
            }
            self.revision.changed_since(changes).await;
        }
    }

    /// The next change, if there is one.
    ///
    /// # Errors
    ///
    /// More has happened than is kept: list again.
    pub fn try_next(&mut self) -> Result<Option<Arc<Change>>, Lagged> {
        if self.batch.is_empty() {
            self.fill()?;
        }
        let next = self.batch.pop_front();
        if let Some(change) = &next {
            self.cursor = change.version;
        }
        Ok(next)
    }

    /// Everything up to this revision was handed out.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    fn fill(&mut self) -> Result<(), Lagged> {
        let inner = self.store.lock();
        if inner.epoch != self.epoch {
            return Err(Lagged { compacted: inner.revision });
        }
        let mut found: Vec<Arc<Change>> = Vec::new();
        // A full batch of one kind may end before a shorter batch of another: cut where all are complete.
        let mut complete = inner.revision;
        for resource in &self.resources {
            let Some(table) = inner.table(resource) else {
                continue;
            };
            let before = found.len();
            found.extend(table.after(self.cursor)?.map(Arc::clone));
            if found.len() - before >= super::table::BATCH
                && let Some(last) = found.last()
            {
                complete = complete.min(last.version);
            }
        }
        found.retain(|change| change.version <= complete);
        found.sort_by_key(|change| change.version);
        self.batch = found.into();
        if self.batch.is_empty() {
            self.cursor = self.cursor.max(inner.revision);
        }
        Ok(())
    }
}
