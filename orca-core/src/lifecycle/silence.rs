//! A wanted pod whose instance no complete answer has shown for a while. It keeps what it shows, and says since when.
//!
//! An outage of the cloud's API does not stop its instances. So nothing is concluded, and a Service does not lose all of its
//! endpoints at once. After some minutes, however, Ready becomes Unknown.

use jiff::Timestamp;

use super::decision::{Action, Decision};
use super::observation::Observation;
use super::showing;
use crate::clock::{age, until};
use crate::instance::InstanceState;
use crate::limits;
use crate::state_mapping::Evidence;

/// What to do about it. None: the instance is confirmed, or what is known about it is its end.
pub(super) fn decide(seen: &Observation<'_>, now: Timestamp) -> Option<Decision> {
    let since = seen.instances.unconfirmed_since?;
    let missing = seen.instances.missing.as_ref();
    let id = match seen.instance() {
        Some(instance) => match instance.state {
            InstanceState::Pending | InstanceState::Running => &instance.id,
            InstanceState::Stopping
            | InstanceState::Stopped
            | InstanceState::ShuttingDown
            | InstanceState::Terminated => return None,
        },
        None => &missing.filter(|missing| !missing.is_gone())?.id,
    };
    // If the record does not name the instance yet, that is written first.
    if seen.record().is_some_and(|record| record.instance_id.as_ref() != Some(id)) {
        return None;
    }
    let silent = age(since, now);
    let is_ready_unknown = seen.ready_unknown_after.is_some_and(|after| silent >= after);
    let decision = showing::show(seen, &Evidence::Unconfirmed { id, since, is_ready_unknown });
    let again = match seen.ready_unknown_after {
        Some(after) if !is_ready_unknown => {
            let at = since.saturating_add(after).unwrap_or(Timestamp::MAX);
            until(at, now).min(limits::RESYNC)
        }
        Some(_) | None => limits::RESYNC,
    };
    Some(decision.and_act(Action::Refresh).and_again(again))
}
