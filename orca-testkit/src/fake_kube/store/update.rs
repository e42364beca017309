//! Changing an object: an atomic read, modify and write.

use std::sync::Arc;

use serde_json::Value;

use super::{Store, meta};
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::{PODS, Resource};

/// Whether a write is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Write {
    /// It is.
    #[default]
    Commit,
    /// Only the answer is wanted.
    DryRun,
}

impl Store {
    /// Reads the object, lets `change` work on a copy, and writes that copy. When nothing is different
    /// afterwards, nothing is written, and the stored object is the answer.
    ///
    /// What only the server writes is put back: names, UID, times, generation. When the object is to be
    /// deleted and nothing keeps it, it is gone afterwards; the answer is its last state.
    ///
    /// # Errors
    ///
    /// What the API server answers: there is none, it changed meanwhile, or it would be invalid.
    pub fn update(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), ApiError>,
    ) -> Result<Arc<Object>, ApiError> {
        self.update_with(resource, (namespace, name), Write::Commit, change)
    }

    /// The same, or only the answer that it would give.
    ///
    /// # Errors
    ///
    /// What the API server answers: there is none, it changed meanwhile, or it would be invalid.
    pub fn update_with(
        &self,
        resource: &Resource,
        (namespace, name): (&str, &str),
        write: Write,
        change: impl FnOnce(&mut Value) -> Result<(), ApiError>,
    ) -> Result<Arc<Object>, ApiError> {
        self.replace(resource, (namespace, name), write, |old| {
            let mut value = old.value().clone();
            change(&mut value)?;
            Ok(value)
        })
    }

    /// The same with a function from the old state to the new one.
    pub(crate) fn replace(
        &self,
        resource: &Resource,
        (namespace, name): (&str, &str),
        write: Write,
        change: impl FnOnce(&Object) -> Result<Value, ApiError>,
    ) -> Result<Arc<Object>, ApiError> {
        let mut inner = self.lock();
        let found = inner.table(resource).and_then(|table| table.get(namespace, name)).cloned();
        let old = found.ok_or_else(|| ApiError::not_found(resource, name))?;
        let mut value = change(&old)?;
        put_back(old.value(), &mut value);
        if &value == old.value() {
            return Ok(old);
        }
        if resource.counts && meta::wishes_differ(old.value(), &value) {
            count(&mut value);
        }
        if write == Write::DryRun {
            return Ok(Arc::new(Object::new(old.resource(), value, old.version())));
        }
        // A pod is never removed by an update alone, except by the one that takes its last finalizer.
        let was_held = meta::is_held(old.value());
        let ends = meta::is_over(&value) && (was_held || resource != &PODS);
        let written = if ends { inner.remove(&old, value) } else { inner.write(resource, value, Some(&old)) };
        self.announce(&inner);
        Ok(written)
    }
}

/// What no change may touch.
fn put_back(old: &Value, new: &mut Value) {
    meta::strip(new);
    for key in ["apiVersion", "kind"] {
        new[key] = old[key].clone();
    }
    let metadata = meta::of(new);
    for key in meta::OWN.iter().chain(&["resourceVersion"]) {
        match old["metadata"].get(key) {
            Some(value) => metadata.insert((*key).to_owned(), value.clone()),
            None => metadata.remove(*key),
        };
    }
    // An empty list or map is the same as none, as it is for the real server.
    for key in ["labels", "annotations", "finalizers", "ownerReferences", "managedFields"] {
        let is_empty = metadata.get(key).is_some_and(|value| match value {
            Value::Object(map) => map.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Null => true,
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        });
        if is_empty {
            metadata.remove(key);
        }
    }
}

/// Counts a change of the wish.
pub(crate) fn count(value: &mut Value) {
    let metadata = meta::of(value);
    if let Some(generation) = metadata.get("generation").and_then(Value::as_i64) {
        metadata.insert("generation".to_owned(), (generation + 1).into());
    }
}
