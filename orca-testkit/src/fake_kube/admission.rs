//! What the server's admission adds to new objects, beyond plain defaults.

use serde_json::{Value, json};

use super::error::ApiError;
use super::resource::{NODES, PODS, PRIORITYCLASSES, Resource, SERVICEACCOUNTS};
use super::store::Store;

const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How long a pod stays on a node that is not ready or not to be reached, if it says nothing else.
const PATIENCE_SECONDS: i64 = 300;

/// Completes a new object; `Forbidden` when it relies on something that does not exist.
pub(crate) fn created(store: &Store, resource: &Resource, value: &mut Value) -> Result<(), ApiError> {
    match resource.kind {
        "Pod" => pod(store, value),
        "Job" => {
            job(store, value);
            Ok(())
        }
        "Node" => {
            node(value);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What is added to an object that is changed: an old client may have left out what was added before.
pub(super) fn changed(resource: &Resource, value: &mut Value) {
    if resource.kind == "Pod" && value["spec"].is_object() {
        tolerations(&mut value["spec"]);
    }
}

fn pod(store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    if !pod["spec"].is_object() {
        return Ok(());
    }
    account(store, pod)?;
    priority(store, pod)?;
    tolerations(&mut pod["spec"]);
    gated(store, pod);
    Ok(())
}

/// What a pod shows that no scheduler may place yet.
fn gated(store: &Store, pod: &mut Value) {
    let is_gated = pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
    if is_gated {
        pod["status"]["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null, "lastTransitionTime": super::time::seconds(store.now()),
        }]);
    }
}

fn name_of(value: &Value) -> &str {
    let metadata = &value["metadata"];
    metadata["name"].as_str().or(metadata["generateName"].as_str()).unwrap_or_default()
}

/// The service account, and the volume with its token.
fn account(store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let name = name_of(pod).to_owned();
    // A mirror of a static pod runs without an account.
    if pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string() {
        return Ok(());
    }
    let spec = &mut pod["spec"];
    let account = match spec["serviceAccountName"].as_str() {
        None | Some("") => "default".to_owned(),
        Some(account) => account.to_owned(),
    };
    spec["serviceAccountName"] = account.clone().into();
    spec["serviceAccount"] = account.clone().into();
    let Ok(found) = store.get(&SERVICEACCOUNTS, &namespace, &account) else {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
        );
        // The store refuses an unknown namespace.
        return match store.get(&super::resource::NAMESPACES, "", &namespace) {
            Ok(_) => Err(ApiError::forbidden(&PODS, &name, &why)),
            Err(_) => Ok(()),
        };
    };
    if spec["imagePullSecrets"].is_null() && found.value()["imagePullSecrets"].is_array() {
        spec["imagePullSecrets"] = found.value()["imagePullSecrets"].clone();
    }
    let own = spec["automountServiceAccountToken"].as_bool();
    if own.or(found.value()["automountServiceAccountToken"].as_bool()).unwrap_or(true) {
        mount_token(store, spec);
    }
    Ok(())
}

fn mount_token(store: &Store, spec: &mut Value) {
    let volume = format!("kube-api-access-{}", store.suffix(5));
    let mount = json!({ "name": volume, "readOnly": true, "mountPath": TOKEN_FOLDER });
    let mut is_used = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
            if mounts.iter().all(|mount| mount["mountPath"] != TOKEN_FOLDER) {
                is_used = true;
                container["volumeMounts"] = mounts.into_iter().chain([mount.clone()]).collect();
            }
        }
    }
    if !is_used {
        return;
    }
    let field =
        json!({ "path": "namespace", "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } });
    let source = json!({
        "name": volume,
        "projected": {
            "defaultMode": 0o644,
            "sources": [
                { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
                { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
                { "downwardAPI": { "items": [field] } },
            ],
        },
    });
    let volumes = spec["volumes"].as_array().cloned().unwrap_or_default();
    spec["volumes"] = volumes.into_iter().chain([source]).collect();
}

fn priority(store: &Store, pod: &mut Value) -> Result<(), ApiError> {
    let name = name_of(pod).to_owned();
    let spec = &mut pod["spec"];
    let class = spec["priorityClassName"].as_str().unwrap_or_default().to_owned();
    let (number, policy) = if class.is_empty() {
        (0, "PreemptLowerPriority".to_owned())
    } else {
        let found = store.get(&PRIORITYCLASSES, "", &class).map_err(|_| {
            ApiError::forbidden(&PODS, &name, &format!("no PriorityClass with name {class} was found"))
        })?;
        let policy = found.text("/preemptionPolicy");
        let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
        (found.number("/value").unwrap_or(0), policy.to_owned())
    };
    if spec["priority"].as_i64().is_some_and(|given| given != number) {
        let why = format!(
            "the integer value of priority ({}) must not be provided in pod spec; priority admission \
             controller computed {number} from the given PriorityClass name",
            spec["priority"]
        );
        return Err(ApiError::forbidden(&PODS, &name, &why));
    }
    spec["priority"] = number.into();
    if spec["preemptionPolicy"].is_null() {
        spec["preemptionPolicy"] = policy.into();
    }
    Ok(())
}

fn tolerations(spec: &mut Value) {
    let mut list = spec["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let is_tolerated = list.iter().any(|one| {
            let (named, effect) =
                (one["key"].as_str().unwrap_or_default(), one["effect"].as_str().unwrap_or_default());
            (named == key || named.is_empty()) && matches!(effect, "NoExecute" | "")
        });
        if !is_tolerated {
            list.push(json!({
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": PATIENCE_SECONDS,
            }));
        }
    }
    spec["tolerations"] = list.into();
}

/// A job gets its name and UID early, because its labels and its selector carry them.
fn job(store: &Store, job: &mut Value) {
    let prefix = job["metadata"]["generateName"].as_str().unwrap_or_default().to_owned();
    if job["metadata"]["name"].as_str().unwrap_or_default().is_empty() && !prefix.is_empty() {
        job["metadata"]["name"] = format!("{prefix}{}", store.suffix(5)).into();
    }
    if !job["spec"].is_object() || job["spec"]["manualSelector"] == true {
        return;
    }
    let uid = store.uid();
    let name = job["metadata"]["name"].clone();
    job["metadata"]["uid"] = uid.clone().into();
    let labels = &mut job["spec"]["template"]["metadata"]["labels"];
    for key in ["batch.kubernetes.io/controller-uid", "controller-uid"] {
        labels[key] = uid.clone().into();
    }
    for key in ["batch.kubernetes.io/job-name", "job-name"] {
        labels[key] = name.clone();
    }
    job["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid.into();
}

/// A new node takes no pods until the node lifecycle controller has seen that it is ready.
fn node(node: &mut Value) {
    let key = "node.kubernetes.io/not-ready";
    let mut taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    if taints.iter().all(|taint| taint["key"] != key || taint["effect"] != "NoSchedule") {
        taints.push(json!({ "key": key, "effect": "NoSchedule" }));
    }
    debug_assert_eq!(node["kind"], NODES.kind);
    node["spec"]["taints"] = taints.into();
}
