//! The scale of deployments and replica sets.

use http::Method;
use serde_json::{Value, json};

use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::{ApiError, Cause};
use crate::fake_kube::object::Object;
use crate::fake_kube::patch::{json as json_patch, merge};
use crate::fake_kube::request::{ApiRequest, decode_json};
use crate::fake_kube::route::Place;

pub(super) fn scale(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let key = (place.space(), place.title());
    if request.method == Method::GET {
        return Ok(Answer::json(200, &of(&*cluster.store.get(place.resource, key.0, key.1)?)));
    }
    let body = if request.method == Method::PATCH { decode_json(&request.body)? } else { request.json()? };
    let written = cluster.store.replace(place.resource, key, request.write()?, |old| {
        let wanted = match (&request.method, request.content_type()) {
            (&Method::PUT, _) => body,
            (&Method::PATCH, "application/json-patch+json") => json_patch::patch(of(old), &body)?,
            (&Method::PATCH, _) => merge::patch(of(old), &body),
            _ => return Err(ApiError::method_not_allowed()),
        };
        super::update::check_version(place.resource, old, &wanted)?;
        let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
        if replicas < 0 {
            let detail = "must be greater than or equal to 0";
            let cause = Cause::invalid("spec.replicas", &json!(replicas), detail);
            return Err(ApiError::invalid(place.resource, old.name(), &[cause]));
        }
        let mut new = old.value().clone();
        new["spec"]["replicas"] = replicas.into();
        Ok(new)
    })?;
    Ok(Answer::json(200, &of(&written)))
}

fn of(object: &Object) -> Value {
    let labels = object.value()["spec"]["selector"]["matchLabels"].as_object();
    let selector: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object.name(),
            "namespace": object.namespace(),
            "uid": object.uid(),
            "resourceVersion": object.version().to_string(),
            "creationTimestamp": object.text("/metadata/creationTimestamp"),
        },
        "spec": { "replicas": object.number("/spec/replicas").unwrap_or(0) },
        "status": {
            "replicas": object.number("/status/replicas").unwrap_or(0),
            "selector": selector.join(","),
        },
    })
}
