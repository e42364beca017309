//! Server-side apply: the wish of one manager, merged with those of others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fields::{self, Fields, Path};
use super::managers::{self, Entry, Wish};
use super::shape::{Items, is_atomic_map, items};
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::Resource;

/// The object with the applied configuration. `Conflict` when another manager owns a field with another
/// value and nothing is forced.
pub(crate) fn patch(
    resource: &Resource,
    old: &Object,
    config: &Value,
    wish: &Wish,
) -> Result<Value, ApiError> {
    let wanted = fields::of_object(resource, config);
    let (own, others): (Vec<Entry>, Vec<Entry>) = managers::entries(resource, old)
        .into_iter()
        .partition(|entry| entry.applied && entry.manager == wish.manager);
    if !wish.force {
        check(old, config, &wanted, &others)?;
    }
    let mut new = old.value().clone();
    overlay(&mut new, config, "");
    let previous = own.into_iter().next().map(|entry| entry.fields).unwrap_or_default();
    // Backwards, so that what an item holds goes before the item.
    for path in previous.iter().rev().filter(|path| !wanted.contains(*path)) {
        if !is_owned(&others, path) {
            fields::remove(&mut new, path);
        }
    }
    Ok(new)
}

/// Whether somebody owns this field, or something below this item.
fn is_owned(others: &[Entry], path: &Path) -> bool {
    let below = path.strip_suffix(&[".".to_owned()]).unwrap_or(path);
    others.iter().any(|entry| entry.fields.iter().any(|other| other.starts_with(below)))
}

fn check(old: &Object, config: &Value, wanted: &Fields, others: &[Entry]) -> Result<(), ApiError> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in others {
        for path in wanted.intersection(&entry.fields) {
            let is_item = path.last().is_some_and(|step| step == ".");
            if !is_item && fields::at(old.value(), path) != fields::at(config, path) {
                found.entry(title(entry)).or_default().push(fields::display(path));
            }
        }
    }
    let count: usize = found.values().map(Vec::len).sum();
    if count == 0 {
        return Ok(());
    }
    let text = if count == 1 {
        let one = found.iter().next().map(|(who, paths)| format!("conflict with {who}: {}", paths.join("")));
        format!("Apply failed with 1 conflict: {}", one.unwrap_or_default())
    } else {
        let mut lines = Vec::new();
        for (who, paths) in &found {
            lines.push(format!("conflicts with {who}:"));
            lines.extend(paths.iter().map(|path| format!("- {path}")));
        }
        format!("Apply failed with {count} conflicts: {}", lines.join("\n"))
    };
    let causes: Vec<Value> = found
        .iter()
        .flat_map(|(who, paths)| paths.iter().map(move |path| (who, path)))
        .map(|(who, path)| {
            json!({ "reason": "FieldManagerConflict", "message": format!("conflict with {who}"), "field": path })
        })
        .collect();
    let mut error = ApiError::modified(old.resource(), old.name());
    error.message = text;
    error.details = Some(json!({ "causes": causes }));
    Err(error)
}

fn title(entry: &Entry) -> String {
    if entry.applied {
        format!("\"{}\"", entry.manager)
    } else {
        format!("\"{}\" using {}", entry.manager, entry.api_version)
    }
}

/// Puts the configuration over the object.
fn overlay(value: &mut Value, config: &Value, field: &str) {
    match (&mut *value, config) {
        (Value::Object(map), Value::Object(changes)) if !is_atomic_map(field) => {
            for (key, change) in changes {
                overlay(map.entry(key).or_insert(Value::Null), change, key);
            }
        }
        (Value::Array(list), Value::Array(changes)) => match items(field, changes) {
            Items::Atomic => value.clone_from(config),
            Items::Set => {
                list.extend(changes.iter().filter(|item| !list.contains(item)).cloned().collect::<Vec<_>>());
            }
            Items::Keyed(keys) => {
                let id = |item: &Value| -> Vec<Value> {
                    let part = |key: &&str| match item.get(*key) {
                        None if *key == "protocol" => json!("TCP"),
                        other => other.cloned().unwrap_or_default(),
                    };
                    keys.iter().map(part).collect()
                };
                for change in changes {
                    match list.iter_mut().find(|item| id(item) == id(change)) {
                        Some(item) => overlay(item, change, ""),
                        None => list.push(change.clone()),
                    }
                }
            }
        },
        _ => value.clone_from(config),
    }
}
