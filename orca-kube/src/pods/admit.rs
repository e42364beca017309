//! Whether a pod may buy an instance. Before the first launch its node, its annotations and its room are checked, and the
//! room is allocated to it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::{self, Place, Rejection, Request};
use orca_core::config::DaemonSets;
use orca_core::pod::{self, Intent};

use super::store::Entry;
use super::{Inner, intake};

/// What the pod asks for, or why it gets no instance. A pod with a launch record was admitted before, so its node and room
/// are not checked again.
pub(super) fn admit(inner: &Inner, entry: &Entry) -> Result<Request, Rejection> {
    let config = &inner.parts.config;
    let is_first = pod::launch_record(&entry.pod).is_none();
    if intake::intent(entry) != Intent::Wanted || !is_first || is_ignored(inner, &entry.pod) {
        return admission::admit(&entry.pod, config);
    }
    let node = inner.parts.node.borrow();
    let place = Place {
        name: config.node.name.clone(),
        labels: node.as_ref().map(|facts| facts.labels.clone()).unwrap_or_default(),
        taints: config.node.taints().into_owned(),
    };
    let offered = node.as_ref().map(|facts| Arc::clone(&facts.allocatable));
    drop(node);
    admission::place(&entry.pod, &place)?;
    let request = admission::admit(&entry.pod, config)?;
    let room = inner.allocated.admit(&entry.reference.uid, &entry.pod, offered.as_deref());
    room.map(|()| request).map_err(|shortage| shortage.rejection())
}

/// A pod of a `DaemonSet` gets no instance, and so takes no room.
fn is_ignored(inner: &Inner, pod: &Pod) -> bool {
    inner.parts.config.pods.daemon_sets == DaemonSets::Ignore && pod::is_daemon(pod)
}
