//! What a send needs before it is announced: an offer and a permit. A task gets them; the decision that finds them there
//! writes the record and sends.

use std::time::Duration;

use jiff::Timestamp;

use super::decision::{Action, Decision, Note};
use super::delays::{NEEDS_PEOPLE, THROTTLED, left};
use super::facts::{Preparation, PrepareKey, TaskFailure, TaskState};
use super::observation::Observation;
use super::showing;
use crate::admission::Request;
use crate::clock;
use crate::error::{CloudError, Fault, Kind};
use crate::launch::{LaunchRecord, LaunchRequest, NewAttempt, Offer};
use crate::limits;
use crate::provider::{Permit, Prepare, Prepared};
use crate::resources;
use crate::state_mapping::{Evidence, Next, NoInstance};
use crate::status;
use crate::tags::{TagSource, tags};
use crate::well_known::reason;

/// How often to ask for offers while all of them lack capacity. The provider remembers which do.
const NO_OFFER: Duration = Duration::from_mins(1);
/// A launch that waits longer than this shows what it waits for.
const SHOWN_WAIT: Duration = Duration::from_secs(20);
/// A prepared offer and permit are used within this time, or asked for again: an offer grows old, and a permit was for
/// that time.
const USABLE: Duration = Duration::from_secs(30);

/// Opens this attempt, as soon as an offer and a permit for it are there.
pub(super) fn attempt(seen: &Observation<'_>, request: &Request, attempt: u32, now: Timestamp) -> Decision {
    let key = PrepareKey::Attempt { attempt, request_digest: request.digest() };
    let what = || Prepare::Attempt(launch_request(seen, request, attempt, now));
    let Some(task) = task(seen, &key) else {
        return ask(key, what());
    };
    match outcome(seen, task, now) {
        Outcome::Waits(decision) => *decision,
        // The provider always returns an offer for a new attempt. If one is missing after all, it is asked for again.
        Outcome::Stale | Outcome::Ready(Prepared { offer: None, .. }) => ask(key, what()),
        Outcome::Failed { at, error } => no_offer(seen, &error, at, now).unwrap_or_else(|| ask(key, what())),
        Outcome::Ready(Prepared { offer: Some(offer), .. }) => match &seen.instances.identity {
            Some(cloud) => {
                let new = NewAttempt {
                    cluster: &seen.owner.cluster,
                    pod: &seen.reference.uid,
                    attempt,
                    cloud: cloud.clone(),
                    offer: offer.clone(),
                    request_digest: request.digest(),
                };
                let asked = seen.pod.map(status::asked).unwrap_or_default();
                let decision = open(seen, LaunchRecord::open(new, now).asking(asked), offer);
                not_checked(seen, offer).into_iter().fold(decision, Decision::and_note)
            }
            None => Decision::act(Action::Refresh).keeping_prepared(),
        },
    }
}

/// Sends the recorded attempt again, as soon as a permit for it is there: the same offer under the same token.
pub(super) fn resend(seen: &Observation<'_>, record: &LaunchRecord, now: Timestamp) -> Decision {
    let attempt = record.attempt;
    let key = PrepareKey::Resend { attempt };
    let Some(task) = task(seen, &key) else {
        return ask(key, Prepare::Resend { attempt });
    };
    match outcome(seen, task, now) {
        Outcome::Waits(decision) => *decision,
        Outcome::Stale => ask(key, Prepare::Resend { attempt }),
        // The offer is in the record, so only the permit could not be had.
        Outcome::Failed { at, .. } => match left(at, THROTTLED.delay(1), now) {
            Some(left) => Decision::wait(left).keeping_prepared(),
            None => ask(key, Prepare::Resend { attempt }),
        },
        Outcome::Ready(_) => {
            Decision::act(Action::Send).and_record(record.resend(now)).and_again(limits::RESYNC)
        }
    }
}

/// The event for a pod whose requests could not be compared with its instance type.
fn not_checked(seen: &Observation<'_>, offer: &Offer) -> Option<Note> {
    let asks = seen.pod.is_some_and(|pod| !resources::requested(pod).is_empty());
    let text = format!(
        "whether instance type {} has what this pod asks for is not known, so it is not checked",
        offer.instance_type
    );
    (seen.check_fit && asks && offer.provides.is_none()).then(|| Note::normal(reason::FIT_NOT_CHECKED, text))
}

