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

/// Every send was answered and the last was refused: a new attempt when its time has come, or when the author has
/// changed what is asked for.
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

/// A refused launch: the pod fails if its author has to change something and nothing would replace it at once.
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

/// Whether a clock that was ahead wrote this time, or ours was set back: then nobody knows how long ago it was, and nothing
/// waits for it.
fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at > now
}

/// When the next attempt may begin.
fn next_attempt_at(record: &LaunchRecord, refusal: &Refusal) -> Timestamp {
    let backoff = match refusal.error.kind {
        // Another offer may be had at once; the provider passes over those that may not.
        Kind::NoCapacity => return refusal.at,
        Kind::Quota | Kind::Denied | Kind::Invalid(_) => NEEDS_PEOPLE,
        Kind::Throttled | Kind::Unknown | Kind::NotFound => THROTTLED,
    };
    after(refusal.at, backoff.delay(record.attempt))
}

/// The mistake that can be planted: an attempt that may still launch is followed by another one.
pub(super) fn next_at_once(seen: &Observation<'_>, record: &LaunchRecord, now: Timestamp) -> Decision {
    match seen.request {
        Ok(request) => preparing::attempt(seen, request, record.attempt.saturating_add(1), now),
        Err(rejection) => rejected(seen, rejection),
    }
}

/// Nobody knows what became of some sends. None: too old to be sent again, adopt or fail.
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
    // A refusal beside an unresolved send proves nothing: the other may still be executed. Only the answer to the same
    // token, sent when that is over, does.
    let settles_at = if refused.is_some() { executable_until } else { Timestamp::MIN };
    let due = resend_at(record).max(settles_at);
    Some(if now >= due {
        preparing::resend(seen, record, now)
    } else {
        Decision::wait(until(due, now).min(limits::RESYNC))
    })
}

/// The launch was announced, and every send was stopped before it left: the same again, when the cause may be over.
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

/// When the same launch may be sent again: after a send that was answered by nobody, or was stopped before it left.
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

/// The token may have launched something, and may not be sent again: adopt what a sweep shows, or fail when enough
/// complete sweeps show nothing after the last send could still have been executed.
pub(super) fn adopt_or_fail(seen: &Observation<'_>, record: &LaunchRecord, now: Timestamp) -> Decision {
    if !is_absent(seen.instances, record, now) {
        return showing::waiting(seen, NoInstance::Searching)
            .and_act(Action::Refresh)
            .and_again(limits::POLL_CHANGING);
    }
    showing::waiting_for(seen, &Evidence::NoInstance(NoInstance::OutcomeUnknown))
}

/// Whether enough complete sweeps began after the last send could still have been executed, and none showed anything.
pub(super) fn is_absent(instances: &KnownInstances, record: &LaunchRecord, now: Timestamp) -> bool {
    is_absent_since(instances, record.executable_until().unwrap_or(record.send_at), now)
}

/// Whether enough complete sweeps began after this time, and none showed anything.
pub(super) fn is_absent_since(instances: &KnownInstances, from: Timestamp, now: Timestamp) -> bool {
    let mut after = instances.complete_sweeps.iter().filter(|began| **began > from);
    let first = after.next();
    let enough = u32::try_from(after.count().saturating_add(1)).is_ok_and(|count| count >= limits::ABSENCES);
    let long_enough = first.is_some_and(|began| age(*began, now) >= limits::ABSENT_FOR);
    instances.fresh && enough && long_enough
}

/// Whether a launch of this record may still appear although nothing is known of it.
pub(super) fn may_appear(instances: &KnownInstances, record: &LaunchRecord, now: Timestamp) -> bool {
    match record.state() {
        AttemptState::Unresolved { .. } | AttemptState::Mismatch => !is_absent(instances, record, now),
        AttemptState::Launched(_) | AttemptState::Closed(_) | AttemptState::Unsent => false,
    }
}

/// The pod asks for something that it cannot have as it is.
///
/// It fails, unless a new one would come at once: then it waits, because an author can mend an annotation, and because a
/// controller would make failing pods without end.
pub(super) fn rejected(seen: &Observation<'_>, rejection: &Rejection) -> Decision {
    let waits = seen.restarts_always() && (rejection.kind == RejectionKind::Annotation || seen.is_replaced());
    let why = NoInstance::Rejected { rejection, fails: !waits };
    showing::waiting(seen, why).and_note(Note::warning(&rejection.reason, &rejection.message))
}
