//! Strategic merge patch: as merge patch, with lists merged by key, and with directives.

use serde_json::{Map, Value};

use super::shape::{Strategy, strategy};
use crate::fake_kube::error::ApiError;

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const REMOVE: &str = "$deleteFromPrimitiveList/";

/// The value with the patch.
pub(crate) fn patch(value: Value, patch: &Value) -> Result<Value, ApiError> {
    let Value::Object(changes) = patch else {
        return Err(ApiError::bad_request("a strategic merge patch is an object"));
    };
    let mut map = match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    merge(&mut map, changes)?;
    Ok(Value::Object(map))
}

fn merge(map: &mut Map<String, Value>, changes: &Map<String, Value>) -> Result<(), ApiError> {
    match changes.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            map.clone_from(changes);
            map.remove(DIRECTIVE);
            return Ok(());
        }
        Some("delete") => {
            map.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => {
            return Err(ApiError::bad_request(format!("Unknown patch type [{other}] found in the patch")));
        }
    }
    if let Some(kept) = changes.get(RETAIN).and_then(Value::as_array) {
        map.retain(|key, _| kept.iter().any(|name| name == key));
    }
    for (key, change) in changes {
        if let Some(field) = key.strip_prefix(REMOVE) {
            remove_values(map, field, change);
        } else if !key.starts_with('$') {
            merge_field(map, key, change)?;
        }
    }
    for (key, order) in changes {
        if let Some(field) = key.strip_prefix(ORDER)
            && let (Some(Value::Array(list)), Value::Array(order)) = (map.get_mut(field), order)
        {
            sort(list, order, strategy(field, order));
        }
    }
    Ok(())
}

fn merge_field(map: &mut Map<String, Value>, key: &str, change: &Value) -> Result<(), ApiError> {
    match change {
        Value::Null => {
            map.remove(key);
        }
        Value::Object(change) if change.get(DIRECTIVE).is_some_and(|directive| directive == "delete") => {
            map.remove(key);
        }
        Value::Object(change) => {
            let old = map.remove(key).unwrap_or_default();
            map.insert(key.to_owned(), patch(old, &Value::Object(change.clone()))?);
        }
        Value::Array(items) => {
            let old = match map.remove(key) {
                Some(Value::Array(list)) => list,
                _ => Vec::new(),
            };
            map.insert(key.to_owned(), merge_list(old, items, strategy(key, items))?.into());
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            map.insert(key.to_owned(), change.clone());
        }
    }
    Ok(())
}

fn merge_list(mut old: Vec<Value>, items: &[Value], strategy: Strategy) -> Result<Vec<Value>, ApiError> {
    let key = match strategy {
        Strategy::Replace => return Ok(items.iter().map(without_directives).collect()),
        Strategy::Union => {
            old.extend(items.iter().filter(|item| !old.contains(item)).cloned().collect::<Vec<_>>());
            return Ok(old);
        }
        Strategy::ByKey(key) => key,
    };
    if items.iter().any(|item| item[DIRECTIVE] == "replace") {
        let rest = items.iter().filter(|item| item[DIRECTIVE] != "replace");
        return Ok(rest.map(without_directives).collect());
    }
    for item in items {
        let Some(id) = item.get(key) else {
            return Err(ApiError::bad_request(format!(
                "map: {item} does not contain declared merge key: {key}"
            )));
        };
        let at = old.iter().position(|found| found.get(key) == Some(id));
        match (at, item[DIRECTIVE] == "delete") {
            (Some(at), true) => {
                old.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => {
                let found = old[at].take();
                old[at] = patch(found, item)?;
            }
            (None, false) => old.push(without_directives(item)),
        }
    }
    Ok(old)
}

/// A new value may carry directives that say nothing to it.
fn without_directives(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| !key.starts_with('$') && !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_directives(value))).collect())
        }
        Value::Array(list) => list.iter().map(without_directives).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn remove_values(map: &mut Map<String, Value>, field: &str, values: &Value) {
    if let (Some(Value::Array(list)), Value::Array(values)) = (map.get_mut(field), values) {
        list.retain(|value| !values.contains(value));
    }
}

/// Brings a list into the wished order; what the order does not name stays behind its neighbour.
fn sort(list: &mut Vec<Value>, order: &[Value], strategy: Strategy) {
    let id = |value: &Value| match strategy {
        Strategy::ByKey(key) => value[key].clone(),
        Strategy::Replace | Strategy::Union => value.clone(),
    };
    let ranks: Vec<Value> = order.iter().map(id).collect();
    let mut last = 0;
    let mut ranked: Vec<(usize, Value)> = Vec::with_capacity(list.len());
    for value in list.drain(..) {
        if let Some(rank) = ranks.iter().position(|rank| *rank == id(&value)) {
            last = rank;
        }
        ranked.push((last, value));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    list.extend(ranked.into_iter().map(|(_, value)| value));
}
