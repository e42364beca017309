//! Tells on the node when the cloud can no longer be reached, and when it can again.

use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Node;
use orca_core::ids::NodeName;
use orca_core::lifecycle::Note;
use orca_core::well_known::{node_condition, reason};

use super::difference::condition;
use crate::events::Events;

/// Follows the condition `CloudReachable` of the live Node.
pub(crate) struct CloudEvents {
    events: Events,
    node: NodeName,
    /// Whether it was reachable when the Node was seen last.
    was_reachable: Mutex<Option<bool>>,
}

impl CloudEvents {
    pub(crate) fn new(events: Events, node: NodeName) -> Self {
        Self { events, node, was_reachable: Mutex::default() }
    }

    /// The live Node was seen. What an earlier process found is no change.
    pub(super) fn saw(&self, live: &Node) {
        let shown =
            live.status.as_ref().and_then(|status| condition(status, node_condition::CLOUD_REACHABLE));
        let Some(shown) = shown else { return };
        let is_reachable = shown.status == "True";
        let mut known = self.was_reachable.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.replace(is_reachable);
        drop(known);
        if before.is_some_and(|before| before != is_reachable) {
            self.events.publish_on_node(&self.node, &note(is_reachable, shown.message.as_deref()));
        }
    }
}

fn note(is_reachable: bool, cause: Option<&str>) -> Note {
    if is_reachable {
        return Note::normal(node_condition::CLOUD_REACHABLE, "the cloud lists its instances again");
    }
    let cause = cause.unwrap_or("the cloud does not say why").trim_end_matches('.');
    Note::warning(
        reason::CLOUD_UNREACHABLE,
        format!("{cause}. Pods that run are left alone, nothing is launched, and new pods are kept away"),
    )
}
