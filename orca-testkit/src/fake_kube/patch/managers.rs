//! Who owns which field: `metadata.managedFields`.
//!
//! Fields of the status are not followed, nor those of leases and events, which nobody applies.
//! Objects that controllers create in the store have no list, and their first apply makes one.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::fields::{self, Fields};
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::{EVENTS, LEASES, Resource};
use crate::fake_kube::route::Place;
use crate::fake_kube::time;

/// Who applies, and whether against others.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) manager: String,
    pub(crate) force: bool,
}

/// What one manager owns by one kind of operation.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) manager: String,
    /// Whether by apply, or else by another write.
    pub(crate) applied: bool,
    pub(crate) api_version: String,
    pub(crate) time: String,
    pub(crate) fields: Fields,
}

impl Entry {
    fn of(resource: &Resource, manager: &str, applied: bool, now: Timestamp, fields: Fields) -> Self {
        Self {
            manager: manager.to_owned(),
            applied,
            api_version: resource.api_version(),
            time: time::seconds(now),
            fields,
        }
    }

    fn read(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            manager: text("manager"),
            applied: value["operation"] == "Apply",
            api_version: text("apiVersion"),
            time: text("time"),
            fields: fields::from_json(&value["fieldsV1"]),
        }
    }

    fn write(&self) -> Value {
        json!({
            "manager": self.manager,
            "operation": if self.applied { "Apply" } else { "Update" },
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields::to_json(&self.fields),
        })
    }
}

/// The entries of a stored object. An object without a list belongs to its earlier writers.
pub(crate) fn entries(resource: &Resource, object: &Object) -> Vec<Entry> {
    let list = object.items("/metadata/managedFields");
    if list.is_empty() {
        let mut entry =
            Entry::of(resource, "before-first-apply", false, Timestamp::UNIX_EPOCH, Fields::new());
        object.text("/metadata/creationTimestamp").clone_into(&mut entry.time);
        entry.fields = fields::of_object(resource, object.value());
        return vec![entry];
    }
    let mut entries: Vec<Entry> = list.iter().map(Entry::read).collect();
    for entry in entries.iter_mut().filter(|entry| entry.fields.is_empty() && !entry.applied) {
        entry.fields = fields::of_object(resource, object.value());
    }
    entries
}

fn is_followed(resource: &Resource) -> bool {
    resource.stored() != &EVENTS && resource != &LEASES
}

fn put(value: &mut Value, entries: &[Entry]) {
    let list: Vec<Value> =
        entries.iter().filter(|entry| !entry.fields.is_empty()).map(Entry::write).collect();
    value["metadata"]["managedFields"] = list.into();
}

/// A new object belongs to its creator, all of it. The list of its fields is made when another one writes:
/// most objects have one writer, and the list would be larger than the object.
pub(crate) fn created(resource: &Resource, mut value: Value, manager: &str, now: Timestamp) -> Value {
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    if is_followed(resource) {
        let entry = Entry::of(resource, manager, false, now, Fields::new());
        value["metadata"]["managedFields"] = vec![entry.write()].into();
    }
    value
}

/// A new object that was applied belongs to who applied it.
pub(crate) fn applied(
    resource: &Resource,
    mut value: Value,
    config: &Value,
    wish: &Wish,
    now: Timestamp,
) -> Value {
    let fields = fields::of_object(resource, config);
    put(&mut value, &[Entry::of(resource, &wish.manager, true, now, fields)]);
    value
}

/// Who changes a field owns it from then on, alone.
pub(crate) fn updated(place: &Place, old: &Object, mut new: Value, manager: &str, now: Timestamp) -> Value {
    let resource = place.resource;
    let kept = old.value()["metadata"]["managedFields"].clone();
    if kept.is_null() || !place.below().is_empty() || !is_followed(resource) {
        if let Some(metadata) = new["metadata"].as_object_mut() {
            metadata.remove("managedFields");
            if !kept.is_null() {
                metadata.insert("managedFields".to_owned(), kept);
            }
        }
        return new;
    }
    let (before, after) = (fields::of_object(resource, old.value()), fields::of_object(resource, &new));
    let is_changed = |path: &&fields::Path| {
        !before.contains(*path) || fields::at(old.value(), path) != fields::at(&new, path)
    };
    let changed: Fields = after.iter().filter(is_changed).cloned().collect();
    if changed.is_empty() && before == after {
        new["metadata"]["managedFields"] = kept;
        return new;
    }
    let mut entries = entries(resource, old);
    for entry in &mut entries {
        entry.fields.retain(|path| after.contains(path) && !changed.contains(path));
    }
    if !changed.is_empty() {
        match entries.iter_mut().find(|entry| entry.manager == manager && !entry.applied) {
            Some(entry) => {
                entry.fields.extend(changed);
                entry.time = time::seconds(now);
            }
            None => entries.push(Entry::of(resource, manager, false, now, changed)),
        }
    }
    put(&mut new, &entries);
    new
}

/// Who applies owns what was applied, and nothing else by apply.
pub(crate) fn reapplied(
    place: &Place,
    old: &Object,
    mut new: Value,
    config: &Value,
    (wish, now): (&Wish, Timestamp),
) -> Value {
    let resource = place.resource;
    if !place.below().is_empty() {
        return updated(place, old, new, &wish.manager, now);
    }
    let own = fields::of_object(resource, config);
    let mut entries = entries(resource, old);
    let same = |path: &fields::Path| fields::at(old.value(), path) == fields::at(&new, path);
    for entry in entries.iter_mut().filter(|entry| !(entry.applied && entry.manager == wish.manager)) {
        entry.fields.retain(|path| same(path) && fields::at(&new, path).is_some());
    }
    match entries.iter_mut().find(|entry| entry.applied && entry.manager == wish.manager) {
        // An apply that changes nothing leaves the time as it was, so that nothing is written.
        Some(entry) if entry.fields == own && new_is_same(old, &new) => {}
        Some(entry) => {
            entry.fields = own;
            entry.time = time::seconds(now);
        }
        None => entries.push(Entry::of(resource, &wish.manager, true, now, own)),
    }
    put(&mut new, &entries);
    new
}

fn new_is_same(old: &Object, new: &Value) -> bool {
    let parts =
        |value: &Value| (value["spec"].clone(), value["data"].clone(), value["metadata"]["labels"].clone());
    parts(old.value()) == parts(new)
        && old.value()["metadata"]["annotations"] == new["metadata"]["annotations"]
}
