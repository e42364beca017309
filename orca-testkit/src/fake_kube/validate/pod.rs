//! The content of pods and of their templates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{amount, name};
use crate::fake_kube::error::Cause;

const UPDATES: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The spec of a pod at this path.
pub(super) fn spec(path: &str, spec: &Value, found: &mut Vec<Cause>) {
    let volumes = volumes(path, spec, found);
    let list = |key: &str| spec[key].as_array().map(Vec::as_slice).unwrap_or_default();
    if list("containers").is_empty() {
        found.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    for key in ["containers", "initContainers"] {
        for (at, container) in list(key).iter().enumerate() {
            let path = format!("{path}.{key}[{at}]");
            self::container(&path, container, &volumes, found);
            let name = container["name"].as_str().unwrap_or_default();
            if !name.is_empty() && !names.insert(name) {
                found.push(Cause::duplicate(format!("{path}.name"), &container["name"]));
            }
        }
    }
    one_of(path, "restartPolicy", spec, &["Always", "OnFailure", "Never"], found);
    one_of(path, "dnsPolicy", spec, &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], found);
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64()
        && seconds < 1
    {
        let field = format!("{path}.activeDeadlineSeconds");
        found.push(Cause::invalid(field, &json!(seconds), "must be between 1 and 2147483647, inclusive"));
    }
    if let Some(seconds) = spec["terminationGracePeriodSeconds"].as_i64()
        && seconds < 0
    {
        let field = format!("{path}.terminationGracePeriodSeconds");
        found.push(Cause::invalid(field, &json!(seconds), "must be greater than or equal to 0"));
    }
}

/// What only a new pod may not be.
pub(super) fn created(spec: &Value, found: &mut Vec<Cause>) {
    let is_bound = spec["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    if is_bound && !gates(spec).is_empty() {
        let detail = "cannot be set until all schedulingGates have been cleared";
        found.push(Cause::forbidden("spec.nodeName", detail));
    }
}

/// The names of the gates that keep the scheduler away.
fn gates(spec: &Value) -> Vec<&str> {
    let gates = spec["schedulingGates"].as_array().into_iter().flatten();
    gates.filter_map(|gate| gate["name"].as_str()).collect()
}

/// Gates may only be taken away. Until the last is gone, more may be asked of the node.
fn gates_changed(old: &Value, new: &Value, allowed: &mut Value, found: &mut Vec<Cause>) {
    let before = gates(old);
    for (at, gate) in gates(new).into_iter().enumerate().filter(|(_, gate)| !before.contains(gate)) {
        let detail = format!("only deletion is allowed, but found new scheduling gate '{gate}'");
        found.push(Cause::forbidden(format!("spec.schedulingGates[{at}].name"), &detail));
    }
    put(allowed, "schedulingGates", old);
    if before.is_empty() {
        return;
    }
    let keeps = |(key, value): (&String, &Value)| new["nodeSelector"].get(key) == Some(value);
    if !old["nodeSelector"].as_object().into_iter().flatten().all(keeps) {
        let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
        found.push(Cause::invalid("spec.nodeSelector", &new["nodeSelector"], detail));
    }
    put(allowed, "nodeSelector", old);
}

fn one_of(path: &str, key: &str, value: &Value, known: &[&str], found: &mut Vec<Cause>) {
    match value[key].as_str() {
        None | Some("") => found.push(Cause::required(format!("{path}.{key}"), "")),
        Some(word) if known.contains(&word) => {}
        Some(_) => found.push(Cause::not_supported(format!("{path}.{key}"), &value[key], known)),
    }
}

fn volumes<'v>(path: &str, spec: &'v Value, found: &mut Vec<Cause>) -> BTreeSet<&'v str> {
    let mut names = BTreeSet::new();
    for (at, volume) in spec["volumes"].as_array().into_iter().flatten().enumerate() {
        let field = format!("{path}.volumes[{at}].name");
        name::part(&field, &volume["name"], found);
        let name = volume["name"].as_str().unwrap_or_default();
        if !name.is_empty() && !names.insert(name) {
            found.push(Cause::duplicate(field, &volume["name"]));
        }
    }
    names
}

