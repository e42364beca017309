//! One launch attempt after another: when to send again, when to open the next attempt, when to give up.

use std::time::Duration;

use jiff::Timestamp;

use super::decision::{Action, Decision, Note};
use super::delays::{NEEDS_PEOPLE, RESEND, THROTTLED, after};
use super::observation::Observation;
use super::{preparing, showing};
use crate::admission::{Rejection, RejectionKind};
use crate::clock::{age, until};
use crate::error::{Fault, Kind};
use crate::launch::{AttemptState, Held, LaunchRecord, Refusal};
use crate::limits;
use crate::provider::KnownInstances;
use crate::state_mapping::{Evidence, Next, NoInstance};

/// The attempt is closed by a refusal: open a new one when its time has come, or when the author has changed what the pod
/// asks for.
pub(super) fn closed(
    seen: &Observation<'_>,
    record: &LaunchRecord,
    refusal: &Refusal,
    now: Timestamp,
) -> Decision {
    let request = match seen.request {
        Ok(request) => request,
        Err(rejection) => return rejected(seen, rejection),
    };
    let changed = request.digest() != record.request_digest;
    let waits_for_people = refusal.error.kind == Kind::Invalid(Fault::Pod);
    let is_due = now >= next_attempt_at(record, refusal) || is_ahead(refusal.at, now);
    if changed || (!waits_for_people && is_due) {
        return preparing::attempt(seen, request, record.attempt.saturating_add(1), now);
    }
    let decision = show_refusal(seen, record, refusal);
    if waits_for_people { decision } else { decision.and_again(until(next_attempt_at(record, refusal), now)) }
}

/// Shows a refusal. The pod fails if its author has to change something, unless its restart policy is `Always`.
pub(super) fn show_refusal(seen: &Observation<'_>, record: &LaunchRecord, refusal: &Refusal) -> Decision {
    let error = &refusal.error;
    let (next, again) = match error.kind {
        Kind::Invalid(Fault::Pod) if seen.restarts_always() => (Next::OnChange, limits::RESYNC),
        Kind::Invalid(Fault::Pod) => (Next::Fails, limits::RESYNC),
        Kind::NoCapacity => (Next::WhenAvailable, Duration::ZERO),
        Kind::Quota
        | Kind::Denied
        | Kind::Invalid(Fault::Config)
        | Kind::Throttled
        | Kind::Unknown
        | Kind::NotFound => {
            let number = record.attempt.saturating_add(1);
            (Next::Attempt(number, next_attempt_at(record, refusal)), limits::POLL_CHANGING)
        }
    };
    showing::waiting(seen, NoInstance::Refused { error, next }).and_again(again)
}

/// Whether this time is in the future, because the clock that wrote it was ahead, or this one was set back. How long ago it
/// was is then unknown, and nothing waits for it.
fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at > now
}

/// When the next attempt may begin.
fn next_attempt_at(record: &LaunchRecord, refusal: &Refusal) -> Timestamp {
    let backoff = match refusal.error.kind {
        // Another offer may have capacity now; the provider skips those that were refused a short time ago.
        Kind::NoCapacity => return refusal.at,
        Kind::Quota | Kind::Denied | Kind::Invalid(_) => NEEDS_PEOPLE,
        Kind::Throttled | Kind::Unknown | Kind::NotFound => THROTTLED,
    };
    after(refusal.at, backoff.delay(record.attempt))
}

/// A planted bug: a new attempt begins although the last one may still launch.
pub(super) fn next_at_once(seen: &Observation<'_>, record: &LaunchRecord, now: Timestamp) -> Decision {
    match seen.request {
        Ok(request) => preparing::attempt(seen, request, record.attempt.saturating_add(1), now),
        Err(rejection) => rejected(seen, rejection),
    }
}

/// Some sends have no certain answer: send the same again when it is time. None: the token is too old to be sent again.
pub(super) fn unresolved(
    seen: &Observation<'_>,
    record: &LaunchRecord,
    refused: Option<&Refusal>,
    executable_until: Timestamp,
    now: Timestamp,
) -> Option<Decision> {
    if age(record.first_send_at, now) >= seen.instances.token_memory {
        return None;
    }
    // One send was refused, and another one may still be executed, so the refusal proves nothing. What proves it is the
    // answer to a send of the same token when no earlier one can be executed any longer.
    let settles_at = if refused.is_some() { executable_until } else { Timestamp::MIN };
    let due = resend_at(record).max(settles_at);
    Some(if now >= due {
        preparing::resend(seen, record, now)
    } else {
        Decision::wait(until(due, now).min(limits::RESYNC))
    })
}

