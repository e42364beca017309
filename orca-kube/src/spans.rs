//! The span of a pod: every line in it names namespace, name and UID.

use orca_core::ids::PodRef;
use tracing::Span;

/// Of the highest level, because a line keeps the fields of its span only while the span's own level is logged.
pub(crate) fn pod(pod: &PodRef) -> Span {
    tracing::error_span!("pod", namespace = %pod.namespace, pod = %pod.name, pod_uid = %pod.uid)
}
