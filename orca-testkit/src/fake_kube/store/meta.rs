//! The metadata that the server alone writes.

use serde_json::{Map, Value};

/// The letters of generated names: no vowels, and nothing that looks like something else.
pub const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The fields of the metadata that no client changes.
pub(crate) const OWN: [&str; 7] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
];

/// The object's metadata, which is made when it is absent.
pub(crate) fn of(value: &mut Value) -> &mut Map<String, Value> {
    object(object_or_new(value), "metadata")
}

/// The object at this key, which is made when it is absent or something else.
pub(crate) fn object<'v>(map: &'v mut Map<String, Value>, key: &str) -> &'v mut Map<String, Value> {
    object_or_new(map.entry(key).or_insert(Value::Null))
}

fn object_or_new(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("made an object above")
        }
    }
}

/// Takes away fields that are null: they are as good as absent.
pub(crate) fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, part| !part.is_null());
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

pub(crate) fn set_version(value: &mut Value, version: u64) {
    of(value).insert("resourceVersion".to_owned(), version.to_string().into());
}

pub(crate) fn uid(random: &mut fastrand::Rng) -> String {
    let mut bits = random.u128(..);
    // Version 4, variant 1, as in RFC 9562.
    bits = (bits & !(0xf << 76)) | (0x4 << 76);
    bits = (bits & !(0x3 << 62)) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

pub(crate) fn suffix(random: &mut fastrand::Rng, length: usize) -> String {
    (0..length).map(|_| char::from(NAME_LETTERS[random.usize(..NAME_LETTERS.len())])).collect()
}

/// Whether the object has finalizers, of whichever kind.
pub(crate) fn is_held(value: &Value) -> bool {
    let has = |pointer| value.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    has("/metadata/finalizers") || (value["kind"] == "Namespace" && has("/spec/finalizers"))
}

/// Whether a deletion was asked for, and nothing keeps the object.
pub(crate) fn is_over(value: &Value) -> bool {
    let metadata = &value["metadata"];
    let grace = metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0);
    metadata["deletionTimestamp"].is_string() && grace == 0 && !is_held(value)
}

/// Whether the wish is another one: everything but metadata and status.
pub(crate) fn wishes_differ(old: &Value, new: &Value) -> bool {
    let keys = |value: &Value| -> Vec<String> {
        let map = value.as_object();
        map.into_iter()
            .flat_map(Map::keys)
            .filter(|key| *key != "metadata" && *key != "status")
            .cloned()
            .collect()
    };
    keys(old).iter().chain(&keys(new)).any(|key| match key.as_str() {
        // The choice of a node is no wish.
        "spec" if old["kind"] == "Pod" => without_node(&old["spec"]) != without_node(&new["spec"]),
        _ => old[key] != new[key],
    })
}

fn without_node(spec: &Value) -> Vec<(&String, &Value)> {
    spec.as_object().into_iter().flatten().filter(|(key, _)| *key != "nodeName").collect()
}
