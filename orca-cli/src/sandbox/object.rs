//! What the sandbox reads in objects of the API: texts and conditions.

use serde_json::Value;

/// The text at this JSON pointer; empty when there is none.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The condition of this type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Whether it has this condition with this status.
pub(super) fn has(object: &Value, kind: &str, status: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == status)
}

/// What this condition says, if it is there.
pub(super) fn says<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind).map(|condition| text(condition, "/message")).unwrap_or_default()
}
