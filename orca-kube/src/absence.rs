//! Proof that a pod is gone. Whatever follows from a missing pod requires one.
//!
//! Absence of a UID never ends, so a proof never grows old. It has three sources: the pod registry's own word that there
//! is no pod of that name, a pod of that name with another UID, and a deletion that the watch showed.

use k8s_openapi::api::core::v1::Pod;
use orca_core::ids::{PodRef, PodUid};

use crate::call::NotFound;

/// No pod of this UID exists, and none ever will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Absence {
    uid: PodUid,
}

impl Absence {
    /// Proof by a 404 of the pod registry for this pod's name. None: the 404 was for something else.
    pub(crate) fn by_registry(not_found: &NotFound, pod: &PodRef) -> Option<Self> {
        let is_this = not_found.resource() == "pods" && not_found.name() == &*pod.name;
        is_this.then(|| Self { uid: pod.uid.clone() })
    }

    /// Proof by another pod with this name. None: it is the pod itself, or the answer has no UID, which no registry sends.
    pub(crate) fn by_successor(found: &Pod, pod: &PodRef) -> Option<Self> {
        let uid = found.metadata.uid.as_deref().filter(|uid| !uid.is_empty())?;
        let is_of_that_name = found.metadata.name.as_deref() == Some(&*pod.name)
            && found.metadata.namespace.as_deref() == Some(&*pod.namespace);
        (is_of_that_name && uid != pod.uid.as_str()).then(|| Self { uid: pod.uid.clone() })
    }

    /// The watch showed its deletion.
    pub(crate) fn by_watch(deleted: &Pod) -> Option<Self> {
        let uid = deleted.metadata.uid.as_deref().filter(|uid| !uid.is_empty())?;
        Some(Self { uid: PodUid::new(uid) })
    }

    pub(crate) fn uid(&self) -> &PodUid {
        &self.uid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(metadata: serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({ "metadata": metadata })).expect("a pod")
    }

    #[test]
    fn another_uid_of_the_same_name_is_an_absence_and_nothing_less_is() {
        let pod = PodRef::new("ml", "a", "1");
        let by = |metadata| Absence::by_successor(&found(metadata), &pod).is_some();
        assert!(by(serde_json::json!({ "namespace": "ml", "name": "a", "uid": "2" })));
        assert!(!by(serde_json::json!({ "namespace": "ml", "name": "a", "uid": "1" })));
        assert!(
            !by(serde_json::json!({ "namespace": "ml", "name": "a" })),
            "no registry answers without a UID"
        );
        assert!(!by(serde_json::json!({ "namespace": "ml", "name": "a", "uid": "" })));
        assert!(
            !by(serde_json::json!({ "namespace": "ml", "name": "b", "uid": "2" })),
            "a pod of another name proves nothing"
        );
    }
}