/// The launch was announced, and every send was stopped before it left: send the same again after a delay.
pub(super) fn unsent(seen: &Observation<'_>, record: &LaunchRecord, now: Timestamp) -> Decision {
    let due = resend_at(record);
    if now >= due || record.held.as_ref().is_some_and(|held| is_ahead(held.at, now)) {
        return preparing::resend(seen, record, now);
    }
    let decision = match &record.held {
        Some(Held { error, .. }) => showing::waiting(seen, NoInstance::NotSent { error, until: due }),
        None => Decision::rest(),
    };
    decision.and_again(until(due, now))
}

/// When the same launch may be sent again, after a send without a certain answer or one that was stopped before it left.
pub(super) fn resend_at(record: &LaunchRecord) -> Timestamp {
    if let Some(Held { error, at, times }) = &record.held {
        let backoff = match error.kind {
            Kind::Quota | Kind::Denied | Kind::Invalid(_) => NEEDS_PEOPLE,
            Kind::Throttled | Kind::NoCapacity | Kind::Unknown | Kind::NotFound => RESEND,
        };
        return after(*at, backoff.delay(*times));
    }
    let sends = u32::try_from(record.unresolved.len()).unwrap_or(u32::MAX);
    if sends == 0 { record.send_at } else { after(record.send_at, RESEND.delay(sends)) }
}

/// The token may have launched something, and may not be sent again. Adopt the instance if a sweep shows it. Fail the pod
/// if enough complete sweeps show none after the last send could have been executed.
pub(super) fn adopt_or_fail(seen: &Observation<'_>, record: &LaunchRecord, now: Timestamp) -> Decision {
    if !is_absent(seen.instances, record, now) {
        return showing::waiting(seen, NoInstance::Searching)
            .and_act(Action::Refresh)
            .and_again(limits::POLL_CHANGING);
    }
    showing::waiting_for(seen, &Evidence::NoInstance(NoInstance::OutcomeUnknown))
}

/// Whether enough complete sweeps, begun when the last send could no longer be executed, have shown no instance.
pub(super) fn is_absent(instances: &KnownInstances, record: &LaunchRecord, now: Timestamp) -> bool {
    is_absent_since(instances, record.executable_until().unwrap_or(record.send_at), now)
}

/// Whether enough complete sweeps that began after this time have shown no instance.
pub(super) fn is_absent_since(instances: &KnownInstances, from: Timestamp, now: Timestamp) -> bool {
    let mut after = instances.complete_sweeps.iter().filter(|began| **began > from);
    let first = after.next();
    let enough = u32::try_from(after.count().saturating_add(1)).is_ok_and(|count| count >= limits::ABSENCES);
    let long_enough = first.is_some_and(|began| age(*began, now) >= limits::ABSENT_FOR);
    instances.fresh && enough && long_enough
}

/// Whether an instance may still appear that this record announced.
pub(super) fn may_appear(instances: &KnownInstances, record: &LaunchRecord, now: Timestamp) -> bool {
    match record.state() {
        AttemptState::Unresolved { .. } | AttemptState::Mismatch => !is_absent(instances, record, now),
        AttemptState::Launched(_) | AttemptState::Closed(_) | AttemptState::Unsent => false,
    }
}

/// The pod asks for something that it cannot have.
///
/// It fails. With restart policy `Always` it waits instead if a change of an annotation would help, or if a controller owns
/// it: the controller would replace failed pods without end.
pub(super) fn rejected(seen: &Observation<'_>, rejection: &Rejection) -> Decision {
    let waits = seen.restarts_always() && (rejection.kind == RejectionKind::Annotation || seen.is_replaced());
    let why = NoInstance::Rejected { rejection, fails: !waits };
    showing::waiting(seen, why).and_note(Note::warning(&rejection.reason, &rejection.message))
}
