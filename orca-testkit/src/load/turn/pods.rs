//! The pods of a turn as they are written and read: no more of them than is needed here.

use hyper::Request;
use hyper::header::CONTENT_TYPE;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client};
use orca_core::well_known::annotation;
use serde::Deserialize;

use crate::load::error::Error;

/// There in every cluster, with the service account that pods need.
pub(super) const NAMESPACE: &str = "default";

/// The label that names a pod's node, so that the driver can watch by it.
pub(super) const LABEL: &str = "orca-load-node";

/// A pod as it is read. The driver shares two cores with those that it measures, so it reads little.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Slim {
    pub(super) metadata: SlimMeta,
    #[serde(default)]
    pub(super) status: SlimStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SlimMeta {
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) resource_version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct SlimStatus {
    #[serde(default)]
    pub(super) phase: String,
}

/// A call that makes a pod on this node.
pub(super) fn creation(node: &str, name: &str) -> Result<Request<Vec<u8>>, kube::Error> {
    let pod = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": { LABEL: node },
            // ORCA's way to ask for an instance; nothing to others.
            "annotations": { annotation::INSTANCE_TYPE: "t3.micro" },
        },
        "spec": {
            "nodeName": node,
            "automountServiceAccountToken": false,
            "containers": [{ "name": "main", "image": "registry.k8s.io/pause:3.10" }],
            "tolerations": [{ "operator": "Exists" }],
        },
    });
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods");
    let request = Request::post(path).header(CONTENT_TYPE, "application/json");
    request.body(pod.to_string().into_bytes()).map_err(kube::Error::HttpError)
}

/// A call that asks a pod to go, as people do: with the grace period that it has.
pub(super) fn deletion(name: &str) -> Result<Request<Vec<u8>>, kube::Error> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{name}");
    Request::delete(path).body(Vec::new()).map_err(kube::Error::HttpError)
}

/// Removes every pod of the node at once, for those that nobody let go.
pub(super) async fn remove_all(client: &Client, node: &str) -> Result<(), Error> {
    let api: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let selected = ListParams::default().fields(&format!("spec.nodeName={node}"));
    let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    api.delete_collection(&at_once, &selected).await.map(drop).map_err(Error::api("removing pods"))
}
