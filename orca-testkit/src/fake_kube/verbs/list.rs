//! Listing: selectors, pages, and the revision that the list shows.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::read::metadata;
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::request::{ApiRequest, Form};
use crate::fake_kube::route::Place;
use crate::fake_kube::{table, view};

pub(super) fn list(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let page = Page::read(cluster, request, place)?;
    let mut metadata_of_list = json!({ "resourceVersion": page.version.to_string() });
    if let Some(token) = page.token {
        metadata_of_list["continue"] = token.into();
    }
    if let Some(remaining) = page.remaining {
        metadata_of_list["remainingItemCount"] = remaining.into();
    }
    let objects = page.objects.iter().map(Arc::as_ref);
    match request.form() {
        Form::Table => {
            let rows = table::rows(request, objects, cluster.store.now());
            Ok(Answer::json(200, &table::table(place.resource, &metadata_of_list, rows, true)))
        }
        Form::Metadata => {
            let items: Vec<Value> = objects.map(metadata).collect();
            let list = json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata_of_list,
                "items": items,
            });
            Ok(Answer::json(200, &list))
        }
        Form::Whole => {
            let mut out = Vec::new();
            out.extend_from_slice(
                format!(
                    "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{metadata_of_list},\"items\":[",
                    place.resource.kind,
                    place.resource.api_version()
                )
                .as_bytes(),
            );
            for (at, object) in objects.enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&view::bytes(place.resource, object));
            }
            out.extend_from_slice(b"]}");
            Ok(Answer::bytes(200, out.into()))
        }
    }
}

struct Page {
    objects: Vec<Arc<Object>>,
    version: u64,
    token: Option<String>,
    remaining: Option<usize>,
}

impl Page {
    fn read(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Self, ApiError> {
        let selector = request.selector(place.resource)?;
        let (objects, revision) = select(cluster, place, &selector);
        let mut version = revision;
        let mut start = None;
        match request.parameter("continue") {
            "" => check_version(request.parameter("resourceVersion"), revision)?,
            token => {
                let (at, key) = open_token(token)?;
                cluster.store.check_remembered(place.resource, at).map_err(|_| too_old(&key, revision))?;
                (version, start) = (at, Some(key));
            }
        }
        let after = |object: &Arc<Object>| {
            start.as_ref().is_none_or(|(namespace, name)| {
                (object.namespace(), object.name()) > (namespace.as_str(), name.as_str())
            })
        };
        let mut objects: Vec<_> = objects.into_iter().filter(after).collect();
        let limit = request.parameter("limit").parse::<usize>().unwrap_or(0);
        let (mut token, mut remaining) = (None, None);
        if limit > 0 && objects.len() > limit {
            remaining = selector.is_empty().then_some(objects.len() - limit);
            objects.truncate(limit);
            token = objects.last().map(|last| make_token(version, last.namespace(), last.name()));
        }
        Ok(Self { objects, version, token, remaining })
    }
}

/// The selected objects of a collection, and the revision that shows them.
pub(super) fn select(
    cluster: &Cluster,
    place: &Place,
    selector: &crate::fake_kube::selector::Selector,
) -> (Vec<Arc<Object>>, u64) {
    let (mut objects, revision) = match (selector.fields.name(), place.namespace.as_deref()) {
        // A name in a known namespace is looked up, not searched.
        (Some(name), Some(namespace)) => cluster.store.find(place.resource, namespace, name),
        _ => cluster.store.list(place.resource, place.namespace.as_deref()),
    };
    if !selector.is_empty() {
        objects.retain(|object| selector.matches(object));
    }
    (objects, revision)
}

fn check_version(wanted: &str, current: u64) -> Result<(), ApiError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let version = wanted.parse::<u64>().map_err(|_| {
        ApiError::bad_request(format!("resourceVersion: Invalid value: \"{wanted}\": strconv.ParseUint: parsing \"{wanted}\": invalid syntax"))
    })?;
    if version > current {
        return Err(too_large(version, current));
    }
    Ok(())
}

fn too_large(version: u64, current: u64) -> ApiError {
    let mut error = ApiError::of_code(504);
    error.message = format!("Too large resource version: {version}, current: {current}");
    error.details = Some(json!({
        "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
        "retryAfterSeconds": 1,
    }));
    error
}

fn too_old((namespace, name): &(String, String), revision: u64) -> ApiError {
    let token = make_token(revision, namespace, name);
    ApiError::expired(format!(
        "The provided continue parameter is too old to display a consistent list result. You can start a \
         new list without the continue parameter, or use the continue token in this response to retrieve \
         the remainder of the results. Continuing with the provided token results in an inconsistent list - \
         objects that were created, modified, or deleted between the time the first chunk was returned and \
         now may show up in the list. ({token})"
    ))
}

fn make_token(version: u64, namespace: &str, name: &str) -> String {
    BASE64URL_NOPAD.encode(json!([version, namespace, name]).to_string().as_bytes())
}

fn open_token(token: &str) -> Result<(u64, (String, String)), ApiError> {
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok();
    let parts = bytes.and_then(|bytes| serde_json::from_slice::<(u64, String, String)>(&bytes).ok());
    let (version, namespace, name) = parts
        .ok_or_else(|| ApiError::bad_request("continue key is not valid: it was not given by this server"))?;
    Ok((version, (namespace, name)))
}