fn container(path: &str, container: &Value, volumes: &BTreeSet<&str>, found: &mut Vec<Cause>) {
    name::part(&format!("{path}.name"), &container["name"], found);
    let image = container["image"].as_str().unwrap_or_default();
    if image.is_empty() {
        found.push(Cause::required(format!("{path}.image"), ""));
    } else if image.trim() != image {
        let detail = "must not have leading or trailing whitespace";
        found.push(Cause::invalid(format!("{path}.image"), &container["image"], detail));
    }
    one_of(path, "imagePullPolicy", container, &["Always", "IfNotPresent", "Never"], found);
    amount::resources(&format!("{path}.resources"), &container["resources"], found);
    for (at, mount) in container["volumeMounts"].as_array().into_iter().flatten().enumerate() {
        let path = format!("{path}.volumeMounts[{at}]");
        let name = mount["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            found.push(Cause::required(format!("{path}.name"), ""));
        } else if !volumes.contains(name) {
            let message = format!("Not found: \"{name}\"");
            found.push(Cause { reason: "FieldValueNotFound", field: format!("{path}.name"), message });
        }
        if mount["mountPath"].as_str().unwrap_or_default().is_empty() {
            found.push(Cause::required(format!("{path}.mountPath"), ""));
        }
    }
    for (at, variable) in container["env"].as_array().into_iter().flatten().enumerate() {
        if variable["name"].as_str().unwrap_or_default().is_empty() {
            found.push(Cause::required(format!("{path}.env[{at}].name"), ""));
        }
    }
    for (at, port) in container["ports"].as_array().into_iter().flatten().enumerate() {
        let number = port["containerPort"].as_i64().unwrap_or(0);
        if !(1..=65535).contains(&number) {
            let field = format!("{path}.ports[{at}].containerPort");
            found.push(Cause::invalid(field, &json!(number), "must be between 1 and 65535, inclusive"));
        }
    }
}

/// What may change of a pod: images, a deadline, more tolerations, fewer scheduling gates.
pub(super) fn changed(old: &Value, new: &Value, found: &mut Vec<Cause>) {
    let mut allowed = new.clone();
    for key in ["containers", "initContainers"] {
        let before = old[key].as_array().cloned().unwrap_or_default();
        let after = allowed.get_mut(key).and_then(Value::as_array_mut);
        for (at, container) in after.into_iter().flatten().enumerate() {
            if let Some(image) = before.get(at).map(|before| before["image"].clone()) {
                container["image"] = image;
            }
        }
    }
    let (deadline, wanted) = (old["activeDeadlineSeconds"].as_i64(), new["activeDeadlineSeconds"].as_i64());
    if let Some(old_seconds) = deadline
        && wanted.is_none_or(|seconds| seconds > old_seconds)
    {
        let field = "spec.activeDeadlineSeconds";
        let detail = "must be less than or equal to previous value";
        found.push(match wanted {
            Some(seconds) => Cause::invalid(field, &json!(seconds), detail),
            None => {
                Cause::invalid(field, &Value::Null, "must not update from a positive integer to nil value")
            }
        });
    }
    put(&mut allowed, "activeDeadlineSeconds", old);
    gates_changed(old, new, &mut allowed, found);
    if tolerations_grow(&old["tolerations"], &new["tolerations"]) {
        put(&mut allowed, "tolerations", old);
    }
    let is_negative = old["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0);
    if is_negative && new["terminationGracePeriodSeconds"] == 1 {
        put(&mut allowed, "terminationGracePeriodSeconds", old);
    }
    if allowed != *old {
        found.push(Cause::forbidden("spec", UPDATES));
    }
}

/// Tolerations may be added, and the seconds of those that are there may change.
fn tolerations_grow(old: &Value, new: &Value) -> bool {
    let bare = |toleration: &Value| {
        let mut toleration = toleration.clone();
        if let Some(map) = toleration.as_object_mut() {
            map.remove("tolerationSeconds");
        }
        toleration
    };
    let new: Vec<Value> = new.as_array().into_iter().flatten().map(bare).collect();
    old.as_array().into_iter().flatten().all(|toleration| new.contains(&bare(toleration)))
}

fn put(value: &mut Value, key: &str, from: &Value) {
    if let Some(map) = value.as_object_mut() {
        match from.get(key) {
            Some(part) => map.insert(key.to_owned(), part.clone()),
            None => map.remove(key),
        };
    }
}
