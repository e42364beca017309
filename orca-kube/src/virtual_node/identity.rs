//! The identity of a virtual node: the cluster that it is in, and what its Node object records.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Node};
use kube::Api;
use orca_core::ids::Owner;

use super::VirtualNode;
use crate::call::{AT_START, CallError, bounded, bounded_on};
use crate::identity::{IdentityGuard, Recorded};
use crate::rights::explained;
use crate::set_back::SetBack;

/// What a node finds out before it does anything.
pub(super) struct Found {
    pub(super) owner: Owner,
    /// The API server's minor version, such as `37`.
    pub(super) server_minor: String,
    /// What the Node object, if there is one, says that it belongs to.
    pub(super) recorded: Recorded,
    /// Until when the API server may have forgotten pods, by the Node object.
    pub(super) set_back: Option<Timestamp>,
}

impl VirtualNode {
    /// Reads the current cluster and what the Node records. Retries until the API server answers.
    pub(super) async fn identify(&self) -> Found {
        let mut failures = 0;
        loop {
            match self.try_identify().await {
                Ok(found) => return found,
                Err(error) => {
                    failures += 1;
                    self.health.beat();
                    let error = explained(&error, &self.parts.config.node.name);
                    tracing::warn!(error, "The cluster cannot be identified; trying again");
                    self.health.registration_failed(error);
                    tokio::time::sleep(AT_START.delay(failures)).await;
                }
            }
        }
    }

    async fn try_identify(&self) -> Result<Found, CallError> {
        let version = bounded(self.parts.client.apiserver_version()).await?;
        let server_minor = version.minor.chars().take_while(char::is_ascii_digit).collect();
        let config = &self.parts.config;
        let cluster = if let Some(id) = config.cluster.id.as_deref() {
            id.into()
        } else {
            let api: Api<Namespace> = Api::all(self.parts.client.clone());
            let system = bounded_on(("namespaces", "kube-system"), api.get("kube-system")).await?;
            system.metadata.uid.as_deref().ok_or(CallError::Incomplete("UID"))?.into()
        };
        let nodes: Api<Node> = Api::all(self.parts.client.clone());
        let name = &config.node.name;
        let node = match bounded_on(("nodes", name), nodes.get(name)).await {
            Ok(node) => node,
            Err(CallError::NotFound(_)) => Node::default(),
            Err(error) => return Err(error),
        };
        let (recorded, set_back) = (Recorded::on(&node), SetBack::on(&node, self.parts.clock.now()));
        let owner = Owner { cluster, node: name.as_str().into() };
        Ok(Found { owner, server_minor, recorded, set_back })
    }

    /// The guard that compares the current cluster and cloud with what this node belongs to.
    pub(super) fn guard(&self, found: &Found) -> IdentityGuard {
        let guard = IdentityGuard::new(
            found.owner.cluster.clone(),
            found.recorded.clone(),
            self.parts.accepted.clone(),
            self.health.clone(),
        );
        if let Some(mismatch) = guard.mismatch() {
            tracing::error!(error = %mismatch, "Not the cluster that this node belongs to; nothing is done");
        }
        guard
    }
}
