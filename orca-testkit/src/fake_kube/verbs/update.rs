//! Replacing an object: optimistic concurrency, and which part of it a path may change.

use serde_json::Value;

use super::create::{check_type, prepare, resolve_namespace, warn};
use super::read::show;
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::patch::managers;
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::resource::{EVENTS, LEASES, Resource};
use crate::fake_kube::route::Place;
use crate::fake_kube::schema::{self, Validation};
use crate::fake_kube::{admission, defaults, validate, view};

pub(super) fn update(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let validation = Validation::parse(request.parameter("fieldValidation"))?;
    let mut value = request.json()?;
    check_type(place.resource, &mut value)?;
    let mut value = view::inward(place.resource, value);
    let warnings = schema::normalise(place.resource, &mut value, validation)?;
    resolve_namespace(place, &mut value)?;
    check_name(place, &mut value)?;
    let (manager, now) = (request.manager(), cluster.store.now());
    let key = (place.space(), place.title());
    let kept = value.clone();
    let replaced = cluster.store.replace(place.resource, key, request.write()?, |old| {
        check_version(place.resource, old, &value)?;
        let uid = value["metadata"]["uid"].as_str().unwrap_or_default();
        if !uid.is_empty() && uid != old.uid() {
            let why =
                format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", old.uid());
            return Err(ApiError::conflict(place.resource, old.name(), &why));
        }
        let new = prepare_update(place, old, value)?;
        Ok(managers::updated(place, old, new, &manager, now))
    });
    match replaced {
        Err(error) if error.code == 404 && may_create(place) => {
            let (value, _) = prepare(cluster, place, kept, Validation::Ignore)?;
            let created = cluster.store.create_with(place.resource, value, request.write()?)?;
            Ok(show(cluster, request, place, 201, &created))
        }
        Err(error) => Err(error),
        Ok(written) => Ok(warn(show(cluster, request, place, 200, &written), &warnings)),
    }
}

/// A few kinds are created by an update of what is not there.
fn may_create(place: &Place) -> bool {
    place.below().is_empty() && (place.resource.stored() == &EVENTS || place.resource == &LEASES)
}

fn check_name(place: &Place, value: &mut Value) -> Result<(), ApiError> {
    match value["metadata"]["name"].as_str() {
        None | Some("") => {
            value["metadata"]["name"] = place.title().into();
            Ok(())
        }
        Some(name) if name == place.title() => Ok(()),
        Some(name) => Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            place.title()
        ))),
    }
}

/// The caller's resource version, if given, must be the stored one.
pub(super) fn check_version(resource: &Resource, old: &Object, new: &Value) -> Result<(), ApiError> {
    match new["metadata"]["resourceVersion"].as_str() {
        None | Some("") => Ok(()),
        Some(version) if version == old.version().to_string() => Ok(()),
        Some(_) => Err(ApiError::modified(resource, old.name())),
    }
}

/// From what the caller wants to what this path may do; `Invalid` when a rule is broken.
pub(super) fn prepare_update(place: &Place, old: &Object, mut new: Value) -> Result<Value, ApiError> {
    let resource = place.resource;
    let old_value = old.value();
    match place.below() {
        "status" => new = status_only(resource, old_value, new),
        "finalize" => {
            let finalizers = new["spec"]["finalizers"].take();
            new = old_value.clone();
            new["spec"]["finalizers"] = finalizers;
        }
        _ => {
            if resource.has("status") {
                put(&mut new, "status", old_value.get("status"));
            }
            if resource.has("finalize") {
                put(&mut new, "spec", old_value.get("spec"));
            }
            admission::changed(resource, &mut new);
        }
    }
    defaults::changed(resource, &mut new);
    let causes = validate::changed(place, old_value, &new);
    if causes.is_empty() { Ok(new) } else { Err(ApiError::invalid(resource, old.name(), &causes)) }
}

/// A write of the status changes the status and what the kind allows of the metadata.
fn status_only(resource: &Resource, old: &Value, mut new: Value) -> Value {
    let mut whole = old.clone();
    put(&mut whole, "status", new.get("status"));
    let mut metadata = new["metadata"].take();
    put(&mut metadata, "ownerReferences", old["metadata"].get("ownerReferences"));
    if resource.group == "apps" {
        put(&mut metadata, "labels", old["metadata"].get("labels"));
    }
    whole["metadata"] = metadata;
    whole
}

fn put(value: &mut Value, key: &str, part: Option<&Value>) {
    let Some(map) = value.as_object_mut() else {
        return;
    };
    match part {
        Some(part) => map.insert(key.to_owned(), part.clone()),
        None => map.remove(key),
    };
}
