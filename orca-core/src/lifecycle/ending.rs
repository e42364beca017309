//! A pod that ends: terminate its instances, show the end, remove the object, forget the pod. In this order.

use jiff::Timestamp;

use super::decision::{Action, Decision, Note};
use super::facts::TaskKey;
use super::observation::Observation;
use super::{answers, launching, showing};
use crate::clock;
use crate::error::CloudError;
use crate::ids::InstanceId;
use crate::instance::InstanceState;
use crate::launch::{AttemptState, RecordError};
use crate::limits;
use crate::planted::{Bug, planted};
use crate::pod;
use crate::state_mapping::{Departure, Evidence};
use crate::well_known::reason;

/// The terminal status is on the API server already, so instances that are alive may be ended.
pub(super) fn finished(seen: &Observation<'_>) -> Decision {
    if let Some((send_at, _)) = seen.answered() {
        return Decision::wait(limits::POLL_CHANGING).and_consume(TaskKey::Send(send_at));
    }
    if seen.any_alive() { Decision::act(Action::Terminate) } else { Decision::rest() }
}

/// The fields of [`Intent::Deleting`](crate::pod::Intent::Deleting).
#[derive(Clone, Copy)]
pub(super) struct Deletion {
    pub(super) deadline: Timestamp,
    pub(super) finished: bool,
    pub(super) released: bool,
}

pub(super) fn deleting(seen: &Observation<'_>, deletion: Deletion, now: Timestamp) -> Decision {
    let instances = seen.instances;
    if let Some((send_at, outcome)) = seen.answered() {
        // A finished pod's record is left alone: its status is final.
        let decision = Decision::wait(std::time::Duration::ZERO).and_consume(TaskKey::Send(send_at));
        return match seen.record() {
            Some(record) if !deletion.finished => {
                decision.and_record(answers::recorded(record, send_at, &outcome, now))
            }
            _ => decision,
        };
    }
    if seen.is_sending() {
        return Decision::rest();
    }
    if seen.any_alive() && !planted(Bug::ReleaseEarly) {
        return terminate(seen);
    }
    if !instances.seen.is_empty() {
        let shutting = instances.seen.iter().any(|instance| instance.state == InstanceState::ShuttingDown);
        let long_enough = instances
            .ending_since
            .is_some_and(|since| clock::age(since, now) >= limits::SHUTTING_DOWN_RELEASE);
        return if shutting && !long_enough {
            Decision::wait(limits::POLL_CHANGING)
        } else {
            release(seen, deletion)
        };
    }
    if let Some(missing) = &instances.missing {
        let is_gone = missing.is_gone() || (deletion.finished && is_long_over(seen, now));
        return if is_gone { release(seen, deletion) } else { Decision::act(Action::Refresh) };
    }
    without_instance(seen, deletion, now)
}

/// Whether a finished pod has nothing left in the cloud: its launch can no longer be executed, and a fresh complete sweep
/// does not show its instance. The instance ended before the pod was shown as finished, or was never launched.
fn is_long_over(seen: &Observation<'_>, now: Timestamp) -> bool {
    let sent_at = seen.record().map(|record| record.send_at);
    let is_old = sent_at.is_none_or(|at| clock::age(at, now) >= limits::SIGNATURE_LIFETIME);
    seen.instances.fresh && is_old
}

fn terminate(seen: &Observation<'_>) -> Decision {
    let foreign = seen.instances.foreign.as_ref().map(|(id, _)| id);
    let owned = seen.instances.seen.iter().map(|instance| &instance.id).filter(|id| Some(*id) != foreign);
    let names: Vec<&str> = owned.map(InstanceId::as_str).collect();
    if names.is_empty() {
        return Decision::act(Action::Terminate);
    }
    let names = names.join(", ");
    let said = |error: &CloudError| error.to_string().trim_end_matches('.').to_owned();
    let note = match (&seen.instances.end_refused, &seen.instances.end_unanswered) {
        (None, None) => Note::normal(reason::INSTANCE_TERMINATING, format!("terminating instance {names}")),
        (Some(error), _) => {
            let text = format!(
                "instance {names} runs on, the cloud refuses to end it: {}. It is asked again within ten minutes",
                said(error)
            );
            Note::warning(reason::TERMINATION_REFUSED, text)
        }
        (None, Some(error)) => {
            let text = format!(
                "instance {names} is not known to be ending: {}. It is asked again within a minute",
                said(error)
            );
            Note::warning(reason::TERMINATION_UNANSWERED, text)
        }
    };
    Decision::act(Action::Terminate).and_note(note)
}

