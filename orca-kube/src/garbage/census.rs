//! The reads that garbage collection rests on: linearizable, bounded in time, and exact about what an absence is.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::Api;
use kube::core::Status;
use orca_core::ids::{ClusterId, PodRef};
use orca_core::orphans::Standing;

use crate::call::{CallError, bounded};
use crate::pods;

/// Asks the API server itself, never a cache.
#[async_trait]
pub(crate) trait Census: Send + Sync {
    /// The UID of namespace `kube-system`: which cluster answers.
    async fn cluster(&self) -> Result<ClusterId, CallError>;

    /// What there is of this pod.
    async fn pod(&self, pod: &PodRef) -> Read;
}

/// What a read of one pod says.
#[derive(Clone, Debug)]
pub(crate) enum Read {
    /// No pod of this UID exists: none of that name, or another one.
    Absent,
    /// The pod.
    There(Box<Pod>),
    /// Nothing can be concluded.
    Unknown,
}

impl Read {
    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Absent => Standing::Absent,
            Self::There(object) => pods::standing(object),
            Self::Unknown => Standing::Unknown,
        }
    }
}

/// The census over a client.
pub(crate) struct ApiCensus {
    client: kube::Client,
}

impl ApiCensus {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Census for ApiCensus {
    async fn cluster(&self) -> Result<ClusterId, CallError> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let system = bounded(api.get("kube-system")).await?;
        system.metadata.uid.as_deref().map(ClusterId::new).ok_or(CallError::NotFound)
    }

    async fn pod(&self, pod: &PodRef) -> Read {
        // The names come from tags. Without them there is nothing to ask for, and nothing is concluded.
        if pod.namespace.is_empty() || pod.name.is_empty() {
            return Read::Unknown;
        }
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &pod.namespace);
        let get = async {
            match api.get(&pod.name).await {
                Ok(object) => Ok(Some(object)),
                Err(kube::Error::Api(status)) if is_absence(&status, &pod.name) => Ok(None),
                Err(error) => Err(error),
            }
        };
        match bounded(get).await {
            Ok(None) => Read::Absent,
            Ok(Some(object)) => identify(object, pod),
            Err(error) => {
                tracing::debug!(error = %error, pod = %pod, "Nothing is concluded about this pod");
                Read::Unknown
            }
        }
    }
}

fn identify(object: Pod, pod: &PodRef) -> Read {
    match object.metadata.uid.as_deref() {
        Some(uid) if uid == pod.uid.as_str() => Read::There(Box::new(object)),
        Some(_) => Read::Absent,
        None => Read::Unknown,
    }
}

/// Whether the API server's pod registry itself says that there is no such pod. A proxy, a missing resource or an
/// aggregated server can answer 404 as well, and that says nothing about the pod.
fn is_absence(status: &Status, name: &str) -> bool {
    let is_pod =
        |details: &kube::core::response::StatusDetails| details.kind == "pods" && details.name == name;
    status.code == 404 && status.reason == "NotFound" && status.details.as_ref().is_some_and(is_pod)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, reason: &str, kind: &str, name: &str) -> Status {
        let value = serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "",
            "details": { "kind": kind, "name": name },
        });
        serde_json::from_value(value).expect("a status")
    }

    #[test]
    fn only_the_pod_registrys_own_404_is_an_absence() {
        assert!(is_absence(&status(404, "NotFound", "pods", "a"), "a"));
        for other in [
            status(404, "NotFound", "pods", "b"),
            status(404, "NotFound", "namespaces", "a"),
            status(404, "NotFound", "", ""),
            status(404, "", "pods", "a"),
            status(403, "NotFound", "pods", "a"),
            status(410, "Expired", "pods", "a"),
            status(503, "ServiceUnavailable", "pods", "a"),
        ] {
            assert!(!is_absence(&other, "a"), "{other:?}");
        }
        assert!(!is_absence(&Status { details: None, ..status(404, "NotFound", "pods", "a") }, "a"));
    }

    #[test]
    fn another_uid_is_an_absence_and_no_uid_is_nothing() {
        let object = |value| serde_json::from_value(value).expect("a pod");
        let pod = PodRef::new("ml", "a", "1");
        let standing = |value| identify(object(value), &pod).standing();
        assert_eq!(standing(serde_json::json!({ "metadata": { "uid": "1" } })), Standing::Wanted);
        assert_eq!(standing(serde_json::json!({ "metadata": { "uid": "2" } })), Standing::Absent);
        assert_eq!(standing(serde_json::json!({ "metadata": {} })), Standing::Unknown);
        let failed = serde_json::json!({ "metadata": { "uid": "1" }, "status": { "phase": "Failed" } });
        assert_eq!(standing(failed), Standing::Ending);
        let deleting =
            serde_json::json!({ "metadata": { "uid": "1", "deletionTimestamp": "2026-01-01T00:00:00Z" } });
        assert_eq!(standing(deleting), Standing::Ending);
    }
}
