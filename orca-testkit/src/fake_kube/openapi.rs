//! The schemas of objects, from which kubectl explains and checks them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use k8s_openapi::api::{
    apps::v1 as apps, batch::v1 as batch, coordination::v1 as coordination, core::v1 as core,
    discovery::v1 as discovery, events::v1 as events, policy::v1 as policy, rbac::v1 as rbac,
    scheduling::v1 as scheduling,
};
use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::answer::Answer;
use super::error::ApiError;
use super::resource::{ALL, Resource};

/// The documents of all groups, made at the first request.
static DOCUMENTS: OnceLock<BTreeMap<String, Bytes>> = OnceLock::new();

/// Which documents there are.
pub(crate) fn index() -> Answer {
    let paths: BTreeMap<String, Value> = groups()
        .into_iter()
        .map(|group| {
            let place = place(group);
            let address = format!("/openapi/v3/{place}?hash=1.37");
            (place, json!({ "serverRelativeURL": address }))
        })
        .collect();
    Answer::json(200, &json!({ "paths": paths }))
}

/// The document of a group.
pub(crate) fn document(group: &str, version: &str) -> Result<Answer, ApiError> {
    if version != "v1" {
        return Err(ApiError::no_such_path());
    }
    let documents = DOCUMENTS.get_or_init(|| {
        groups().into_iter().map(|group| (place(group), describe(group).to_string().into())).collect()
    });
    let document = documents.get(&place(group)).ok_or_else(ApiError::no_such_path)?;
    Ok(Answer::bytes(200, document.clone()))
}

fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = ALL.iter().map(|resource| resource.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

fn place(group: &str) -> String {
    if group.is_empty() { "api/v1".to_owned() } else { format!("apis/{group}/v1") }
}

fn describe(group: &str) -> Value {
    let mut generator = schemars::generate::SchemaSettings::openapi3().into_generator();
    let mut paths = json!({});
    let mut names = BTreeMap::new();
    for resource in ALL.iter().filter(|resource| resource.group == group) {
        if let Some(name) = add(resource, &mut generator) {
            names.insert(name, *resource);
        }
        for (path, operations) in self::paths(resource) {
            paths[path] = operations;
        }
    }
    let mut schemas: Value = Value::Object(generator.take_definitions(true));
    for (name, resource) in names {
        schemas[name]["x-kubernetes-group-version-kind"] = json!([kind(resource)]);
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": "v1.37.0" },
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn kind(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

/// The paths of a resource, with what kubectl looks for: the kind, and whether the server checks fields.
fn paths(resource: &Resource) -> [(String, Value); 2] {
    let base =
        if resource.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", resource.group) };
    let base = if resource.namespaced { format!("{base}/namespaces/{{namespace}}") } else { base };
    let operation = |action: &str, is_write: bool| {
        let mut operation = json!({
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": kind(resource),
            "responses": { "200": { "description": "OK" } },
        });
        if is_write {
            let parameter =
                |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" } });
            operation["parameters"] =
                ["dryRun", "fieldManager", "fieldValidation"].into_iter().map(parameter).collect();
        }
        operation
    };
    let collection = json!({ "get": operation("list", false), "post": operation("post", true) });
    let object = json!({
        "get": operation("get", false),
        "put": operation("put", true),
        "patch": operation("patch", true),
        "delete": operation("delete", false),
    });
    let path = format!("{base}/{}", resource.plural);
    [(format!("{path}/{{name}}"), object), (path, collection)]
}

/// Adds the schema of a kind and all that it needs; returns its name.
fn add(resource: &Resource, generator: &mut SchemaGenerator) -> Option<String> {
    macro_rules! schemas {
        ($($kind:literal => $type:ty,)*) => {
            match (resource.group, resource.kind) {
                ("events.k8s.io", _) => named::<events::Event>(generator),
                $((_, $kind) => named::<$type>(generator),)*
                _ => return None,
            }
        };
    }
    Some(schemas! {
        "ConfigMap" => core::ConfigMap,
        "Event" => core::Event,
        "LimitRange" => core::LimitRange,
        "Namespace" => core::Namespace,
        "Node" => core::Node,
        "PersistentVolumeClaim" => core::PersistentVolumeClaim,
        "PersistentVolume" => core::PersistentVolume,
        "Pod" => core::Pod,
        "ResourceQuota" => core::ResourceQuota,
        "Secret" => core::Secret,
        "ServiceAccount" => core::ServiceAccount,
        "Service" => core::Service,
        "ControllerRevision" => apps::ControllerRevision,
        "DaemonSet" => apps::DaemonSet,
        "Deployment" => apps::Deployment,
        "ReplicaSet" => apps::ReplicaSet,
        "StatefulSet" => apps::StatefulSet,
        "Job" => batch::Job,
        "Lease" => coordination::Lease,
        "EndpointSlice" => discovery::EndpointSlice,
        "ClusterRoleBinding" => rbac::ClusterRoleBinding,
        "ClusterRole" => rbac::ClusterRole,
        "RoleBinding" => rbac::RoleBinding,
        "Role" => rbac::Role,
        "PodDisruptionBudget" => policy::PodDisruptionBudget,
        "PriorityClass" => scheduling::PriorityClass,
    })
}

fn named<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> String {
    generator.subschema_for::<T>();
    T::schema_name().into_owned()
}
