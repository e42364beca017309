//! One launch attempt after another: what an answer means, when to send again, when to give up.

use std::time::Duration;

use jiff::Timestamp;

use super::decision::{Action, Decision, Note};
use super::observation::Observation;
use super::wanted::{ended, told, waiting, with_instance};
use crate::admission::{Rejection, RejectionKind};
use crate::backoff::Backoff;
use crate::cloud::LaunchOutcome;
use crate::error::{CloudError, Fault, Kind};
use crate::launch::{AttemptState, LaunchRecord, Refusal};
use crate::limits;
use crate::provider::Machines;
use crate::status::Shown;
use crate::well_known::reason;

/// Between sends of one attempt whose outcome is unknown.
const RESEND: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_mins(1) };
/// After a refusal that passes by itself.
const THROTTLED: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_mins(1) };
/// While no offer may be had: how often to look for one. The provider remembers for three minutes which may not.
const NO_OFFER: Duration = Duration::from_mins(1);
/// After a refusal that somebody has to act on.
const NEEDS_PEOPLE: Backoff = Backoff { first: Duration::from_mins(1), cap: Duration::from_mins(5) };

/// A launch that waits longer than this for its turn says so.
const SHOWN_WAIT: Duration = Duration::from_secs(20);

/// A send was answered: take the answer into the record.
pub(super) fn answered(
    seen: &Observation<'_>,
    send_at: Timestamp,
    outcome: &LaunchOutcome,
    now: Timestamp,
) -> Decision {
    let Some(record) = seen.record() else {
        // Our own write of the record is not visible here yet; it wakes the pod when it is.
        return Decision::wait(limits::POLL_CHANGING);
    };
    let next = take(record, send_at, outcome, now);
    let decision = match outcome {
        LaunchOutcome::Launched(instance) => {
            let zone = instance.zone.as_deref().unwrap_or("an unnamed zone");
            let kind = instance.capacity_type.as_str();
            let text = format!(
                "launched {} ({}, {kind}, {zone}) in attempt {}",
                instance.id, instance.instance_type, record.attempt
            );
            with_instance(seen, instance).and_note(Note::normal(reason::INSTANCE_LAUNCHED, text))
        }
        LaunchOutcome::Refused(error) => refused(seen, &next, error),
        LaunchOutcome::NotSent(error) if error.kind.is_definitive() => refused(seen, &next, error),
        LaunchOutcome::Mismatch => waiting(
            seen,
            reason::INSTANCE_LAUNCHING,
            "the cloud knows this launch already; looking for its instance",
        ),
        LaunchOutcome::Ended => {
            ended(reason::INSTANCE_GONE, "the instance was launched and has ended".into())
        }
        LaunchOutcome::NotSent(error) => {
            waiting(seen, reason::INSTANCE_LAUNCHING, format!("the launch call was not sent: {error}"))
                .and_again(limits::POLL_CHANGING)
        }
        LaunchOutcome::Unknown(error) => {
            let text = format!(
                "nobody knows yet whether the launch happens; asking again with the same token. {error}"
            );
            told(seen, reason::INSTANCE_LAUNCHING, text).and_again(limits::POLL_CHANGING)
        }
    };
    decision.and_record(next).and_settle(send_at)
}

/// The record after this answer.
pub(super) fn take(
    record: &LaunchRecord,
    send_at: Timestamp,
    outcome: &LaunchOutcome,
    now: Timestamp,
) -> LaunchRecord {
    match outcome {
        LaunchOutcome::Launched(instance) => record.launched(&instance.id),
        LaunchOutcome::Refused(error) => record.refused(send_at, error.clone(), now),
        LaunchOutcome::Mismatch => record.mismatched(send_at),
        // Never sent, for a reason that stays: like a refusal, it is shown and backed off from.
        LaunchOutcome::NotSent(error) if error.kind.is_definitive() => {
            record.refused(send_at, error.clone(), now)
        }
        LaunchOutcome::NotSent(_) => record.not_sent(send_at),
        LaunchOutcome::Ended | LaunchOutcome::Unknown(_) => record.clone(),
    }
}

