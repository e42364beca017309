//! An event that says what a deletion waits for, once it takes longer than a minute. Every long wait is explained like that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

use super::decision::{Action, Decision, Note, NoteKind};
use super::observation::Observation;
use crate::clock;
use crate::instance::InstanceState;
use crate::launch::AttemptState;
use crate::pod::{self, Intent};
use crate::well_known::reason;

/// After this time an event says what a deletion waits for.
const SHOWN_WAIT: Duration = Duration::from_mins(1);

/// Adds an event with what the deletion waits for, once it takes long, unless the decision has a warning already.
pub(super) fn say(seen: &Observation<'_>, decision: Decision, now: Timestamp) -> Decision {
    let Some(since) = seen.pod.and_then(deleted_at) else { return decision };
    let is_over = matches!(decision.action, Action::Release | Action::Forget);
    let is_told = decision.notes.iter().any(|note| note.kind == NoteKind::Warning);
    if is_over || is_told {
        return decision;
    }
    if let Some(due) = left(since, now) {
        let again = decision.again.min(due);
        return decision.and_again(again);
    }
    match holder(seen) {
        Some(why) => decision.and_note(note(since, &why)),
        None => decision,
    }
}

/// The event about a deletion that waits for something that no decision knows about, such as a refused call to the API
/// server: `why` says what. None while the deletion is younger than a minute, and for a pod that is not being deleted.
#[must_use]
pub fn deletion_held(pod: &Pod, why: &str, now: Timestamp) -> Option<Note> {
    let since = deleted_at(pod)?;
    left(since, now).is_none().then(|| note(since, why))
}

fn note(since: Timestamp, why: &str) -> Note {
    let why = why.trim_end_matches('.');
    Note::warning(
        reason::DELETION_WAITING,
        format!("the pod was deleted at {since:.0} and is still there: {why}"),
    )
}

/// How long until the deletion needs an explanation. None: it needs one now.
fn left(since: Timestamp, now: Timestamp) -> Option<Duration> {
    SHOWN_WAIT.checked_sub(clock::age(since, now)).filter(|left| !left.is_zero())
}

/// When the deletion was asked for: the object has the end of the grace period, and its length.
fn deleted_at(pod: &Pod) -> Option<Timestamp> {
    let Intent::Deleting { deadline, .. } = pod::intent(pod) else { return None };
    let grace = SignedDuration::from_secs(pod.metadata.deletion_grace_period_seconds.unwrap_or_default());
    deadline.checked_sub(grace).ok()
}

/// What the deletion waits for.
fn holder(seen: &Observation<'_>) -> Option<String> {
    let instances = seen.instances;
    if let Intent::Deleting { released: true, finished: true, .. } = seen.intent
        && !seen.any_alive()
    {
        let finalizers = seen.pod?.metadata.finalizers.clone().unwrap_or_default().join(", ");
        let text = "nothing of it runs, and only its finalizers keep the object";
        return Some(format!("{text} ({finalizers}). Whoever set them has to take them away"));
    }
    if seen.is_sending() {
        return Some("a launch call is not answered yet, and what it launches has to be ended".into());
    }
    let unlisted = match &instances.trouble {
        Some(trouble) => format!(". The cloud cannot be listed: {trouble}"),
        None => String::new(),
    };
    if let Some(instance) = instances.seen.iter().find(|instance| instance.state.is_alive()) {
        let (id, state) = (&instance.id, instance.state.as_str());
        return Some(format!("instance {id} was asked to end, and is {state} as far as is known{unlisted}"));
    }
    if let Some(instance) = instances.seen.iter().find(|one| one.state == InstanceState::ShuttingDown) {
        let id = &instance.id;
        return Some(format!(
            "instance {id} is shutting down; the pod goes when it has ended, or has been at it for two minutes{unlisted}"
        ));
    }
    if let Some(missing) = &instances.missing {
        let id = &missing.id;
        return Some(if missing.is_held {
            format!(
                "instance {id} is not listed, like too many others to conclude anything from it: see the node's events"
            )
        } else {
            format!(
                "instance {id} is not listed; the pod goes when three complete lists over five minutes have not shown it{unlisted}"
            )
        });
    }
    if !instances.fresh {
        return Some(format!(
            "no complete list of instances was had lately, so nothing is known of its own{unlisted}"
        ));
    }
    match seen.record()?.state() {
        AttemptState::Unresolved { .. } | AttemptState::Mismatch => Some(
            "nobody knows whether its launch was carried out: it is asked about, and looked for, until that can no \
             longer be"
                .into(),
        ),
        AttemptState::Launched(id) => Some(format!("instance {id} is looked for")),
        AttemptState::Closed(_) | AttemptState::Unsent => None,
    }
}
