//! The environment layer: `ORCA__NODE__NAME` sets `node.name`, whatever the case and the acronyms.
//!
//! Two underscores part the keys, so that `ORCA_PORT` and the like, which Kubernetes sets for a Service named
//! `orca`, mean nothing here.

use std::collections::BTreeMap;

use orca_aws::config::Document;
use orca_core::text::nearest;
use serde_json::{Map, Value};

use super::failure::ConfigFailure;
use super::keys::{ANY, tree};
use crate::environment::Environment;

const PREFIX: &str = "ORCA__";
/// The name of the node in the charts of virtual-kubelet. Weaker than ORCA's own variables.
const NODE_NAME: &str = "DEFAULT_NODE_NAME";

/// The layer that the environment makes.
pub(super) fn read(environment: &Environment) -> Result<Value, ConfigFailure> {
    let tree = tree();
    let mut layer = Value::Object(Map::new());
    if let Some(name) = environment.get(NODE_NAME) {
        set(&mut layer, &["node".to_owned(), "name".to_owned()], Value::String(name.to_owned()));
    }
    let mut seen = BTreeMap::<String, &str>::new();
    for (variable, text) in environment.iter().filter(|(name, _)| is_ours(name)) {
        let (path, example) = locate(&tree, variable)?;
        let key = path.join(".");
        let value = parse(example, text).and_then(|value| check(&tree, &path, value));
        let value = value.map_err(|reason| ConfigFailure::BadVariable {
            variable: variable.into(),
            key: key.clone(),
            reason,
        })?;
        if let Some(other) = seen.insert(key.clone(), variable) {
            let reason = format!("{other} sets the same key; keep one of them");
            return Err(ConfigFailure::BadVariable { variable: variable.into(), key, reason });
        }
        set(&mut layer, &path, value);
    }
    Ok(layer)
}

fn is_ours(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The exact key that a variable means, and the example's value there.
fn locate<'t>(tree: &'t Value, variable: &str) -> Result<(Vec<String>, &'t Value), ConfigFailure> {
    let unknown = |reason: String| ConfigFailure::UnknownVariable { variable: variable.into(), reason };
    let mut at = tree;
    let mut path = Vec::new();
    for segment in variable.get(PREFIX.len()..).unwrap_or_default().split("__") {
        let Value::Object(section) = at else {
            return Err(unknown(format!("{} has no keys below it", path.join("."))));
        };
        let (key, value) =
            child(section, segment).ok_or_else(|| unknown(missing(section, segment, &path)))?;
        path.push(key);
        at = value;
    }
    if at.is_object() {
        return Err(unknown(format!("{} is a section; add two underscores and a key of it", path.join("."))));
    }
    Ok((path, at))
}

fn child<'t>(section: &'t Map<String, Value>, segment: &str) -> Option<(String, &'t Value)> {
    if let Some(value) = section.get(ANY) {
        return (!segment.is_empty()).then(|| (segment.to_owned(), value));
    }
    let wanted = plain(segment);
    section.iter().find(|(key, _)| plain(key) == wanted).map(|(key, value)| (key.clone(), value))
}

/// Without case and underscores: `SUBNET_ID`, `SUBNETID` and `subnetID` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').map(|letter| letter.to_ascii_lowercase()).collect()
}

fn missing(section: &Map<String, Value>, segment: &str, path: &[String]) -> String {
    let whole = |key: &str| {
        let keys: Vec<String> = path.iter().map(String::as_str).chain([key]).map(str::to_uppercase).collect();
        format!("{PREFIX}{}", keys.join("__"))
    };
    match nearest(&plain(segment), section.keys().map(String::as_str)) {
        Some(key) => format!("did you mean {}?", whole(key)),
        None => {
            format!("give one of {}", section.keys().map(|key| whole(key)).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Reads the text as what the key holds. Text stays text: `1.10` is not a number where a name is meant.
fn parse(example: &Value, text: &str) -> Result<Value, String> {
    match example {
        Value::Bool(_) => text.parse().map(Value::Bool).map_err(|_| "give true or false".into()),
        Value::Number(_) => number(text).ok_or_else(|| "give a number".into()),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(|item| Value::String(item.to_owned())).collect())
        }
        Value::Array(_) => Err("this list can only be set in the config file".into()),
        Value::String(_) | Value::Null | Value::Object(_) => Ok(Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let whole = text.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| serde_json::Number::from_f64(text.parse().ok()?).map(Value::Number))
}

/// Whether the schema takes the value, tried alone so that the error names the variable that caused it.
fn check(tree: &Value, path: &[String], value: Value) -> Result<Value, String> {
    let mut whole = tree.clone();
    set(&mut whole, path, value.clone());
    match serde_json::from_value::<Document>(whole) {
        Ok(_) => Ok(value),
        Err(error) => Err(explain(&error.to_string(), value.as_str())),
    }
}

/// serde's words, and the nearest of the spellings that they list.
fn explain(error: &str, given: Option<&str>) -> String {
    let known = error.split_once("expected").map_or("", |(_, known)| known).split('`').skip(1).step_by(2);
    match given.and_then(|given| nearest(given, known)) {
        Some(meant) => format!("{error}; did you mean `{meant}`?"),
        None => error.to_owned(),
    }
}

fn set(target: &mut Value, path: &[String], value: Value) {
    if let Some((first, rest)) = path.split_first() {
        set(&mut target[first.as_str()], rest, value);
    } else {
        *target = value;
    }
}

#[cfg(test)]
mod tests;
