//! The typed form of objects, which says what is well-formed and which fields exist.
//!
//! An object is read into the type of its kind and written again. What is lost on the way is a field
//! that the kind does not have.

use k8s_openapi::api::{
    apps::v1 as apps, batch::v1 as batch, coordination::v1 as coordination, core::v1 as core,
    discovery::v1 as discovery, policy::v1 as policy, rbac::v1 as rbac, scheduling::v1 as scheduling,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ApiError;
use super::resource::Resource;

/// What happens to a field that the kind does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    Ignore,
    Warn,
    Strict,
}

impl Validation {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "Ignore" => Ok(Self::Ignore),
            "" | "Warn" => Ok(Self::Warn),
            "Strict" => Ok(Self::Strict),
            other => Err(ApiError::bad_request(format!(
                "invalid fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""
            ))),
        }
    }
}

/// Brings an object into the form of its kind. Gives a warning for each unknown field, or the error.
pub(crate) fn normalise(
    resource: &Resource,
    value: &mut Value,
    validation: Validation,
) -> Result<Vec<String>, ApiError> {
    let refuse = |what: &str| {
        ApiError::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {what}",
            resource.kind, resource.version, resource.kind
        ))
    };
    let given = value.take();
    let typed =
        round(resource, &given).map_err(|error| refuse(&format!("json: cannot unmarshal: {error}")))?;
    let mut unknown = Vec::new();
    if validation != Validation::Ignore {
        lost(&given, &typed, "", &mut unknown);
    }
    *value = typed;
    let texts: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    if validation == Validation::Strict && !texts.is_empty() {
        return Err(refuse(&format!("strict decoding error: {}", texts.join(", "))));
    }
    Ok(texts)
}

fn round(resource: &Resource, value: &Value) -> Result<Value, serde_json::Error> {
    match resource.kind {
        "ConfigMap" => through::<core::ConfigMap>(value),
        "Event" => through::<core::Event>(value),
        "LimitRange" => through::<core::LimitRange>(value),
        "Namespace" => through::<core::Namespace>(value),
        "Node" => through::<core::Node>(value),
        "PersistentVolumeClaim" => through::<core::PersistentVolumeClaim>(value),
        "PersistentVolume" => through::<core::PersistentVolume>(value),
        "Pod" => through::<core::Pod>(value),
        "ResourceQuota" => through::<core::ResourceQuota>(value),
        "Secret" => through::<core::Secret>(value),
        "ServiceAccount" => through::<core::ServiceAccount>(value),
        "Service" => through::<core::Service>(value),
        "ControllerRevision" => through::<apps::ControllerRevision>(value),
        "DaemonSet" => through::<apps::DaemonSet>(value),
        "Deployment" => through::<apps::Deployment>(value),
        "ReplicaSet" => through::<apps::ReplicaSet>(value),
        "StatefulSet" => through::<apps::StatefulSet>(value),
        "Job" => through::<batch::Job>(value),
        "Lease" => through::<coordination::Lease>(value),
        "EndpointSlice" => through::<discovery::EndpointSlice>(value),
        "ClusterRoleBinding" => through::<rbac::ClusterRoleBinding>(value),
        "ClusterRole" => through::<rbac::ClusterRole>(value),
        "RoleBinding" => through::<rbac::RoleBinding>(value),
        "Role" => through::<rbac::Role>(value),
        "PodDisruptionBudget" => through::<policy::PodDisruptionBudget>(value),
        "PriorityClass" => through::<scheduling::PriorityClass>(value),
        _ => Ok(value.clone()),
    }
}

fn through<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(T::deserialize(value)?)
}

/// Lists the fields that are in the first value and not in the second.
fn lost(given: &Value, typed: &Value, path: &str, found: &mut Vec<String>) {
    match (given, typed) {
        (Value::Object(given), Value::Object(typed)) => {
            for (key, value) in given {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match typed.get(key) {
                    Some(other) => lost(value, other, &path, found),
                    None if value.is_null() => {}
                    None => found.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(typed)) => {
            for (at, (one, other)) in given.iter().zip(typed).enumerate() {
                lost(one, other, &format!("{path}[{at}]"), found);
            }
        }
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)
            | Value::Array(_),
            _,
        ) => {}
    }
}
