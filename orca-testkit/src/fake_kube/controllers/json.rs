//! Reading and writing inside JSON objects without panics.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The field with this name, made when it is not there; what is no object becomes one.
pub(super) fn field<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map.entry(name).or_insert(Value::Null),
        // The lines above made it an object.
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            other
        }
    }
}

/// The value at this path, made when it is not there.
pub(super) fn place<'a>(value: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(value, |inner, name| field(inner, name))
}

/// Puts a value at this path.
pub(super) fn set(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    *place(value, path) = new.into();
}

/// Puts a count at this name; a zero is left out, as the API leaves it out.
pub(super) fn set_count(value: &mut Value, name: &str, count: usize) {
    if count == 0 {
        remove(value, &[], name);
    } else {
        set(value, &[name], count);
    }
}

/// The list at this path, made when it is not there.
pub(super) fn list<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Vec<Value>> {
    let place = place(value, path);
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    place.as_array_mut()
}

/// Removes a field from the object at this path.
pub(super) fn remove(value: &mut Value, path: &[&str], name: &str) {
    let inner = path.iter().try_fold(value, |inner, name| inner.get_mut(*name));
    if let Some(Value::Object(map)) = inner {
        map.remove(name);
    }
}

/// A moment as `metav1.Time`: whole seconds.
pub(super) fn seconds(time: Timestamp) -> Value {
    Value::String(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// A moment as `metav1.MicroTime`.
pub(super) fn micros(time: Timestamp) -> Value {
    Value::String(time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}

/// A moment that the API wrote.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// The condition of this type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Whether the condition of this type is `True`.
pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| condition["status"] == "True")
}

/// What a condition is to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl<'a> Condition<'a> {
    pub(super) const fn new(kind: &'a str, status: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self { kind, status, reason, message }
    }

    /// Writes it into `status.conditions`. The time of transition moves with the status alone; nothing is
    /// written when nothing is new.
    pub(super) fn write(self, object: &mut Value, time: Timestamp, extra: &[(&str, Value)]) {
        let Some(conditions) = list(object, &["status", "conditions"]) else { return };
        let known = conditions.iter_mut().find(|condition| condition["type"] == self.kind);
        let same_status = known.as_ref().is_some_and(|known| known["status"] == self.status);
        if let Some(known) = &known
            && same_status
            && known["reason"].as_str().unwrap_or_default() == self.reason
            && known["message"].as_str().unwrap_or_default() == self.message
        {
            return;
        }
        let mut new = known.as_ref().map_or_else(|| json!({ "type": self.kind }), |known| (*known).clone());
        set(&mut new, &["status"], self.status);
        for (name, text) in [("reason", self.reason), ("message", self.message)] {
            if text.is_empty() {
                remove(&mut new, &[], name);
            } else {
                set(&mut new, &[name], text);
            }
        }
        if !same_status {
            set(&mut new, &["lastTransitionTime"], seconds(time));
        }
        for (name, value) in extra {
            set(&mut new, &[name], value.clone());
        }
        match known {
            Some(known) => *known = new,
            None => conditions.push(new),
        }
    }
}