/// No instance is known: there is none, or one that a send may still make.
fn without_instance(seen: &Observation<'_>, deletion: Deletion, now: Timestamp) -> Decision {
    let record = match seen.record {
        None => return release(seen, deletion),
        Some(Err(error)) => return with_unusable_record(seen, deletion, error, now),
        Some(Ok(record)) => record,
    };
    if !seen.instances.fresh {
        return Decision::act(Action::Refresh);
    }
    match record.state() {
        AttemptState::Closed(_) | AttemptState::Unsent => release(seen, deletion),
        // The pod shows the end already, and clouds stop listing ended instances after a while (EC2: about an hour).
        AttemptState::Launched(_) if deletion.finished && is_long_over(seen, now) => release(seen, deletion),
        AttemptState::Launched(_) => Decision::act(Action::Refresh),
        AttemptState::Mismatch => release_if_absent(seen, deletion, now),
        // The status of a finished pod is final, so its launch cannot be announced again. If an instance still appears, it
        // is an orphan, and garbage collection ends it.
        AttemptState::Unresolved { .. } if deletion.finished => release(seen, deletion),
        AttemptState::Unresolved { refused, until } => {
            let limit = deletion.deadline.saturating_add(limits::DELETE_UNRESOLVED).unwrap_or(Timestamp::MAX);
            if now > limit {
                // If an instance still appears, it is an orphan, and garbage collection ends it.
                return release(seen, deletion);
            }
            // Sending the same token again returns the instance, if there is one, so that it can be terminated.
            launching::unresolved(seen, record, refused, until, now)
                .unwrap_or_else(|| release_if_absent(seen, deletion, now))
        }
    }
}

/// The pod may have been launched although its record cannot be used: the object stays until an instance would have shown.
fn with_unusable_record(
    seen: &Observation<'_>,
    deletion: Deletion,
    error: &RecordError,
    now: Timestamp,
) -> Decision {
    let executable_until =
        deletion.deadline.saturating_add(limits::SIGNATURE_LIFETIME).unwrap_or(Timestamp::MAX);
    if launching::is_absent_since(seen.instances, executable_until, now) {
        return release(seen, deletion);
    }
    let text = format!("{error}. The pod is let go when no instance of it has shown for 25 minutes");
    Decision::act(Action::Refresh)
        .and_again(limits::RESYNC)
        .and_note(Note::warning(reason::INSTANCE_CREATION_FAILED, text))
}

fn release_if_absent(seen: &Observation<'_>, deletion: Deletion, now: Timestamp) -> Decision {
    match seen.record() {
        Some(record) if !launching::is_absent(seen.instances, record, now) => Decision::act(Action::Refresh),
        _ => release(seen, deletion),
    }
}

/// Writes the terminal status, then removes the object: watchers must see the phase before the object goes (B45).
pub(super) fn release(seen: &Observation<'_>, deletion: Deletion) -> Decision {
    let evidence = Evidence::Deleted(departure(seen));
    let shown = if deletion.finished { Decision::rest() } else { showing::show(seen, &evidence) };
    // If only finalizers keep the object, it was removed already (B51).
    if deletion.released { shown } else { shown.and_act(Action::Release) }
}

/// What became of the instance, as far as is known.
fn departure<'a>(seen: &Observation<'a>) -> Departure<'a> {
    if let Some((recorded, _)) = seen.launched_elsewhere() {
        return Departure::GivenUp(recorded);
    }
    let is_known = !seen.instances.seen.is_empty()
        || seen.instances.missing.is_some()
        || seen.pod.is_some_and(|pod| pod::container_id(pod).is_some());
    match seen.record {
        _ if is_known => Departure::Ended,
        None => Departure::NeverLaunched,
        Some(Err(_)) => Departure::Unknown,
        Some(Ok(record)) => match record.state() {
            AttemptState::Launched(_) => Departure::Ended,
            AttemptState::Closed(_) | AttemptState::Unsent => Departure::NeverLaunched,
            AttemptState::Unresolved { .. } | AttemptState::Mismatch => Departure::Unknown,
        },
    }
}

/// The object is gone, so the instance is to end: no object ever has this UID again.
pub(super) fn gone(seen: &Observation<'_>, now: Timestamp) -> Decision {
    let instances = seen.instances;
    if let Some((send_at, _)) = seen.answered() {
        return Decision::wait(std::time::Duration::ZERO).and_consume(TaskKey::Send(send_at));
    }
    if seen.is_sending() {
        return Decision::rest();
    }
    if seen.any_alive() {
        return Decision::act(Action::Terminate);
    }
    if instances.seen.iter().any(|instance| instance.state == InstanceState::ShuttingDown) {
        return Decision::wait(limits::POLL_CHANGING);
    }
    // Sends without a certain answer may still be executed. The pod is remembered until they cannot be, and complete sweeps
    // since then have shown no instance.
    let may_appear = seen.record().is_some_and(|record| launching::may_appear(instances, record, now));
    if may_appear && instances.seen.is_empty() {
        return Decision::act(Action::Refresh).and_again(limits::RESYNC);
    }
    let is_missing = instances.missing.as_ref().is_some_and(|missing| !missing.is_gone());
    if instances.fresh && !is_missing {
        Decision::act(Action::Forget)
    } else {
        Decision::act(Action::Refresh)
    }
}
