//! A send was answered: what the answer means for the record, and what the pod shows of it.

use jiff::Timestamp;

use super::decision::{Decision, Note};
use super::facts::TaskKey;
use super::observation::Observation;
use super::{instance, launching, showing};
use crate::cloud::LaunchOutcome;
use crate::error::CloudError;
use crate::instance::Instance;
use crate::launch::{AttemptState, LaunchRecord};
use crate::limits;
use crate::planted::{Bug, planted};
use crate::state_mapping::{Evidence, Next, NoInstance};
use crate::well_known::reason;

/// Writes the answer into the record.
pub(super) fn taken(
    seen: &Observation<'_>,
    send_at: Timestamp,
    outcome: &LaunchOutcome,
    now: Timestamp,
) -> Decision {
    let Some(record) = seen.record() else {
        // Our own write of the record is not visible here yet; it wakes the pod when it is.
        return Decision::wait(limits::POLL_CHANGING);
    };
    let next = recorded(record, send_at, outcome, now);
    let soon = |decision: Decision| decision.and_again(limits::POLL_CHANGING);
    let decision = match outcome {
        LaunchOutcome::Launched(instance) => launched(seen, record, instance),
        LaunchOutcome::Refused(error) => refused(seen, &next, error),
        LaunchOutcome::Mismatch => showing::waiting(seen, NoInstance::AlreadyLaunched),
        LaunchOutcome::Ended => {
            showing::waiting_for(seen, &Evidence::NoInstance(NoInstance::LaunchedAndEnded))
        }
        LaunchOutcome::NotSent(error) => not_sent(seen, &next, error),
        LaunchOutcome::Unknown(error) => {
            soon(showing::waiting_for(seen, &Evidence::NoInstance(NoInstance::Unanswered(error))))
        }
    };
    decision.and_record(next).and_consume(TaskKey::Send(send_at))
}

/// The record after this answer.
pub(super) fn recorded(
    record: &LaunchRecord,
    send_at: Timestamp,
    outcome: &LaunchOutcome,
    now: Timestamp,
) -> LaunchRecord {
    match outcome {
        LaunchOutcome::Launched(instance) => {
            let mut next = record.launched(&instance.id);
            // Credentials can change after the last call of `identity`, so what the answer says counts.
            if let Some(cloud) = &instance.cloud {
                next.cloud = cloud.clone();
            }
            next
        }
        LaunchOutcome::NotSent(error) if planted(Bug::NotSentCloses) => {
            let mut next = record.refused(send_at, error.clone(), now);
            next.unresolved.clear();
            next
        }
        LaunchOutcome::Refused(error) => record.refused(send_at, error.clone(), now),
        LaunchOutcome::Mismatch => record.mismatched(send_at),
        LaunchOutcome::NotSent(error) => record.not_sent(send_at, error.clone(), now),
        LaunchOutcome::Ended | LaunchOutcome::Unknown(_) => record.unanswered(),
    }
}

fn launched(seen: &Observation<'_>, record: &LaunchRecord, instance: &Instance) -> Decision {
    let zone = instance.zone.as_deref().unwrap_or("an unnamed zone");
    let text = format!(
        "launched {} ({}, {}, {zone}) in attempt {}",
        instance.id,
        instance.instance_type,
        instance.capacity_type.as_str(),
        record.attempt
    );
    instance::follow(seen, instance).and_note(Note::normal(reason::INSTANCE_LAUNCHED, text))
}

fn refused(seen: &Observation<'_>, next: &LaunchRecord, error: &CloudError) -> Decision {
    let decision = match next.state() {
        AttemptState::Closed(refusal) => launching::show_refusal(seen, next, refusal),
        AttemptState::Launched(_)
        | AttemptState::Mismatch
        | AttemptState::Unresolved { .. }
        | AttemptState::Unsent => showing::waiting(seen, NoInstance::Refused { error, next: Next::Again }),
    };
    decision.and_note(creation_failed(error))
}

/// The call never left. There is an event only if people have to act.
fn not_sent(seen: &Observation<'_>, next: &LaunchRecord, error: &CloudError) -> Decision {
    let until = launching::resend_at(next);
    let decision = showing::waiting(seen, NoInstance::NotSent { error, until });
    if error.kind.is_definitive() { decision.and_note(creation_failed(error)) } else { decision }
        .and_again(limits::POLL_CHANGING)
}

fn creation_failed(error: &CloudError) -> Note {
    Note::warning(error.code.clone(), format!("{}: {}", reason::INSTANCE_CREATION_FAILED, error.told()))
}
