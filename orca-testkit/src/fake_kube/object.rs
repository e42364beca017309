//! A stored object: immutable, shared, and serialised at most once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::Value;

use super::resource::Resource;

/// One state of an object. Another state is another `Object`.
#[derive(Debug)]
pub struct Object {
    resource: &'static Resource,
    value: Value,
    version: u64,
    bytes: OnceLock<Bytes>,
}

impl Object {
    pub(crate) fn new(resource: &'static Resource, value: Value, version: u64) -> Self {
        Self { resource, value, version, bytes: OnceLock::new() }
    }

    /// The kind of object.
    #[must_use]
    pub fn resource(&self) -> &'static Resource {
        self.resource
    }

    /// The whole object.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The revision of the store that wrote this state.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The object as JSON; computed once.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        self.bytes.get_or_init(|| serde_json::to_vec(&self.value).unwrap_or_default().into()).clone()
    }

    /// Keeps bytes that were computed elsewhere, unless there are some.
    pub(crate) fn share(&self, bytes: Bytes) {
        self.bytes.get_or_init(|| bytes);
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// Its namespace; empty when it lives in none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Its UID.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// The string at this JSON pointer; empty when there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The whole number at this JSON pointer.
    #[must_use]
    pub fn number(&self, pointer: &str) -> Option<i64> {
        self.value.pointer(pointer).and_then(Value::as_i64)
    }

    /// The items of the list at this JSON pointer; none when it is absent.
    #[must_use]
    pub fn items(&self, pointer: &str) -> &[Value] {
        self.value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// Its labels.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        let labels = self.value.pointer("/metadata/labels").and_then(Value::as_object);
        labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
            .collect()
    }

    /// Whether its deletion was asked for.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.value.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
    }

    /// The UIDs of its owners.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.items("/metadata/ownerReferences").iter().filter_map(|owner| owner["uid"].as_str())
    }

    /// The UID of the owner that controls it.
    #[must_use]
    pub fn controller(&self) -> Option<&str> {
        let owners = self.items("/metadata/ownerReferences");
        owners.iter().find(|owner| owner["controller"] == true).and_then(|owner| owner["uid"].as_str())
    }
}
