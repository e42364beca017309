//! Sets of fields, as `managedFields` lists them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::shape::{Items, is_atomic_map, items};
use crate::fake_kube::resource::Resource;

/// The way to a field, in the words of `FieldsV1`: `f:name`, `k:{...}`, `v:...`, and `.` for an item itself.
pub(crate) type Path = Vec<String>;
/// A set of fields.
pub(crate) type Fields = BTreeSet<Path>;

/// The metadata that nobody owns.
const UNOWNED: [&str; 11] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "resourceVersion",
    "generation",
    "generateName",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// All fields of an object that somebody may own.
pub(crate) fn of_object(resource: &Resource, value: &Value) -> Fields {
    let mut found = Fields::new();
    for (key, part) in value.as_object().into_iter().flatten() {
        match key.as_str() {
            "apiVersion" | "kind" => {}
            "status" if resource.has("status") => {}
            "metadata" => {
                for (key, part) in part.as_object().into_iter().flatten() {
                    if !UNOWNED.contains(&key.as_str()) {
                        walk(vec!["f:metadata".to_owned(), format!("f:{key}")], key, part, &mut found);
                    }
                }
            }
            _ => walk(vec![format!("f:{key}")], key, part, &mut found),
        }
    }
    found
}

fn walk(path: Path, field: &str, value: &Value, found: &mut Fields) {
    match value {
        Value::Object(map) if !map.is_empty() && !is_atomic_map(field) => {
            for (key, part) in map {
                let mut path = path.clone();
                path.push(format!("f:{key}"));
                walk(path, key, part, found);
            }
        }
        Value::Array(list) if !list.is_empty() && items(field, list) != Items::Atomic => {
            let kind = items(field, list);
            for item in list {
                let mut path = path.clone();
                path.push(item_name(kind, item));
                let mut itself = path.clone();
                itself.push(".".to_owned());
                found.insert(itself);
                for (key, part) in item.as_object().into_iter().flatten() {
                    let mut path = path.clone();
                    path.push(format!("f:{key}"));
                    walk(path, key, part, found);
                }
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            found.insert(path);
        }
    }
}

fn item_name(kind: Items, item: &Value) -> String {
    match kind {
        Items::Keyed(keys) => {
            let mut id = Map::new();
            for key in keys {
                let value = match item.get(*key) {
                    Some(value) => value.clone(),
                    None if *key == "protocol" => json!("TCP"),
                    None => continue,
                };
                id.insert((*key).to_owned(), value);
            }
            format!("k:{}", Value::Object(id))
        }
        Items::Set | Items::Atomic => format!("v:{item}"),
    }
}

/// Whether a step of a path names this item.
fn is_item(step: &str, item: &Value) -> bool {
    if let Some(id) = step.strip_prefix("k:") {
        let id: Value = serde_json::from_str(id).unwrap_or_default();
        let holds = |(key, value): (&String, &Value)| match item.get(key) {
            Some(found) => found == value,
            None => key == "protocol" && value == "TCP",
        };
        return id.as_object().is_some_and(|id| id.iter().all(holds));
    }
    step.strip_prefix("v:")
        .is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|value| value == *item))
}

/// The value at a path.
pub(crate) fn at<'v>(value: &'v Value, path: &[String]) -> Option<&'v Value> {
    let Some((step, rest)) = path.split_first() else {
        return Some(value);
    };
    if step == "." {
        return Some(value);
    }
    match step.strip_prefix("f:") {
        Some(key) => at(value.get(key)?, rest),
        None => at(value.as_array()?.iter().find(|item| is_item(step, item))?, rest),
    }
}

/// Removes the value at a path; an item when the path ends in it.
pub(crate) fn remove(value: &mut Value, path: &[String]) {
    match path {
        [] => {}
        [step] | [step, _] if path.len() == 1 || path[1] == "." => match step.strip_prefix("f:") {
            Some(key) => {
                if let Some(map) = value.as_object_mut() {
                    map.remove(key);
                }
            }
            None => {
                if let Some(list) = value.as_array_mut() {
                    list.retain(|item| !is_item(step, item));
                }
            }
        },
        [step, rest @ ..] => {
            let below = match step.strip_prefix("f:") {
                Some(key) => value.get_mut(key),
                None => {
                    value.as_array_mut().and_then(|list| list.iter_mut().find(|item| is_item(step, item)))
                }
            };
            if let Some(below) = below {
                remove(below, rest);
            }
        }
    }
}

/// The set in the form in which objects carry it.
pub(crate) fn to_json(fields: &Fields) -> Value {
    let mut out = json!({});
    for path in fields {
        let mut place = &mut out;
        for step in path {
            place = &mut place[step.as_str()];
            if place.is_null() {
                *place = json!({});
            }
        }
    }
    out
}

/// From the form in which objects carry it.
pub(crate) fn from_json(value: &Value) -> Fields {
    fn collect(value: &Value, path: &mut Path, found: &mut Fields) {
        match value.as_object() {
            Some(map) if !map.is_empty() => {
                for (key, part) in map {
                    path.push(key.clone());
                    collect(part, path, found);
                    path.pop();
                }
            }
            _ if path.is_empty() => {}
            _ => {
                found.insert(path.clone());
            }
        }
    }
    let mut found = Fields::new();
    collect(value, &mut Path::new(), &mut found);
    found
}

/// A path as error messages show it: `.spec.containers[name="c"].image`.
pub(crate) fn display(path: &[String]) -> String {
    let mut out = String::new();
    for step in path {
        if let Some(key) = step.strip_prefix("f:") {
            out.push('.');
            out.push_str(key);
        } else if let Some(id) = step.strip_prefix("k:") {
            let id: Value = serde_json::from_str(id).unwrap_or_default();
            let parts: Vec<String> =
                id.as_object().into_iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
            out.extend(["[", &parts.join(","), "]"]);
        } else if let Some(value) = step.strip_prefix("v:") {
            out.extend(["[=", value, "]"]);
        }
    }
    out
}
