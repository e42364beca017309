//! Reading one object.

use serde_json::{Value, json};

use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::request::{ApiRequest, Form};
use crate::fake_kube::route::Place;
use crate::fake_kube::{table, view};

pub(super) fn get(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let object = cluster.store.get(place.resource, place.space(), place.title())?;
    Ok(show(cluster, request, place, 200, &object))
}

/// An object in the form that the call asks for.
pub(super) fn show(
    cluster: &Cluster,
    request: &ApiRequest,
    place: &Place,
    code: u16,
    object: &Object,
) -> Answer {
    match request.form() {
        Form::Whole => Answer::bytes(code, view::bytes(place.resource, object)),
        Form::Table => {
            let version = object.version().to_string();
            let rows = table::rows(request, std::iter::once(object), cluster.store.now());
            Answer::json(
                code,
                &table::table(place.resource, &json!({ "resourceVersion": version }), rows, true),
            )
        }
        Form::Metadata => Answer::json(code, &metadata(object)),
    }
}

/// The metadata alone.
pub(super) fn metadata(object: &Object) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.value()["metadata"],
    })
}
