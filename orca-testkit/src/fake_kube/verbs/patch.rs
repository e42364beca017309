//! Changing an object by a patch of one of four kinds.

use serde_json::Value;

use super::create::{check_type, prepare, resolve_namespace, warn};
use super::read::show;
use super::update::{check_version, prepare_update};
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::{ApiError, Cause};
use crate::fake_kube::object::Object;
use crate::fake_kube::patch::{apply, json, managers, merge, strategic};
use crate::fake_kube::request::{ApiRequest, decode_json, decode_yaml};
use crate::fake_kube::route::Place;
use crate::fake_kube::schema::{self, Validation};
use crate::fake_kube::view;

const APPLY: &str = "application/apply-patch+yaml";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json-patch+json";

enum Patch {
    Json(Value),
    Merge(Value),
    Strategic(Value),
    Apply(Value, managers::Wish),
}

pub(super) fn patch(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let validation = Validation::parse(request.parameter("fieldValidation"))?;
    let patch = read(request, place)?;
    let now = cluster.store.now();
    if let Patch::Apply(value, wish) = &patch
        && cluster.store.get(place.resource, place.space(), place.title()).is_err()
        && place.below().is_empty()
    {
        let (prepared, warnings) = prepare(cluster, place, value.clone(), validation)?;
        let value = managers::applied(place.resource, prepared, value, wish, now);
        let created = cluster.store.create_with(place.resource, value, request.write()?)?;
        return Ok(warn(show(cluster, request, place, 201, &created), &warnings));
    }
    let mut warnings = Vec::new();
    let manager = request.manager();
    let key = (place.space(), place.title());
    let written = cluster.store.replace(place.resource, key, request.write()?, |old| {
        let mut new = patched(place, &patch, old)?;
        check_version(place.resource, old, &new)?;
        check_identity(place, old, &new)?;
        warnings = schema::normalise(place.resource, &mut new, validation)?;
        let new = prepare_update(place, old, new)?;
        match &patch {
            Patch::Apply(config, wish) => Ok(managers::reapplied(place, old, new, config, (wish, now))),
            Patch::Json(_) | Patch::Merge(_) | Patch::Strategic(_) => {
                Ok(managers::updated(place, old, new, &manager, now))
            }
        }
    })?;
    Ok(warn(show(cluster, request, place, 200, &written), &warnings))
}

fn read(request: &ApiRequest, place: &Place) -> Result<Patch, ApiError> {
    match request.content_type() {
        JSON => Ok(Patch::Json(decode_json(&request.body)?)),
        MERGE => Ok(Patch::Merge(decode_json(&request.body)?)),
        STRATEGIC => Ok(Patch::Strategic(decode_json(&request.body)?)),
        APPLY => {
            let mut value = decode_yaml(&request.body)?;
            check_type(place.resource, &mut value)?;
            resolve_namespace(place, &mut value)?;
            let manager = request.parameter("fieldManager").to_owned();
            if manager.is_empty() {
                let cause = Cause::required("fieldManager", "is required for apply patch");
                let text =
                    format!("PatchOptions.meta.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
                return Err(ApiError::unprocessable(text));
            }
            if value["metadata"]["managedFields"].as_array().is_some_and(|fields| !fields.is_empty()) {
                return Err(ApiError::bad_request("metadata.managedFields must be nil"));
            }
            Ok(Patch::Apply(value, managers::Wish { manager, force: request.is_on("force") }))
        }
        _ => Err(ApiError::unsupported("415: Unsupported Media Type")),
    }
}

/// The object with the patch, in the stored shape. The closure may run once only, so that nothing is kept.
fn patched(place: &Place, patch: &Patch, old: &Object) -> Result<Value, ApiError> {
    let shown = || view::outward(place.resource, old.value().clone());
    let new = match patch {
        Patch::Json(patch) => json::patch(shown(), patch)?,
        Patch::Merge(patch) => merge::patch(shown(), patch),
        Patch::Strategic(patch) => strategic::patch(shown(), patch)?,
        Patch::Apply(config, wish) => apply::patch(place.resource, old, config, wish)?,
    };
    Ok(view::inward(place.resource, new))
}

/// Names and UID cannot be patched.
fn check_identity(place: &Place, old: &Object, new: &Value) -> Result<(), ApiError> {
    let name = new["metadata"]["name"].as_str().unwrap_or_default();
    if name != old.name() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            place.title()
        )));
    }
    let uid = &new["metadata"]["uid"];
    if uid.as_str().is_some_and(|uid| !uid.is_empty() && uid != old.uid()) {
        let cause = Cause::invalid("metadata.uid", uid, "field is immutable");
        return Err(ApiError::invalid(place.resource, old.name(), &[cause]));
    }
    Ok(())
}
