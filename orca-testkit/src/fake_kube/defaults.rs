//! What the server fills in that the client left out.

mod apps;
mod container;
mod job;
mod pod;
mod volume;

pub(crate) use pod::quality;

use serde_json::{Map, Value, json};

use super::resource::Resource;

/// The defaults of a new object, and the status that it begins with.
pub(crate) fn created(resource: &Resource, value: &mut Value) {
    if let Some(metadata) = value["metadata"].as_object_mut() {
        // What the client says about these is not heard.
        for key in ["uid", "creationTimestamp", "resourceVersion", "generation", "selfLink"] {
            metadata.remove(key);
        }
    }
    changed(resource, value);
    match resource.kind {
        "Pod" => {
            pod::created(value);
            value["status"] = json!({ "phase": "Pending", "qosClass": quality(value) });
        }
        "Namespace" => {
            let name = value["metadata"]["name"].clone();
            value["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
            value["spec"] = json!({ "finalizers": ["kubernetes"] });
            value["status"] = json!({ "phase": "Active" });
        }
        "Job" | "Deployment" | "ReplicaSet" | "StatefulSet" => value["status"] = json!({}),
        // The fields of these statuses are always there.
        "DaemonSet" => {
            value["status"] = json!({
                "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
            });
        }
        "PodDisruptionBudget" => {
            value["status"] = json!({
                "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
            });
        }
        "PersistentVolume" | "PersistentVolumeClaim" => value["status"] = json!({ "phase": "Pending" }),
        _ => {}
    }
}

/// The defaults that an object gets with every write.
pub(crate) fn changed(resource: &Resource, value: &mut Value) {
    match resource.kind {
        "Pod" => pod::spec(&mut value["spec"]),
        "Job" => job::changed(value),
        "Deployment" => apps::deployment(&mut value["spec"]),
        "ReplicaSet" => apps::replica_set(&mut value["spec"]),
        "StatefulSet" => apps::stateful_set(&mut value["spec"]),
        "DaemonSet" => apps::daemon_set(&mut value["spec"]),
        "Service" => service(&mut value["spec"]),
        "Secret" => secret(value),
        "Node" => node(value),
        "PersistentVolumeClaim" => set(&mut value["spec"], "volumeMode", "Filesystem"),
        "PriorityClass" => set(value, "preemptionPolicy", "PreemptLowerPriority"),
        _ => {}
    }
}

/// Sets a field that is absent or null.
fn set(value: &mut Value, key: &str, default: impl Into<Value>) {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    if let Some(map) = value.as_object_mut()
        && map.get(key).is_none_or(Value::is_null)
    {
        map.insert(key.to_owned(), default.into());
    }
}

/// The items of a list, if it is there.
fn each<'v>(value: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Value> {
    value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

fn service(spec: &mut Value) {
    set(spec, "type", "ClusterIP");
    set(spec, "sessionAffinity", "None");
    set(spec, "internalTrafficPolicy", "Cluster");
    for port in each(spec, "ports") {
        set(port, "protocol", "TCP");
        let number = port["port"].clone();
        set(port, "targetPort", number);
    }
}

/// Text is kept as bytes, in base 64.
fn secret(value: &mut Value) {
    set(value, "type", "Opaque");
    let Some(Value::Object(texts)) = value.as_object_mut().and_then(|map| map.remove("stringData")) else {
        return;
    };
    for (key, text) in texts {
        let bytes = text.as_str().unwrap_or_default().as_bytes();
        value["data"][key] = data_encoding::BASE64.encode(bytes).into();
    }
}

fn node(value: &mut Value) {
    let capacity = value["status"]["capacity"].clone();
    if !capacity.is_null() {
        set(&mut value["status"], "allocatable", capacity);
    }
}
