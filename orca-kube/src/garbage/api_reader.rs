//! The reads that garbage collection rests on: linearizable, bounded in time, and exact about what an absence is.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use orca_core::ids::{ClusterId, PodRef};
use orca_core::orphans::Standing;

use crate::absence::Absence;
use crate::call::{CallError, bounded_on};
use crate::pods;
use crate::spans;

/// The namespace whose UID is the cluster's.
const SYSTEM: &str = "kube-system";

/// Asks the API server itself, never a cache.
#[async_trait]
pub(crate) trait ClusterReader: Send + Sync {
    /// The UID of namespace `kube-system`: which cluster answers.
    async fn cluster(&self) -> Result<ClusterId, CallError>;

    /// What there is of this pod.
    async fn pod(&self, pod: &PodRef) -> Read;
}

/// What a read of one pod says.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    /// No pod of this UID exists: none of that name, or another one.
    Absent(#[expect(dead_code, reason = "that there is a proof is what counts")] Absence),
    /// The pod.
    There(Box<Pod>),
    /// Nothing can be concluded.
    Unknown,
}

impl Read {
    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Absent(_) => Standing::Absent,
            Self::There(object) => pods::standing(object),
            Self::Unknown => Standing::Unknown,
        }
    }
}

/// Reads through a client.
pub(crate) struct ApiReader {
    client: kube::Client,
}

impl ApiReader {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl ClusterReader for ApiReader {
    async fn cluster(&self) -> Result<ClusterId, CallError> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let system = bounded_on(("namespaces", SYSTEM), api.get(SYSTEM)).await?;
        system.metadata.uid.as_deref().map(ClusterId::new).ok_or(CallError::Incomplete("UID"))
    }

    async fn pod(&self, pod: &PodRef) -> Read {
        // The names come from tags. Without them there is nothing to ask for, and nothing is concluded.
        if pod.namespace.is_empty() || pod.name.is_empty() {
            return Read::Unknown;
        }
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace);
        match bounded_on(("pods", &pod.name), api.get(&pod.name)).await {
            Ok(object) if object.metadata.uid.as_deref() == Some(pod.uid.as_str()) => {
                Read::There(Box::new(object))
            }
            Ok(object) => Absence::by_successor(&object, pod).map_or(Read::Unknown, Read::Absent),
            Err(CallError::NotFound(not_found)) => {
                Absence::by_registry(&not_found, pod).map_or(Read::Unknown, Read::Absent)
            }
            Err(error) => {
                spans::pod(pod)
                    .in_scope(|| tracing::debug!(error = %error, "Nothing is concluded about this pod"));
                Read::Unknown
            }
        }
    }
}
