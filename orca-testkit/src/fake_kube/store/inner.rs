//! What the lock of the store protects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::change::{Change, ChangeKind};
use super::meta;
use super::table::Table;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::Resource;

pub(crate) struct Inner {
    pub(crate) revision: u64,
    /// How often the store was set back.
    pub(crate) epoch: u64,
    pub(crate) random: fastrand::Rng,
    remembered: usize,
    /// Changes up to this revision are forgotten, of kinds without objects as well.
    forgotten: u64,
    tables: BTreeMap<&'static Resource, Table>,
}

impl Inner {
    pub(crate) fn new(seed: u64, remembered: usize) -> Self {
        // Zero means "any" in requests, so that no object may have it.
        Self {
            revision: 1,
            epoch: 0,
            random: fastrand::Rng::with_seed(seed),
            remembered,
            forgotten: 0,
            tables: BTreeMap::new(),
        }
    }

    pub(crate) fn table(&self, resource: &Resource) -> Option<&Table> {
        self.tables.get(resource.stored())
    }

    pub(crate) fn table_mut(&mut self, resource: &Resource) -> &mut Table {
        let (remembered, forgotten) = (self.remembered, self.forgotten);
        self.tables.entry(resource.stored()).or_insert_with(|| Table::new(remembered, forgotten))
    }

    /// Every object.
    pub(crate) fn objects(&self) -> Vec<Arc<Object>> {
        self.tables.values().flat_map(|table| table.list(None).map(Arc::clone)).collect()
    }

    /// Holds these objects and no others, under this revision; nothing before it is remembered.
    pub(crate) fn set_back(&mut self, objects: &[Arc<Object>], revision: u64) {
        (self.revision, self.forgotten) = (revision, revision);
        self.epoch += 1;
        self.tables.values_mut().for_each(|table| table.clear(revision));
        for object in objects {
            self.table_mut(object.resource()).put(object);
        }
    }

    pub(crate) fn compact(&mut self, revision: u64) {
        self.forgotten = revision;
        self.tables.values_mut().for_each(|table| table.compact(revision));
    }

    /// Writes an object under the next revision; the old state must be the stored one.
    pub(crate) fn write(
        &mut self,
        resource: &Resource,
        mut value: Value,
        old: Option<&Arc<Object>>,
    ) -> Arc<Object> {
        let kind = if old.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        let object = self.next(resource, &mut value);
        let table = self.table_mut(resource);
        table.put(&object);
        table.record(Change::new(kind, Arc::clone(&object), old.map(Arc::clone)));
        object
    }

    /// Removes an object under the next revision.
    pub(crate) fn remove(&mut self, old: &Arc<Object>, mut last: Value) -> Arc<Object> {
        let resource = old.resource();
        let object = self.next(resource, &mut last);
        let table = self.table_mut(resource);
        table.remove(&object);
        table.record(Change::new(ChangeKind::Deleted, Arc::clone(&object), Some(Arc::clone(old))));
        object
    }

    fn next(&mut self, resource: &Resource, value: &mut Value) -> Arc<Object> {
        self.revision += 1;
        meta::set_version(value, self.revision);
        Arc::new(Object::new(resource.stored(), value.take(), self.revision))
    }
}
