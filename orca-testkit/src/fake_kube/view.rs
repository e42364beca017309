//! The two shapes of events: kept in that of the core group, shown in both.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::object::Object;
use super::resource::{EVENTS_V1, Resource};
use super::store::{Change, ChangeKind};

/// The fields with another name: in the core group, and in `events.k8s.io`.
const RENAMED: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// The object as this resource shows it.
pub(crate) fn bytes(resource: &Resource, object: &Object) -> Bytes {
    if resource == &EVENTS_V1 {
        serde_json::to_vec(&outward(resource, object.value().clone())).unwrap_or_default().into()
    } else {
        object.bytes()
    }
}

/// A change as a line of a watch of this resource.
pub(crate) fn line(resource: &Resource, change: &Change) -> Bytes {
    if resource == &EVENTS_V1 {
        super::store::line(change.kind.word(), &bytes(resource, &change.object))
    } else {
        change.line()
    }
}

/// What a watcher gets that saw the object before and no longer selects it: its last state
/// before the change, under the revision of the change.
pub(crate) fn farewell(change: &Change) -> Option<Change> {
    let old = change.old.as_ref()?;
    let mut value = old.value().clone();
    value["metadata"]["resourceVersion"] = change.version.to_string().into();
    let object = Arc::new(Object::new(old.resource(), value, change.version));
    Some(Change::new(ChangeKind::Deleted, object, Some(Arc::clone(old))))
}

/// From the stored shape to that of the resource.
pub(crate) fn outward(resource: &Resource, value: Value) -> Value {
    if resource == &EVENTS_V1 { renamed(value, false, "events.k8s.io/v1") } else { value }
}

/// From the shape of the resource to the stored one.
pub(crate) fn inward(resource: &Resource, value: Value) -> Value {
    if resource == &EVENTS_V1 { renamed(value, true, "v1") } else { value }
}

fn renamed(value: Value, inward: bool, api_version: &str) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    let mut out = Map::new();
    for (key, value) in fields {
        let new = RENAMED.iter().find_map(|(core, own)| {
            let (from, to) = if inward { (own, core) } else { (core, own) };
            (*from == key).then_some(*to)
        });
        out.insert(new.unwrap_or(&key).to_owned(), value);
    }
    out.insert("apiVersion".to_owned(), json!(api_version));
    Value::Object(out)
}
