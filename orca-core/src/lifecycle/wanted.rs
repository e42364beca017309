//! A pod that should run: launch it once, follow its instance, fail it when the instance is gone.

use jiff::Timestamp;

use super::decision::{Action, Decision, Note};
use super::observation::Observation;
use super::showing::{self, waiting_for};
use super::{answers, instance, launching, preparing, silence};
use crate::clock;
use crate::launch::AttemptState;
use crate::limits;
use crate::planted::{Bug, planted};
use crate::pod;
use crate::state_mapping::{Evidence, NoInstance};
use crate::status::Shown;
use crate::well_known::reason;

pub(super) fn decide(seen: &Observation<'_>, now: Timestamp) -> Decision {
    if seen.ignore_daemons && seen.pod.is_some_and(pod::is_daemon) && seen.instances.seen.is_empty() {
        return waiting_for(seen, &Evidence::NoInstance(NoInstance::DaemonIgnored));
    }
    if let Some((send_at, outcome)) = seen.answered() {
        return answers::taken(seen, send_at, &outcome, now);
    }
    let deadline = seen.deadline();
    if deadline.is_some_and(|deadline| deadline <= now) {
        return overdue(seen);
    }
    let decision = with_life(seen, follow(seen, now), now);
    match deadline {
        Some(deadline) => {
            let again = decision.again.min(clock::until(deadline, now));
            decision.and_again(again)
        }
        None => decision,
    }
}

/// Adds how long the instance lived, if the pod ends now and had one.
fn with_life(seen: &Observation<'_>, mut decision: Decision, now: Timestamp) -> Decision {
    let ends = matches!(decision.shown(), Some(Shown::Ended { .. }));
    let launched = seen.record().filter(|record| record.instance_id.is_some());
    decision.lived = launched.filter(|_| ends).map(|record| clock::age(record.first_send_at, now));
    decision
}

/// The pod ran, or waited, longer than `spec.activeDeadlineSeconds` (B26).
fn overdue(seen: &Observation<'_>) -> Decision {
    let decision = waiting_for(seen, &Evidence::Overdue);
    if seen.any_alive() { decision.and_act(Action::Terminate) } else { decision }
}

fn follow(seen: &Observation<'_>, now: Timestamp) -> Decision {
    if seen.is_sending() {
        // What the pod shows meanwhile was written together with the record.
        return Decision::rest();
    }
    if let Some(decision) = silence::decide(seen, now) {
        return decision;
    }
    if let Some(instance) = seen.instance() {
        return instance::follow(seen, instance);
    }
    if let Some(missing) = &seen.instances.missing {
        return if missing.is_gone() {
            waiting_for(seen, &Evidence::Missing(missing))
        } else {
            Decision::act(Action::Refresh)
        };
    }
    without_instance(seen, now)
}

/// No instance is known. A launch requires a recent complete sweep that shows none.
fn without_instance(seen: &Observation<'_>, now: Timestamp) -> Decision {
    if let Some(Err(error)) = seen.record {
        return showing::waiting(seen, NoInstance::RecordUnusable(error));
    }
    if !seen.instances.fresh && !planted(Bug::NoFreshSweep) {
        return unswept(seen);
    }
    let Some(record) = seen.record() else {
        return first_launch(seen, now);
    };
    match record.state() {
        // The provider knows of the recorded instance since the object came in: a sweep will find it, or count it as missing.
        AttemptState::Launched(_) => Decision::act(Action::Refresh),
        AttemptState::Mismatch => launching::adopt_or_fail(seen, record, now),
        AttemptState::Closed(refusal) => launching::closed(seen, record, refusal, now),
        AttemptState::Unresolved { .. } if planted(Bug::NextAttemptAtOnce) => {
            launching::next_at_once(seen, record, now)
        }
        AttemptState::Unresolved { refused, until } => {
            launching::unresolved(seen, record, refused, until, now)
                .unwrap_or_else(|| launching::adopt_or_fail(seen, record, now))
        }
        AttemptState::Unsent => launching::unsent(seen, record, now),
    }
}

/// Nothing was ever launched for this UID.
fn first_launch(seen: &Observation<'_>, now: Timestamp) -> Decision {
    let request = match seen.request {
        Ok(request) => request,
        Err(rejection) => return launching::rejected(seen, rejection),
    };
    if let Some(namesake) = &seen.instances.namesake
        && seen.age(now) < limits::NAMESAKE
    {
        // At most one instance of a name at a time, as a StatefulSet expects it, even after a force deletion.
        let why = Evidence::NoInstance(NoInstance::NamesakeEnding(namesake));
        return waiting_for(seen, &why).and_again(limits::POLL_CHANGING);
    }
    if let Some(until) = seen.held_until.filter(|until| *until > now) {
        let why = Evidence::NoInstance(NoInstance::HeldBack { until });
        return waiting_for(seen, &why).and_again(clock::until(until, now));
    }
    let notes = request.notes.iter().map(|text| Note::warning(reason::UNKNOWN_ANNOTATION, text));
    notes.fold(preparing::attempt(seen, request, 1, now), Decision::and_note)
}

/// There has been no complete list of instances for a minute. A pod that waits for one shows the cause.
fn unswept(seen: &Observation<'_>) -> Decision {
    let decision = match &seen.instances.trouble {
        None => Decision::act(Action::Refresh),
        Some(trouble) => waiting_for(seen, &Evidence::NoInstance(NoInstance::CloudUnreachable(trouble)))
            .and_act(Action::Refresh)
            .and_again(limits::POLL_CHANGING),
    };
    decision.keeping_prepared()
}
