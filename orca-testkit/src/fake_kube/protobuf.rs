//! Objects in protobuf, as kubectl's own commands send them.
//!
//! The table of messages says which number is which field; everything else is the wire format. A field
//! that is not in the table is left out, as an unknown field of JSON is.

mod wire;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

use wire::Part;

/// The media type of such bodies.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// What each body begins with.
const MAGIC: &[u8] = b"k8s\0";
const TABLE: &str = include_str!("protobuf/messages.txt");
/// Deeper messages are not read; the deepest of the table has some 20 levels.
const DEPTH: usize = 40;

/// A field of a message.
#[derive(Debug)]
struct Field {
    name: &'static str,
    /// Whether zero is a value, or else means that there is none.
    keeps_zero: bool,
    kind: &'static str,
}

type Messages = BTreeMap<&'static str, BTreeMap<u64, Field>>;

/// The object in a body; None when it is malformed or of a kind that is not in the table.
pub(crate) fn decode(body: &[u8]) -> Option<Value> {
    let envelope = wire::parts(body.strip_prefix(MAGIC)?)?;
    let type_meta = wire::parts(envelope.iter().find(|part| part.number == 1)?.bytes()?)?;
    let text = |number: u64| {
        let bytes = type_meta.iter().find(|part| part.number == number)?.bytes()?;
        String::from_utf8(bytes.to_vec()).ok()
    };
    let (api_version, kind) = (text(1)?, text(2)?);
    let message = format!("{}.{kind}", package(&api_version, &kind)?);
    let raw = envelope.iter().find(|part| part.number == 2).and_then(Part::bytes).unwrap_or_default();
    let mut value = Value::Object(self::message(&message, raw, DEPTH)?);
    value["apiVersion"] = api_version.into();
    value["kind"] = kind.into();
    Some(value)
}

/// The name under which the table has a group.
fn package(api_version: &str, kind: &str) -> Option<&'static str> {
    if kind == "DeleteOptions" {
        return Some("meta");
    }
    match api_version {
        "v1" => Some("core"),
        "apps/v1" => Some("apps"),
        "batch/v1" => Some("batch"),
        "policy/v1" => Some("policy"),
        "autoscaling/v1" => Some("autoscaling"),
        "coordination.k8s.io/v1" => Some("coordination"),
        "discovery.k8s.io/v1" => Some("discovery"),
        "events.k8s.io/v1" => Some("events"),
        "scheduling.k8s.io/v1" => Some("scheduling"),
        "rbac.authorization.k8s.io/v1" => Some("rbac"),
        "authentication.k8s.io/v1" => Some("authentication"),
        "authorization.k8s.io/v1" => Some("authorization"),
        _ => None,
    }
}

fn messages() -> &'static Messages {
    static MESSAGES: OnceLock<Messages> = OnceLock::new();
    MESSAGES.get_or_init(|| {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
        lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, fields)| (name, read_fields(fields)))
            .collect()
    })
}

fn read_fields(text: &'static str) -> BTreeMap<u64, Field> {
    let field = |text: &'static str| {
        let mut words = text.split(' ');
        let number = words.next()?.parse().ok()?;
        let (name, kind) = (words.next()?, words.next()?);
        let keeps_zero = name.ends_with(['?', '!']);
        Some((number, Field { name: name.trim_end_matches(['?', '!']), keeps_zero, kind }))
    };
    text.split(", ").filter_map(field).collect()
}

/// A message with the fields that the table knows.
fn message(name: &str, bytes: &[u8], depth: usize) -> Option<Map<String, Value>> {
    let fields = messages().get(name)?;
    let mut out = Map::new();
    for part in wire::parts(bytes)? {
        let Some(field) = fields.get(&part.number) else {
            continue;
        };
        if let Some(kind) = field.kind.strip_prefix('*') {
            let item = value(kind, &part, depth)?;
            if let Value::Array(list) = out.entry(field.name).or_insert_with(|| json!([])) {
                list.push(item);
            }
        } else if let Some(kind) = field.kind.strip_prefix('%') {
            let (key, item) = entry(kind, &part, depth)?;
            out.entry(field.name).or_insert_with(|| json!({}))[key] = item;
        } else {
            let item = value(field.kind, &part, depth)?;
            if field.name == "~" {
                out.extend(item.as_object().cloned().unwrap_or_default());
            } else if field.keeps_zero || !is_zero(&item) {
                out.insert(field.name.to_owned(), item);
            }
        }
    }
    Some(out)
}

/// An entry of a map: the key is field 1, the value field 2.
fn entry(kind: &str, part: &Part<'_>, depth: usize) -> Option<(String, Value)> {
    let parts = wire::parts(part.bytes()?)?;
    let of = |number: u64| parts.iter().find(|part| part.number == number);
    let key = of(1).and_then(Part::bytes).unwrap_or_default();
    let item = match of(2) {
        Some(part) => value(kind, part, depth)?,
        None => json!(""),
    };
    Some((String::from_utf8(key.to_vec()).ok()?, item))
}

fn value(kind: &str, part: &Part<'_>, depth: usize) -> Option<Value> {
    Some(match kind {
        "s" => text(part.bytes()?)?,
        "y" => BASE64.encode(part.bytes()?).into(),
        "b" => (part.number()? != 0).into(),
        "i" => part.number()?.cast_signed().into(),
        "d" => Number::from_f64(f64::from_bits(part.number()?)).map_or(Value::Null, Value::Number),
        "Time" | "MicroTime" => time(kind, part.bytes()?)?,
        "Quantity" => text(first(part.bytes()?)?)?,
        "IntOrString" => int_or_string(part.bytes()?)?,
        "FieldsV1" | "RawExtension" => serde_json::from_slice(first(part.bytes()?)?).unwrap_or_default(),
        "Duration" => Value::Null,
        _ => Value::Object(message(kind, part.bytes()?, depth.checked_sub(1)?)?),
    })
}

fn text(bytes: &[u8]) -> Option<Value> {
    String::from_utf8(bytes.to_vec()).ok().map(Value::from)
}

/// The bytes of the first field, which is the only one; none when it is absent.
fn first(bytes: &[u8]) -> Option<&[u8]> {
    let parts = wire::parts(bytes)?;
    Some(parts.iter().find(|part| part.number == 1).and_then(Part::bytes).unwrap_or_default())
}

/// Seconds and nanoseconds; an empty message is no time.
fn time(kind: &str, bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    let parts = wire::parts(bytes)?;
    let of = |number: u64| {
        let part = parts.iter().find(|part| part.number == number);
        part.and_then(Part::number).unwrap_or(0).cast_signed()
    };
    let time = Timestamp::new(of(1), i32::try_from(of(2)).ok()?).ok()?;
    Some(if kind == "Time" { super::time::seconds(time) } else { super::time::micros(time) }.into())
}

/// The kind (0 is a number), the number, the text.
fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let parts = wire::parts(bytes)?;
    let number =
        |wanted: u64| parts.iter().find(|part| part.number == wanted).and_then(Part::number).unwrap_or(0);
    if number(1) == 0 {
        return Some(number(2).cast_signed().into());
    }
    text(parts.iter().find(|part| part.number == 3)?.bytes()?)
}

/// A value that is left out of JSON, unless its field keeps it.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

#[cfg(test)]
mod tests;