fn refused(seen: &Observation<'_>, next: &LaunchRecord, error: &CloudError) -> Decision {
    let note = Note::warning(error.code.clone(), format!("{}: {error}", reason::INSTANCE_CREATION_FAILED));
    let decision = match next.state() {
        AttemptState::Closed(refusal) => show_refusal(seen, next, refusal),
        AttemptState::Launched(_)
        | AttemptState::Mismatch
        | AttemptState::Unresolved { .. }
        | AttemptState::Unsent => waiting(seen, &error.code, error.to_string()),
    };
    decision.and_note(note)
}

/// A refused launch: the pod fails if its author has to change something and nothing would replace it at once.
fn show_refusal(seen: &Observation<'_>, record: &LaunchRecord, refusal: &Refusal) -> Decision {
    let error = &refusal.error;
    if error.kind == Kind::Invalid(Fault::Pod) {
        return if seen.restarts_always() {
            waiting(seen, &error.code, followed_by(error, "It is tried again when the pod is changed"))
        } else {
            fail(error.code.clone(), error.to_string())
        };
    }
    if error.kind == Kind::NoCapacity {
        return waiting(seen, &error.code, scarce(error)).and_again(Duration::ZERO);
    }
    let due = due(record, refusal);
    waiting(
        seen,
        &error.code,
        followed_by(error, &format!("Attempt {} follows at {due:.0}", record.attempt.saturating_add(1))),
    )
    .and_again(limits::POLL_CHANGING)
}

/// Every send was answered and the last was refused: a new attempt when its time has come, or when the author has
/// changed what is wished for.
pub(super) fn closed(
    seen: &Observation<'_>,
    record: &LaunchRecord,
    refusal: &Refusal,
    now: Timestamp,
) -> Decision {
    let attempt = record.attempt.saturating_add(1);
    let request = match seen.request {
        Ok(request) => request,
        Err(rejection) => return refuse(seen, rejection),
    };
    let changed = request.fingerprint() != record.wish;
    let waits_for_people = refusal.error.kind == Kind::Invalid(Fault::Pod);
    if changed || (!waits_for_people && now >= due(record, refusal)) {
        return Decision::act(Action::Launch { attempt });
    }
    let remaining = due(record, refusal).duration_since(now).unsigned_abs();
    let decision = show_refusal(seen, record, refusal);
    if waits_for_people { decision } else { decision.and_again(remaining) }
}

/// When the next attempt may begin.
fn due(record: &LaunchRecord, refusal: &Refusal) -> Timestamp {
    let backoff = match refusal.error.kind {
        // Another offer may be had at once; the provider passes over those that may not.
        Kind::NoCapacity => return refusal.at,
        Kind::Quota | Kind::Denied | Kind::Invalid(_) => NEEDS_PEOPLE,
        Kind::Throttled | Kind::Unknown | Kind::NotFound => THROTTLED,
    };
    refusal.at.saturating_add(backoff.delay(record.attempt)).unwrap_or(Timestamp::MAX)
}

/// What to do about sends whose outcome nobody knows. None: too old to be sent again, adopt or fail.
pub(super) fn unresolved(
    record: &LaunchRecord,
    refused: Option<&Refusal>,
    until: Timestamp,
    token_memory: Duration,
    now: Timestamp,
) -> Option<Decision> {
    if now.duration_since(record.first_send_at).unsigned_abs() >= token_memory {
        return None;
    }
    // A refusal beside an unresolved send proves nothing: the other may still be executed. Only the answer to the same
    // token, sent when that is over, does.
    let due = if refused.is_some() {
        until
    } else {
        let sends = u32::try_from(record.unresolved.len()).unwrap_or(u32::MAX);
        record.send_at.saturating_add(RESEND.delay(sends)).unwrap_or(Timestamp::MAX)
    };
    Some(if now >= due {
        Decision::act(Action::Resend)
    } else {
        Decision::wait(due.duration_since(now).unsigned_abs().min(limits::RESYNC))
    })
}