/// The record and what the pod shows meanwhile, in one write; then the send. Nothing waits between them.
fn open(seen: &Observation<'_>, record: LaunchRecord, offer: &Offer) -> Decision {
    let launching = NoInstance::Launching { instance_type: &offer.instance_type };
    showing::waiting(seen, launching).and_record(record).and_act(Action::Send).and_again(limits::RESYNC)
}

fn launch_request(
    seen: &Observation<'_>,
    request: &Request,
    attempt: u32,
    created_at: Timestamp,
) -> LaunchRequest {
    let tags = tags(&TagSource {
        owner: seen.owner,
        pod: seen.reference,
        attempt,
        instance_type: &request.instance_type,
        created_at,
        expires_at: None,
        user_tags: seen.user_tags,
    });
    LaunchRequest {
        pod: seen.reference.clone(),
        attempt,
        instance_type: request.instance_type.clone(),
        capacity_type: request.capacity_type,
        max_price: request.max_price,
        image: request.image.clone(),
        resources: seen.pod.map(resources::requested).unwrap_or_default(),
        tags,
    }
}

type PrepareTask = super::facts::Task<PrepareKey, Prepared>;

/// The state of a preparation.
enum Outcome<'a> {
    /// It is not over, or the permit is for later.
    Waits(Box<Decision>),
    /// The result is too old, or the time of the permit has come: ask again.
    Stale,
    /// There is no offer.
    Failed { at: Timestamp, error: CloudError },
    /// What the send needs.
    Ready(&'a Prepared),
}

fn task<'a>(seen: &Observation<'a>, key: &PrepareKey) -> Option<&'a PrepareTask> {
    seen.facts.prepare.as_ref().filter(|task| task.key == *key)
}

fn outcome<'a>(seen: &Observation<'_>, task: &'a PrepareTask, now: Timestamp) -> Outcome<'a> {
    match &task.state {
        TaskState::UnderWay => Outcome::Waits(Box::new(under_way(seen, task.since, now))),
        TaskState::Done { at, result: Err(failure) } => {
            Outcome::Failed { at: *at, error: TaskFailure::error(failure) }
        }
        TaskState::Done { at, result: Ok(prepared) } => match prepared.permit {
            Permit::Granted if left(*at, USABLE, now).is_some() => Outcome::Ready(prepared),
            Permit::Until(until) if now < until => Outcome::Waits(Box::new(queued(seen, until, now))),
            Permit::Granted | Permit::Until(_) => Outcome::Stale,
        },
    }
}

fn ask(key: PrepareKey, what: Prepare) -> Decision {
    Decision::act(Action::Prepare(Box::new(Preparation { key, what })))
        .and_again(SHOWN_WAIT)
        .keeping_prepared()
}

fn under_way(seen: &Observation<'_>, since: Timestamp, now: Timestamp) -> Decision {
    match left(since, SHOWN_WAIT, now) {
        // A short wait is over before anybody could read about it.
        Some(left) => Decision::wait(left),
        None => showing::waiting(seen, NoInstance::Preparing { since }),
    }
    .keeping_prepared()
}

fn queued(seen: &Observation<'_>, until: Timestamp, now: Timestamp) -> Decision {
    let wait = clock::until(until, now);
    let decision = if wait < SHOWN_WAIT {
        Decision::wait(wait)
    } else {
        showing::waiting_for(seen, &Evidence::NoInstance(NoInstance::Queued { until })).and_again(wait)
    };
    decision.keeping_prepared()
}

/// No offer could be made: nothing was recorded and nothing was sent. None: it is time to ask again.
fn no_offer(seen: &Observation<'_>, error: &CloudError, at: Timestamp, now: Timestamp) -> Option<Decision> {
    let (next, pause) = match error.kind {
        Kind::Invalid(Fault::Pod) if !seen.restarts_always() => (Next::Fails, NEEDS_PEOPLE.first),
        Kind::Invalid(Fault::Pod) => (Next::OnChange, NEEDS_PEOPLE.first),
        Kind::NoCapacity => (Next::WhenAvailable, NO_OFFER.min(seen.capacity_memory)),
        Kind::Invalid(Fault::Config) | Kind::Quota | Kind::Denied => (Next::Again, NEEDS_PEOPLE.first),
        Kind::Unknown | Kind::Throttled | Kind::NotFound => (Next::Again, THROTTLED.delay(3)),
    };
    let left = left(at, pause, now)?;
    let decision = showing::waiting(seen, NoInstance::NoOffer { error, next });
    let note = Note::warning(error.code.clone(), error.told());
    Some(decision.and_note(note).and_again(left).keeping_prepared())
}
