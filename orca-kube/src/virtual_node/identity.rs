//! Who a virtual node is: the cluster that it speaks to, and its own name in it.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use orca_core::backoff::Backoff;
use orca_core::ids::Owner;

use super::VirtualNode;
use crate::call::{CallError, bounded, bounded_on};
use crate::error::Error;

/// While the API server does not answer at start (A5).
const RETRY: Backoff = Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(7) };

impl VirtualNode {
    /// Who we are: the cluster's identity, and the API server's minor version.
    pub(super) async fn identify(&self) -> Result<(Owner, String), Error> {
        let mut failures = 0;
        loop {
            match self.try_identify().await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    failures += 1;
                    self.health.beat();
                    tracing::warn!(error = %error, "The cluster cannot be identified; trying again");
                    tokio::time::sleep(RETRY.delay(failures)).await;
                }
            }
        }
    }

    async fn try_identify(&self) -> Result<(Owner, String), CallError> {
        let version = bounded(self.parts.client.apiserver_version()).await?;
        let minor: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
        let configured = self.parts.config.cluster.id.as_deref();
        let cluster = if let Some(id) = configured {
            id.into()
        } else {
            let api: Api<Namespace> = Api::all(self.parts.client.clone());
            let system = bounded_on(("namespaces", "kube-system"), api.get("kube-system")).await?;
            system.metadata.uid.as_deref().ok_or(CallError::Incomplete("UID"))?.into()
        };
        Ok((Owner { cluster, node: self.parts.config.node.name.as_str().into() }, minor))
    }
}
