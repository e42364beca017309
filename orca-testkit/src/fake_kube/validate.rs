//! What makes an object invalid, in the words of the API server.

mod amount;
mod name;
mod pod;
mod workload;

use serde_json::{Value, json};

use super::error::Cause;
use super::resource::Resource;
use super::route::Place;

/// Everything that is wrong with a new object.
pub(crate) fn created(resource: &Resource, value: &Value) -> Vec<Cause> {
    let mut found = Vec::new();
    name::metadata(resource, &value["metadata"], &mut found);
    content(resource, value, &mut found);
    if resource.kind == "Pod" {
        pod::created(&value["spec"], &mut found);
    }
    found
}

/// Everything that is wrong with a change of an object.
pub(crate) fn changed(place: &Place, old: &Value, new: &Value) -> Vec<Cause> {
    let resource = place.resource;
    let mut found = Vec::new();
    name::labels("metadata", &new["metadata"], &mut found);
    finalizers(old, new, &mut found);
    if !place.below().is_empty() {
        return found;
    }
    if resource.kind == "Pod" {
        pod::changed(&old["spec"], &new["spec"], &mut found);
    }
    content(resource, new, &mut found);
    workload::changed(resource, &old["spec"], &new["spec"], &mut found);
    let is_immutable = matches!(resource.kind, "ConfigMap" | "Secret") && old["immutable"] == true;
    if is_immutable && old["data"] != new["data"] {
        found.push(Cause::forbidden("data", "field is immutable when `immutable` is set"));
    }
    found
}

/// Nothing that ends gets a new reason to stay.
fn finalizers(old: &Value, new: &Value, found: &mut Vec<Cause>) {
    if !old["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    let before = old["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let after = new["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    let added: Vec<&Value> = after.iter().filter(|name| !before.contains(name)).collect();
    if !added.is_empty() {
        let texts: Vec<&str> = added.iter().filter_map(|name| name.as_str()).collect();
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers {}",
            quoted(&texts)
        );
        found.push(Cause::forbidden("metadata.finalizers", &detail));
    }
}

fn quoted(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    format!("[]string{{{}}}", texts.join(", "))
}

fn content(resource: &Resource, value: &Value, found: &mut Vec<Cause>) {
    match resource.kind {
        "Pod" => pod::spec("spec", &value["spec"], found),
        "Job" | "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
            workload::content(resource, value, found);
        }
        "Lease" => lease(&value["spec"], found),
        "Event" => event(value, found),
        "ConfigMap" | "Secret" => keys(&value["data"], found),
        _ => {}
    }
}

fn lease(spec: &Value, found: &mut Vec<Cause>) {
    for key in ["leaseDurationSeconds", "leaseTransitions"] {
        let least = i64::from(key == "leaseDurationSeconds");
        if let Some(number) = spec[key].as_i64()
            && number < least
        {
            let detail =
                if least == 1 { "must be greater than 0" } else { "must be greater than or equal to 0" };
            found.push(Cause::invalid(format!("spec.{key}"), &json!(number), detail));
        }
    }
}

/// An event lives where its object lives; for objects of the cluster, in `default` or `kube-system`.
fn event(value: &Value, found: &mut Vec<Cause>) {
    let about = value["involvedObject"]["namespace"].as_str().unwrap_or_default();
    let own = value["metadata"]["namespace"].as_str().unwrap_or_default();
    let is_right = if about.is_empty() { matches!(own, "default" | "kube-system") } else { about == own };
    if !is_right {
        let detail = "does not match event.namespace";
        found.push(Cause::invalid("involvedObject.namespace", &json!(about), detail));
    }
}

fn keys(data: &Value, found: &mut Vec<Cause>) {
    let is_good = |key: &str| {
        !key.is_empty()
            && key.len() <= 253
            && key != "."
            && !key.starts_with("..")
            && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
    };
    for key in data.as_object().into_iter().flat_map(|map| map.keys()).filter(|key| !is_good(key)) {
        let detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
                      'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
        found.push(Cause::invalid(format!("data[{key}]"), &json!(key), detail));
    }
}