/// The token may have launched something, and may not be sent again: adopt what a sweep shows, or fail when enough
/// complete sweeps show nothing after the last send could still have been executed.
pub(super) fn adopt_or_fail(seen: &Observation<'_>, record: &LaunchRecord, now: Timestamp) -> Decision {
    if !is_absent(seen.machines, record, now) {
        return waiting(
            seen,
            reason::INSTANCE_LAUNCHING,
            "looking for the instance of an earlier launch call",
        )
        .and_act(Action::Refresh)
        .and_again(limits::POLL_CHANGING);
    }
    let text = "nobody can tell any more whether the launch call was executed; garbage collection ends what may appear".to_owned();
    ended(reason::LAUNCH_OUTCOME_UNKNOWN, text)
}

/// Whether enough complete sweeps began after the last send could still have been executed, and none showed anything.
pub(super) fn is_absent(machines: &Machines, record: &LaunchRecord, now: Timestamp) -> bool {
    let latest = record.unresolved.iter().max().copied();
    let from = latest.map_or(record.send_at, |mark| {
        mark.saturating_add(limits::SIGNATURE_LIFETIME).unwrap_or(Timestamp::MAX)
    });
    let mut after = machines.complete_sweeps.iter().filter(|began| **began > from);
    let first = after.next();
    let enough = u32::try_from(after.count().saturating_add(1)).is_ok_and(|count| count >= limits::ABSENCES);
    let long_enough =
        first.is_some_and(|began| now.duration_since(*began).unsigned_abs() >= limits::ABSENT_FOR);
    machines.fresh && enough && long_enough
}

/// The pod asks for something that it cannot have as it is.
///
/// It fails, unless a new one would come at once: then it waits, because an author can mend an annotation, and because a
/// controller would make failing pods without end.
pub(super) fn refuse(seen: &Observation<'_>, rejection: &Rejection) -> Decision {
    let waits = seen.restarts_always() && (rejection.kind == RejectionKind::Annotation || seen.is_replaced());
    let Rejection { reason, message, .. } = rejection;
    let decision = if waits { waiting(seen, reason, message) } else { fail(reason.clone(), message.clone()) };
    decision.and_note(Note::warning(reason, message))
}

/// The launch waits for its turn: launches go out no faster than the cloud takes them.
pub(super) fn queued(seen: &Observation<'_>, wait: Duration, now: Timestamp) -> Decision {
    // A short wait is over before anybody could read of it.
    if wait < SHOWN_WAIT {
        return Decision::wait(wait);
    }
    let at = now.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let text = format!("launches go out as fast as the cloud takes them; this one follows at {at:.0}");
    told(seen, reason::LAUNCH_QUEUED, text).and_again(wait)
}

/// Nothing was launched, so no disruption is claimed: the owner counts it as a failure of the pod.
fn fail(reason: String, message: String) -> Decision {
    Decision::show(Shown::Ended { reason, message, disruption: false })
}

/// No offer could be made: nothing was recorded and nothing was sent.
pub(super) fn not_planned(seen: &Observation<'_>, error: &CloudError) -> Decision {
    let decision = match error.kind {
        Kind::Invalid(Fault::Pod) if !seen.restarts_always() => fail(error.code.clone(), error.to_string()),
        Kind::Invalid(Fault::Pod) => {
            waiting(seen, &error.code, followed_by(error, "It is tried again when the pod is changed"))
        }
        Kind::NoCapacity => waiting(seen, &error.code, scarce(error)).and_again(NO_OFFER),
        Kind::Invalid(Fault::Config) | Kind::Quota | Kind::Denied => {
            waiting(seen, &error.code, error.to_string()).and_again(NEEDS_PEOPLE.first)
        }
        Kind::Unknown | Kind::Throttled | Kind::NotFound => {
            waiting(seen, &error.code, error.to_string()).and_again(THROTTLED.delay(3))
        }
    };
    decision.and_note(Note::warning(error.code.clone(), error.to_string()))
}

/// The same words wherever an offer cannot be had, so that the pod's status does not change to and fro.
fn scarce(error: &CloudError) -> String {
    followed_by(error, "It is asked for again when it may be there, every few minutes")
}

/// The error as a sentence, and another one after it.
fn followed_by(error: &CloudError, more: &str) -> String {
    format!("{}. {more}", error.to_string().trim_end_matches('.'))
}
