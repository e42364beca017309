//! The servers of a world: a cluster and a cloud, and how each is taken away for a while.

use std::path::{Path, PathBuf};

use orca_testkit::servers::{self, ControlPlane, Moto, ServerName};
use serde_json::Value;
use url::Url;

use super::client;
use crate::e2e::cluster::Cluster;

const RBAC: &str = include_str!("../../../../../examples/kubernetes/rbac.yaml");

/// A cluster and a cloud.
pub(super) enum Servers {
    /// A real control plane, and a server of EC2's API that is not ours.
    Real { plane: Box<ControlPlane>, moto: Box<Moto> },
}

impl Servers {
    pub(super) async fn real() -> Self {
        let installation = servers::installed().expect("the servers are prepared");
        let (plane, moto) = tokio::join!(ControlPlane::start(&installation), Moto::start(&installation));
        Self::Real { plane: Box::new(plane.expect("a control plane")), moto: Box::new(moto.expect("moto")) }
    }

    /// A client with every right, after the shipped RBAC was applied.
    pub(super) async fn cluster(&self) -> Cluster {
        let cluster = Cluster::new(client(self.admin_kubeconfig()).await);
        cluster.apply(RBAC).await;
        cluster
    }

    /// What the cloud is reached at, without the proxy.
    pub(super) fn cloud(&self) -> &Url {
        match self {
            Self::Real { moto, .. } => moto.endpoint(),
        }
    }

    /// The control plane, for what only a real one has.
    pub(super) fn plane(&self) -> &ControlPlane {
        match self {
            Self::Real { plane, .. } => plane,
        }
    }

    pub(super) fn admin_kubeconfig(&self) -> &Path {
        match self {
            Self::Real { plane, .. } => plane.admin_kubeconfig(),
        }
    }

    /// That of the service account that the shipped RBAC is for.
    pub(super) async fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Real { plane, .. } => {
                plane.kubeconfig_for_service_account("kube-system", "orca").await.expect("a token")
            }
        }
    }

    pub(super) fn server_url(&self) -> String {
        match self {
            Self::Real { plane, .. } => plane.server_url(),
        }
    }

    /// The API server takes connections and answers nothing, or is well again.
    pub(super) fn freeze_api(&self, is_frozen: bool) {
        match self {
            Self::Real { plane, .. } if is_frozen => plane.freeze(ServerName::ApiServer).expect("frozen"),
            Self::Real { plane, .. } => plane.thaw(ServerName::ApiServer).expect("thawed"),
        }
    }

    /// The cloud takes connections and answers nothing, or is well again.
    pub(super) fn freeze_cloud(&self, is_frozen: bool) {
        match self {
            Self::Real { moto, .. } if is_frozen => moto.freeze().expect("frozen"),
            Self::Real { moto, .. } => moto.thaw().expect("thawed"),
        }
    }

    /// How often this user used this verb on this resource, by the audit log.
    pub(super) fn audited(&self, user: &str, verb: &str, resource: &str) -> usize {
        match self {
            Self::Real { plane, .. } => in_audit_log(&plane.audit_log(), user, verb, resource),
        }
    }
}

fn in_audit_log(log: &Path, user: &str, verb: &str, resource: &str) -> usize {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|entry| entry["stage"] == "ResponseComplete" && entry["verb"] == verb)
        .filter(|entry| entry["user"]["username"] == user)
        .filter(|entry| {
            let object = &entry["objectRef"];
            let name = [object["resource"].as_str(), object["subresource"].as_str()].into_iter().flatten();
            name.collect::<Vec<_>>().join("/") == resource
        })
        .count()
}
