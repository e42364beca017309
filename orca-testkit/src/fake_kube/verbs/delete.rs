//! Deleting one object, or all that are selected.

use serde_json::{Value, json};

use super::list::select;
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::resource::Resource;
use crate::fake_kube::route::Place;
use crate::fake_kube::store::{DeleteOptions, Deleted, Propagation, Write};
use crate::fake_kube::view;

pub(super) fn delete(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let options = options(request)?;
    let deleted = cluster.store.delete(place.resource, place.space(), place.title(), &options)?;
    Ok(match &deleted {
        Deleted::Gone(object) if !place.resource.returns_deleted => {
            Answer::json(200, &success(place.resource, object))
        }
        Deleted::Gone(object) | Deleted::Pending(object) => {
            Answer::bytes(200, view::bytes(place.resource, object))
        }
    })
}

pub(super) fn collection(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    if place.resource.namespaced && place.namespace.is_none() {
        return Err(ApiError::method_not_allowed());
    }
    let options = options(request)?;
    let selector = request.selector(place.resource)?;
    let (objects, _) = select(cluster, place, &selector);
    let mut items = Vec::new();
    for object in objects {
        match cluster.store.delete(place.resource, object.namespace(), object.name(), &options) {
            Ok(_) => items.push(view::outward(place.resource, object.value().clone())),
            // Somebody else was quicker.
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let list = json!({
        "kind": format!("{}List", place.resource.kind),
        "apiVersion": place.resource.api_version(),
        "metadata": { "resourceVersion": cluster.store.revision().to_string() },
        "items": items,
    });
    Ok(Answer::json(200, &list))
}

fn success(resource: &Resource, object: &Object) -> Value {
    let mut details = json!({ "name": object.name(), "kind": resource.plural, "uid": object.uid() });
    if !resource.group.is_empty() {
        details["group"] = resource.group.into();
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// From the body, or else from the query.
fn options(request: &ApiRequest) -> Result<DeleteOptions, ApiError> {
    let body = if request.body.is_empty() {
        json!({
            "gracePeriodSeconds": request.parameter("gracePeriodSeconds").parse::<i64>().ok(),
            "propagationPolicy": request.parameter("propagationPolicy"),
        })
    } else {
        request.json()?
    };
    let mut options = of_body(&body)?;
    options.dry_run |= request.write()? == Write::DryRun;
    Ok(options)
}

/// Reads a `DeleteOptions` object.
pub(super) fn of_body(body: &Value) -> Result<DeleteOptions, ApiError> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let propagation = match body["propagationPolicy"].as_str().unwrap_or_default() {
        "" if body["orphanDependents"] == true => Some(Propagation::Orphan),
        "" => None,
        "Background" => Some(Propagation::Background),
        "Foreground" => Some(Propagation::Foreground),
        "Orphan" => Some(Propagation::Orphan),
        other => {
            return Err(ApiError::unprocessable(format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": \
                 supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
            )));
        }
    };
    Ok(DeleteOptions {
        grace_period_seconds: body["gracePeriodSeconds"].as_i64(),
        uid: text(&body["preconditions"]["uid"]),
        resource_version: text(&body["preconditions"]["resourceVersion"]),
        propagation,
        dry_run: body["dryRun"].as_array().is_some_and(|list| list.iter().any(|word| word == "All")),
    })
}
