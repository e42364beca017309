//! Creating an object.

use serde_json::Value;

use super::read::show;
use crate::fake_kube::admission;
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::patch::managers;
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::resource::Resource;
use crate::fake_kube::route::Place;
use crate::fake_kube::schema::{self, Validation};
use crate::fake_kube::{defaults, validate, view};

pub(super) fn create(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let validation = Validation::parse(request.parameter("fieldValidation"))?;
    let value = request.json()?;
    let (value, warnings) = prepare(cluster, place, value, validation)?;
    let value = managers::created(place.resource, value, &request.manager(), cluster.store.now());
    let created = cluster.store.create_with(place.resource, value, request.write()?)?;
    let answer = show(cluster, request, place, 201, &created);
    Ok(warn(answer, &warnings))
}

/// Everything that happens to a new object before it is stored.
pub(super) fn prepare(
    cluster: &Cluster,
    place: &Place,
    mut value: Value,
    validation: Validation,
) -> Result<(Value, Vec<String>), ApiError> {
    check_type(place.resource, &mut value)?;
    let mut value = view::inward(place.resource, value);
    let warnings = schema::normalise(place.resource, &mut value, validation)?;
    resolve_namespace(place, &mut value)?;
    defaults::created(place.resource, &mut value);
    admission::created(&cluster.store, place.resource, &mut value)?;
    let causes = validate::created(place.resource, &value);
    if !causes.is_empty() {
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        let name = if name.is_empty() {
            value["metadata"]["generateName"].as_str().unwrap_or_default()
        } else {
            name
        };
        return Err(ApiError::invalid(place.resource, name, &causes));
    }
    Ok((value, warnings))
}

/// The type fields must be those of the path; they may be left out.
pub(super) fn check_type(resource: &Resource, value: &mut Value) -> Result<(), ApiError> {
    let Some(map) = value.as_object_mut() else {
        return Err(ApiError::bad_request("the body of the request is not an object"));
    };
    let expected = resource.api_version();
    for (key, wanted) in [("apiVersion", expected.as_str()), ("kind", resource.kind)] {
        match map.get(key).and_then(Value::as_str) {
            None | Some("") => {
                map.insert(key.to_owned(), wanted.into());
            }
            Some(found) if found == wanted => {}
            Some(found) if key == "apiVersion" => {
                return Err(ApiError::bad_request(format!(
                    "the API version in the data ({found}) does not match the expected API version ({wanted})"
                )));
            }
            Some(found) => {
                return Err(ApiError::bad_request(format!(
                    "{found} in version \"{}\" cannot be handled as a {}: no kind \"{found}\" is registered for \
                     this resource",
                    resource.version, resource.kind
                )));
            }
        }
    }
    Ok(())
}

/// The namespace of the path; an object that names another one is refused.
pub(super) fn resolve_namespace(place: &Place, value: &mut Value) -> Result<(), ApiError> {
    let Some(namespace) = place.namespace.as_deref().filter(|namespace| !namespace.is_empty()) else {
        return if place.resource.namespaced {
            Err(ApiError::bad_request("an empty namespace may not be set during creation"))
        } else {
            Ok(())
        };
    };
    match value["metadata"]["namespace"].as_str() {
        None | Some("") => {
            value["metadata"]["namespace"] = namespace.into();
            Ok(())
        }
        Some(found) if found == namespace => Ok(()),
        Some(_) => Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
    }
}

pub(super) fn warn(answer: Answer, warnings: &[String]) -> Answer {
    warnings.iter().fold(answer, |answer, text| answer.warning(text))
}
