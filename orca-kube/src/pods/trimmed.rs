//! A pod without `metadata.managedFields`, which is half of the object and is not used here.
//!
//! The field is skipped while the JSON is parsed. Every write comes back twice, as an answer and as an event, and building
//! those trees only to drop them would take a good part of the program's time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Pod, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use serde::{Deserialize, Deserializer};

/// A pod without `metadata.managedFields`.
#[derive(Clone, Debug)]
pub(super) struct TrimmedPod(pub(super) Pod);

impl Resource for TrimmedPod {
    type DynamicType = ();
    type Scope = <Pod as Resource>::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        <Pod as Resource>::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        <Pod as Resource>::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        <Pod as Resource>::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        <Pod as Resource>::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.0.metadata
    }
}

#[derive(Deserialize)]
struct Sections {
    metadata: Meta,
    spec: Option<PodSpec>,
    status: Option<PodStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    annotations: Option<BTreeMap<String, String>>,
    creation_timestamp: Option<Time>,
    deletion_grace_period_seconds: Option<i64>,
    deletion_timestamp: Option<Time>,
    finalizers: Option<Vec<String>>,
    generate_name: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    name: Option<String>,
    namespace: Option<String>,
    owner_references: Option<Vec<OwnerReference>>,
    resource_version: Option<String>,
    self_link: Option<String>,
    uid: Option<String>,
}

impl<'de> Deserialize<'de> for TrimmedPod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Sections { metadata, spec, status } = Sections::deserialize(deserializer)?;
        Ok(Self(Pod { metadata: metadata.into(), spec, status }))
    }
}

impl From<Meta> for ObjectMeta {
    fn from(meta: Meta) -> Self {
        Self {
            annotations: meta.annotations,
            creation_timestamp: meta.creation_timestamp,
            deletion_grace_period_seconds: meta.deletion_grace_period_seconds,
            deletion_timestamp: meta.deletion_timestamp,
            finalizers: meta.finalizers,
            generate_name: meta.generate_name,
            generation: meta.generation,
            labels: meta.labels,
            managed_fields: None,
            name: meta.name,
            namespace: meta.namespace,
            owner_references: meta.owner_references,
            resource_version: meta.resource_version,
            self_link: meta.self_link,
            uid: meta.uid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_the_ownership_of_fields_is_left_out() {
        let value = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "annotations": { "a": "b" },
                "creationTimestamp": "2026-11-24T10:00:00Z",
                "deletionGracePeriodSeconds": 30,
                "deletionTimestamp": "2026-11-24T10:01:00Z",
                "finalizers": ["example.com/f"],
                "generateName": "p-",
                "generation": 2,
                "labels": { "c": "d" },
                "managedFields": [{ "manager": "m", "operation": "Update", "fieldsV1": { "f:status": {} } }],
                "name": "p-1",
                "namespace": "ml",
                "ownerReferences": [{ "apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u" }],
                "resourceVersion": "7",
                "selfLink": "/p-1",
                "uid": "u-1",
            },
            "spec": { "nodeName": "n", "containers": [{ "name": "main", "image": "i" }] },
            "status": { "phase": "Running" },
        });
        let mut whole: Pod = serde_json::from_value(value.clone()).expect("a pod");
        whole.metadata.managed_fields = None;
        let trimmed: TrimmedPod = serde_json::from_value(value).expect("a pod");
        assert_eq!(trimmed.0, whole);
    }
}
