//! Tables: what `kubectl get` prints.

mod age;
mod node;
mod pod;
mod rest;
mod workload;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::Object;
use super::request::ApiRequest;
use super::resource::Resource;

/// A column: its title, and whether only `-o wide` shows it.
type Column = (&'static str, bool);

const fn always(title: &'static str) -> Column {
    (title, false)
}

const fn wide(title: &'static str) -> Column {
    (title, true)
}

/// A Table object with these rows. A watch sends the columns at most once.
pub(crate) fn table(resource: &Resource, metadata: &Value, rows: Vec<Value>, with_columns: bool) -> Value {
    let columns: Vec<Value> =
        if with_columns { columns(resource).iter().map(definition).collect() } else { Vec::new() };
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

/// The rows of these objects.
pub(crate) fn rows<'o>(
    request: &ApiRequest,
    objects: impl Iterator<Item = &'o Object>,
    now: Timestamp,
) -> Vec<Value> {
    objects.map(|object| row(request.parameter("includeObject"), object, now)).collect()
}

/// The row of one object, with as much of the object as is asked for.
pub(crate) fn row(include: &str, object: &Object, now: Timestamp) -> Value {
    let included = match include {
        "None" => Value::Null,
        "Object" => object.value().clone(),
        _ => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object.value()["metadata"],
        }),
    };
    json!({ "cells": cells(object, now), "object": included })
}

fn definition((title, is_wide): &Column) -> Value {
    let kind = if matches!(
        *title,
        "Count" | "Data" | "Desired" | "Current" | "Up-to-date" | "Available" | "Allowed Disruptions"
    ) {
        "integer"
    } else {
        "string"
    };
    json!({
        "name": title,
        "type": kind,
        "format": if *title == "Name" { "name" } else { "" },
        "description": format!("{title} of the object."),
        "priority": i32::from(*is_wide),
    })
}

fn columns(resource: &Resource) -> &'static [Column] {
    match resource.kind {
        "Pod" => pod::COLUMNS,
        "Node" => node::COLUMNS,
        "Job" => workload::JOB,
        "Deployment" => workload::DEPLOYMENT,
        "ReplicaSet" => workload::REPLICA_SET,
        "StatefulSet" => workload::STATEFUL_SET,
        "DaemonSet" => workload::DAEMON_SET,
        "PodDisruptionBudget" => workload::DISRUPTION_BUDGET,
        "Event" => rest::EVENT,
        "Lease" => rest::LEASE,
        "Namespace" => rest::NAMESPACE,
        "ConfigMap" => rest::CONFIG_MAP,
        "Secret" => rest::SECRET,
        "Service" => rest::SERVICE,
        "PriorityClass" => rest::PRIORITY_CLASS,
        _ => rest::OTHER,
    }
}

fn cells(object: &Object, now: Timestamp) -> Vec<Value> {
    match object.resource().kind {
        "Pod" => pod::cells(object, now),
        "Node" => node::cells(object, now),
        "Job" => workload::job(object, now),
        "Deployment" => workload::deployment(object, now),
        "ReplicaSet" => workload::replica_set(object, now),
        "StatefulSet" => workload::stateful_set(object, now),
        "DaemonSet" => workload::daemon_set(object, now),
        "PodDisruptionBudget" => workload::disruption_budget(object, now),
        "Event" => rest::event(object, now),
        "Lease" => rest::lease(object, now),
        "Namespace" => rest::namespace(object, now),
        "ConfigMap" => rest::config_map(object, now),
        "Secret" => rest::secret(object, now),
        "Service" => rest::service(object, now),
        "PriorityClass" => rest::priority_class(object, now),
        _ => rest::other(object, now),
    }
}

/// A text, or `<none>`.
fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

#[cfg(test)]
mod tests;
