//! Evicting a pod. There are no disruption budgets, so that every eviction is a deletion.

use serde_json::json;

use super::delete::of_body;
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::route::Place;
use crate::fake_kube::store::Write;

pub(super) fn evict(cluster: &Cluster, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let body = request.json()?;
    let name = body["metadata"]["name"].as_str().unwrap_or_default();
    if !name.is_empty() && name != place.title() {
        return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut options = of_body(&body["deleteOptions"])?;
    options.dry_run |= request.write()? == Write::DryRun;
    cluster.store.delete(place.resource, place.space(), place.title(), &options)?;
    let status =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok(Answer::json(201, &status))
}
