//! JSON merge patch, RFC 7386: objects are merged, null removes, all else replaces.

use serde_json::{Map, Value};

/// The value with the patch.
pub(crate) fn patch(value: Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut map = match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    for (key, change) in changes {
        if change.is_null() {
            map.remove(key);
        } else {
            let old = map.remove(key).unwrap_or_default();
            map.insert(key.clone(), self::patch(old, change));
        }
    }
    Value::Object(map)
}
