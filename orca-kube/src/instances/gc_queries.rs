//! What garbage collection may ask of the provider, beside what every pod may: the list, who launched, end exactly one.

use jiff::Timestamp;
use orca_core::ids::{InstanceId, PodUid};
use orca_core::instance::Instance;

use super::InstanceProvider;

impl InstanceProvider {
    /// The instances of the latest complete sweep that are alive, and when it began. None before the first.
    pub(crate) fn listed_alive(&self) -> Option<(Timestamp, Vec<Instance>)> {
        self.inner.ledger().listed_alive()
    }

    /// The node's instances of the latest complete sweep that are alive and name no pod.
    pub(crate) fn without_pod(&self) -> Vec<InstanceId> {
        self.inner.ledger().without_pod(&self.inner.parts.owner)
    }

    /// Whether this process sent a launch for this pod. A process that has sent very many forgets the oldest.
    pub(crate) fn launched_for(&self, pod: &PodUid) -> bool {
        self.inner.launched_for.contains(pod)
    }

    /// Asks the cloud to end this one instance, if its tags name this owner and this pod and it is alive.
    ///
    /// Returns whether it was asked for just now. Safe to repeat.
    pub(crate) fn end_instance(&self, id: &InstanceId, pod: &PodUid) -> bool {
        let now = self.inner.now();
        let queued = self.inner.ledger().queue_one(&self.inner.parts.owner, (id, pod), now);
        if queued {
            self.inner.terminate_wanted.notify_one();
        }
        queued
    }
}
