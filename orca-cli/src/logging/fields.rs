//! The fields of an event and of the spans around it, in the order in which they were met.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};

/// The keys that every line has; a field of that name gets an underscore.
const RESERVED: [&str; 2] = ["level", "time"];

/// Names and values, each name once.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub(super) message: Option<String>,
    pairs: Vec<(Cow<'static, str>, Value)>,
}

impl Fields {
    /// Adds what is named `name`, or replaces it: an inner span knows better than an outer one.
    pub(super) fn put(&mut self, name: Cow<'static, str>, value: Value) {
        match self.pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.pairs.push((name, value)),
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        for (name, value) in &other.pairs {
            self.put(name.clone(), value.clone());
        }
        if other.message.is_some() {
            self.message.clone_from(&other.message);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value))
    }

    fn record(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        } else {
            self.put(snake_case(field.name()), value);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record(field, Value::String(value.to_string()));
    }
}

/// Libraries name fields `http.method` and the like; every field here is `http_method`.
fn snake_case(name: &'static str) -> Cow<'static, str> {
    if RESERVED.contains(&name) {
        return Cow::Owned(format!("{name}_"));
    }
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect())
}
