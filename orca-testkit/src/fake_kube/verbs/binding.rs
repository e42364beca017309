//! Binding a pod to a node.

use serde_json::{Value, json};

use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::{ApiError, Cause};
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::resource::{PODS, Resource};
use crate::fake_kube::route::Place;
use crate::fake_kube::store::{Store, Write};

/// How error messages name this.
const WHAT: &str = "pods/binding";

pub(super) fn bind(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let body = request.json()?;
    let name = match &place.name {
        Some(name) => name.clone(),
        None => body["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
    };
    let target = &body["target"];
    let node = target["name"].as_str().unwrap_or_default();
    if node.is_empty() {
        return Err(invalid(&name, Cause::required("target.name", "")));
    }
    let kind = target["kind"].as_str().unwrap_or_default();
    if !matches!(kind, "" | "Node") {
        return Err(invalid(&name, Cause::not_supported("target.kind", &json!(kind), &["Node", "<empty>"])));
    }
    let uid = body["metadata"]["uid"].as_str().unwrap_or_default();
    assign(&cluster.store, (place.space(), &name), uid, node, request.write()?)?;
    let status =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok(Answer::json(201, &status))
}

fn invalid(name: &str, cause: Cause) -> ApiError {
    let mut error = ApiError::invalid(&PODS, name, &[cause]);
    error.message = error.message.replacen("Pod ", "Binding ", 1);
    error
}

/// Binds a pod: once, and not one that is being deleted. An empty UID means any pod of this
/// name.
pub(crate) fn assign(
    store: &Store,
    (namespace, name): (&str, &str),
    uid: &str,
    node: &str,
    write: Write,
) -> Result<(), ApiError> {
    let now = crate::fake_kube::time::seconds(store.now());
    let conflict = |why: &str| {
        let mut error = ApiError::conflict(&PODS, name, why);
        error.message = format!("Operation cannot be fulfilled on {WHAT} \"{name}\": {why}");
        if let Some(details) = &mut error.details {
            details["kind"] = WHAT.into();
        }
        error
    };
    let bound = |pod: &mut Value| {
        let found = pod["metadata"]["uid"].as_str().unwrap_or_default();
        if !uid.is_empty() && uid != found {
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {found}");
            return Err(conflict(&why));
        }
        if pod["metadata"]["deletionTimestamp"].is_string() {
            return Err(conflict(&format!("pod {name} is being deleted, cannot be assigned to a host")));
        }
        if let Some(other) = pod["spec"]["nodeName"].as_str().filter(|other| !other.is_empty()) {
            return Err(conflict(&format!("pod {name} is already assigned to node \"{other}\"")));
        }
        if pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
            return Err(conflict(&format!("pod {name} has non-empty .spec.schedulingGates")));
        }
        pod["spec"]["nodeName"] = node.into();
        let scheduled = json!({
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": null,
            "lastTransitionTime": now,
        });
        let conditions = pod["status"]["conditions"].take();
        let mut conditions = conditions.as_array().cloned().unwrap_or_default();
        conditions.retain(|condition| condition["type"] != "PodScheduled");
        conditions.push(scheduled);
        pod["status"]["conditions"] = conditions.into();
        Ok(())
    };
    let resource: &Resource = &PODS;
    store.update_with(resource, (namespace, name), write, bound).map(|_| ())
}
