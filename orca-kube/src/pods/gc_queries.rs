//! What garbage collection may ask of the pod controller: is this pod known, is it wanted, was its deletion seen.

use k8s_openapi::api::core::v1::Pod;
use orca_core::ids::{InstanceId, PodUid};
use orca_core::orphans::Standing;
use orca_core::pod::{self, Intent};

use super::Controller;
use super::intake::recorded_instance;
use super::store::Presence;

impl Controller {
    /// What the controller knows of this pod. None: it does not know it, and only the API server can tell.
    ///
    /// It comes from the watch and is no proof of absence; that a pod is wanted needs no proof.
    pub(crate) fn standing(&self, uid: &PodUid) -> Option<Standing> {
        let entry = self.inner.store.get(uid)?;
        Some(match entry.presence {
            Presence::Doubtful => Standing::Unknown,
            // The pod controller ends this instance, and repeats it until the instance has ended.
            Presence::Gone => Standing::Ending,
            Presence::There => standing(&entry.pod),
        })
    }

    /// Looks at this pod now, if it is known.
    pub(crate) fn wake(&self, uid: &PodUid) {
        if self.inner.store.get(uid).is_some() {
            self.inner.queue.wake(uid);
        }
    }

    /// Applies a pod that the API server showed and the watch did not, if it is bound to this node.
    pub(crate) fn apply(&self, object: Pod) {
        let node = object.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        if node == Some(self.inner.parts.owner.node.as_str()) {
            for uid in self.inner.apply_object(object) {
                self.inner.queue.wake(&uid);
            }
        }
    }

    /// Whether this process itself saw the deletion of this pod.
    pub(crate) fn saw_deletion(&self, uid: &PodUid) -> bool {
        self.inner.store.departed.contains(uid)
    }

    /// The instance that this object's launch record or status names.
    pub(crate) fn recorded(&self, object: &Pod) -> Option<InstanceId> {
        let uid = PodUid::new(object.metadata.uid.as_deref()?);
        recorded_instance(object, self.inner.record(object, &uid).as_ref())
    }
}

/// What follows from an object that exists.
pub(crate) fn standing(object: &Pod) -> Standing {
    match pod::intent(object) {
        Intent::Wanted => Standing::Wanted,
        Intent::Finished(_) | Intent::Deleting { .. } | Intent::Gone => Standing::Ending,
    }
}
