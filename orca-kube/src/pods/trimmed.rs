//! A pod as it is kept: without the parts that nothing here reads.
//!
//! `metadata.managedFields` is half of the text. It is skipped while the JSON is parsed: every write comes back twice, as an
//! answer and as an event, and building those trees only to drop them would take a good part of the program's time. What
//! containers are started with, volumes above all, is half of the memory of a node with very many pods, and is dropped.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use kube::Resource;
use serde::{Deserialize, Deserializer};

/// A pod without `metadata.managedFields`, without volumes, and without what its containers are started with: mounts,
/// environment, probes and hooks.
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
        let Sections { metadata, mut spec, mut status } = Sections::deserialize(deserializer)?;
        if let Some(spec) = &mut spec {
            trim_spec(spec);
        }
        if let Some(status) = &mut status {
            trim_status(status);
        }
        Ok(Self(Pod { metadata: metadata.into(), spec, status }))
    }
}

fn trim_spec(spec: &mut PodSpec) {
    spec.volumes = None;
    spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()).for_each(trim_container);
    spec.containers.shrink_to_fit();
    spec.init_containers.iter_mut().for_each(Vec::shrink_to_fit);
    spec.tolerations.iter_mut().for_each(Vec::shrink_to_fit);
}

fn trim_container(container: &mut Container) {
    container.volume_mounts = None;
    container.volume_devices = None;
    container.env = None;
    container.env_from = None;
    container.liveness_probe = None;
    container.readiness_probe = None;
    container.startup_probe = None;
    container.lifecycle = None;
}

/// A parsed list has room for more, and one container's status takes most of a kilobyte.
fn trim_status(status: &mut PodStatus) {
    status.container_statuses.iter_mut().for_each(Vec::shrink_to_fit);
    status.init_container_statuses.iter_mut().for_each(Vec::shrink_to_fit);
    status.conditions.iter_mut().for_each(Vec::shrink_to_fit);
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
    fn nothing_but_the_ownership_of_fields_and_what_starts_containers_is_left_out() {
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
            "spec": {
                "nodeName": "n",
                "restartPolicy": "Never",
                "containers": [{ "name": "main", "image": "i", "resources": { "limits": { "cpu": "1" } } }],
                "initContainers": [{ "name": "first", "image": "i", "restartPolicy": "Always" }],
                "tolerations": [{ "operator": "Exists" }],
            },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] },
        });
        let mut whole: Pod = serde_json::from_value(value.clone()).expect("a pod");
        whole.metadata.managed_fields = None;
        let mut value = value;
        let dropped = serde_json::json!({
            "volumeMounts": [{ "name": "v", "mountPath": "/v" }],
            "volumeDevices": [{ "name": "v", "devicePath": "/dev/v" }],
            "env": [{ "name": "A", "value": "b" }],
            "envFrom": [{ "configMapRef": { "name": "c" } }],
            "livenessProbe": { "tcpSocket": { "port": 1 } },
            "readinessProbe": { "tcpSocket": { "port": 1 } },
            "startupProbe": { "tcpSocket": { "port": 1 } },
            "lifecycle": { "preStop": { "sleep": { "seconds": 1 } } },
        });
        value["spec"]["volumes"] = serde_json::json!([{ "name": "v", "emptyDir": {} }]);
        for list in ["containers", "initContainers"] {
            let container = value["spec"][list][0].as_object_mut().expect("a container");
            container.extend(dropped.as_object().expect("an object").clone());
        }
        let trimmed: TrimmedPod = serde_json::from_value(value).expect("a pod");
        assert_eq!(trimmed.0, whole);
    }
}
