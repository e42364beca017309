//! A pod that should run: launch it once, follow its machine, fail it when the machine is gone.

use jiff::Timestamp;

use super::attempt;
use super::decision::{Action, Decision, Note};
use super::observation::Observation;
use crate::instance::{EndCause, Health, Instance, InstanceState};
use crate::launch::AttemptState;
use crate::limits;
use crate::pod;
use crate::status::{Ready, Shown, changes};
use crate::well_known::reason;

pub(super) fn decide(seen: &Observation<'_>, now: Timestamp) -> Decision {
    if seen.ignore_daemons && seen.pod.is_some_and(pod::is_daemon) && seen.machines.seen.is_empty() {
        return ignored();
    }
    if let Some((send_at, outcome)) = &seen.machines.answered {
        return attempt::answered(seen, *send_at, outcome, now);
    }
    let deadline = seen.deadline();
    if deadline.is_some_and(|deadline| deadline <= now) {
        return overdue(seen);
    }
    let decision = with_life(seen, follow(seen, now), now);
    match deadline {
        Some(deadline) => {
            let left = deadline.duration_since(now).unsigned_abs();
            let again = decision.again.min(left);
            decision.and_again(again)
        }
        None => decision,
    }
}

/// Adds how long the machine lived, if the pod ends now and had one.
fn with_life(seen: &Observation<'_>, mut decision: Decision, now: Timestamp) -> Decision {
    let ends = matches!(decision.status, Some(Shown::Ended { .. }));
    let launched = seen.record().filter(|record| record.instance_id.is_some());
    decision.lived =
        launched.filter(|_| ends).map(|record| now.duration_since(record.first_send_at).unsigned_abs());
    decision
}

/// The pod ran, or waited, longer than `spec.activeDeadlineSeconds` (B26).
fn overdue(seen: &Observation<'_>) -> Decision {
    let message = "Pod was active on the node longer than the specified deadline".to_owned();
    let status = Shown::Ended {
        reason: reason::DEADLINE_EXCEEDED.into(),
        message: message.clone(),
        disruption: false,
    };
    let decision = Decision::show(status).and_note(Note::warning(reason::DEADLINE_EXCEEDED, message));
    if seen.any_alive() { decision.and_act(Action::Terminate) } else { decision }
}

fn follow(seen: &Observation<'_>, now: Timestamp) -> Decision {
    if seen.machines.sending.is_some() {
        // The record was written with what the pod shows meanwhile.
        return Decision::rest();
    }
    if let Some(instance) = seen.instance() {
        return with_instance(seen, instance);
    }
    if let Some(missing) = &seen.machines.missing {
        if missing.is_gone(now) {
            let text = format!("instance {} is gone: the cloud no longer knows it", missing.id);
            return ended(reason::INSTANCE_GONE, text);
        }
        return Decision::act(Action::Refresh);
    }
    without_machine(seen, now)
}

fn ignored() -> Decision {
    let text = "pods of DaemonSets buy no machine on this node. This holds up the DaemonSet's rolling update: keep it off \
                with the node affinity type NotIn [virtual-kubelet], or set pods.daemonSets: run";
    Decision::show(Shown::Waiting { reason: reason::DAEMON_SET_POD_IGNORED.into(), message: text.into() })
        .and_note(Note::warning(reason::DAEMON_SET_POD_IGNORED, text))
}

/// No machine is known. A launch may only follow from a sweep that is fresh enough to prove that there is none.
fn without_machine(seen: &Observation<'_>, now: Timestamp) -> Decision {
    if let Some(Err(error)) = seen.record {
        return waiting(seen, reason::INSTANCE_CREATION_FAILED, format!("{error}"));
    }
    if !seen.machines.fresh {
        return unswept(seen);
    }
    let Some(record) = seen.record() else {
        return first_launch(seen, now);
    };
    match record.state() {
        // The observer tells the provider of a recorded instance, so it is seen or missing by the next look.
        AttemptState::Launched(_) => Decision::act(Action::Refresh),
        AttemptState::Mismatch => attempt::adopt_or_fail(seen, record, now),
        AttemptState::Closed(refusal) => attempt::closed(seen, record, refusal, now),
        AttemptState::Unresolved { refused, until } => {
            attempt::unresolved(record, refused, until, seen.machines.token_memory, now)
                .unwrap_or_else(|| attempt::adopt_or_fail(seen, record, now))
        }
        AttemptState::Unsent => Decision::act(Action::Resend),
    }
}

/// Nothing was ever launched for this UID.
fn first_launch(seen: &Observation<'_>, now: Timestamp) -> Decision {
    if let Err(rejection) = seen.request {
        return attempt::refuse(seen, rejection);
    }
    if let Some(namesake) = &seen.machines.namesake
        && seen.age(now) < limits::NAMESAKE
    {
        // At most one machine of a name at a time, as a StatefulSet expects it, even after a force deletion.
        let text = format!("instance {namesake} of an earlier pod of this name has not ended yet");
        return told(seen, reason::NAMESAKE_ENDING, text).and_again(limits::POLL_CHANGING);
    }
    if let Some(until) = seen.held_until.filter(|until| *until > now) {
        let text = format!(
            "pods of this owner ended within minutes of their launch; the next launch follows at {until:.0}"
        );
        return told(seen, reason::LAUNCH_BACK_OFF, text).and_again(until.duration_since(now).unsigned_abs());
    }
    let ignored = seen.request.as_ref().map(|request| request.notes.as_slice()).unwrap_or_default();
    let notes = ignored.iter().map(|text| Note::warning(reason::UNKNOWN_ANNOTATION, text));
    notes.fold(Decision::act(Action::Launch { attempt: 1 }), Decision::and_note)
}

/// The cloud has not been listed completely of late. The cause belongs on a pod that waits for it.
fn unswept(seen: &Observation<'_>) -> Decision {
    let Some(trouble) = &seen.machines.trouble else {
        return Decision::act(Action::Refresh);
    };
    let text = format!("the cloud's instances cannot be listed, so nothing is launched: {trouble}");
    told(seen, reason::CLOUD_UNREACHABLE, text).and_act(Action::Refresh).and_again(limits::POLL_CHANGING)
}

pub(super) fn with_instance(seen: &Observation<'_>, instance: &Instance) -> Decision {
    let decision = match instance.state {
        InstanceState::Pending => booting(seen, instance),
        InstanceState::Running => running(seen, instance),
        InstanceState::Stopping
        | InstanceState::Stopped
        | InstanceState::ShuttingDown
        | InstanceState::Terminated => gone(instance),
    };
    match seen.record() {
        Some(record) if record.instance_id.as_ref() != Some(&instance.id) => {
            decision.and_record(record.launched(&instance.id))
        }
        _ => decision,
    }
}

fn booting(seen: &Observation<'_>, instance: &Instance) -> Decision {
    waiting(
        seen,
        reason::INSTANCE_BOOTING,
        format!("instance {} ({}) is starting", instance.id, instance.instance_type),
    )
    .and_again(limits::POLL_CHANGING)
}

fn running(seen: &Observation<'_>, instance: &Instance) -> Decision {
    let ready = match seen.machines.health {
        Some(Health::Passed) => Ready::Yes,
        Some(Health::Impaired) => Ready::No("the instance's status checks fail".into()),
        Some(Health::Initializing) | None if seen.shown_ready(instance) => Ready::Yes,
        Some(Health::Initializing) | None => {
            Ready::No("the instance's status checks have not passed yet".into())
        }
    };
    let shown = Shown::Running { instance: Box::new(instance.clone()), ready };
    let decision = Decision::show(shown);
    if seen.live_phase() == Some("Running") {
        return changed(seen).into_iter().fold(decision, Decision::and_note);
    }
    let zone = instance.zone.as_deref().unwrap_or("an unnamed zone");
    decision
        .and_note(Note::normal(
            reason::INSTANCE_RUNNING,
            format!(
                "instance {} ({}, {}) runs in {zone}",
                instance.id,
                instance.instance_type,
                instance.capacity_type.as_str()
            ),
        ))
        .and_note(Note::normal(reason::CONTAINERS_NOT_RUN, NOT_RUN))
}

/// Changes that cannot be carried out on a machine that runs.
fn changed(seen: &Observation<'_>) -> Vec<Note> {
    let images = seen.pod.map(changes::images).unwrap_or_default();
    let say = |(name, image): (&str, &str)| {
        let text = format!(
            "the image of container {name} was changed to {image}, and the running machine keeps what it was launched with; make a new pod"
        );
        Note::warning(reason::CHANGE_NOT_APPLIED, text)
    };
    let resized = seen.pod.is_some_and(changes::is_resized);
    let size =
        "the machine's size is fixed by its instance type, so the resize is not carried out; make a new pod";
    images
        .into_iter()
        .map(say)
        .chain(resized.then(|| Note::warning(reason::CHANGE_NOT_APPLIED, size)))
        .collect()
}

/// What the condition and the event say about runtime `instance`.
pub(crate) const NOT_RUN: &str = "the machine image is the workload: image, command, environment, volumes and probes of the containers are not used";

/// The instance ended, or is about to, without the pod's deletion.
fn gone(instance: &Instance) -> Decision {
    let (why, said) = instance.state_reason.as_ref().map_or((EndCause::Other, String::new()), |reason| {
        (reason.cause, format!(" ({}: {})", reason.code, reason.message))
    });
    let (reason, text) = match why {
        EndCause::SpotInterruption => (reason::SPOT_INTERRUPTED, "was taken back by the spot market"),
        EndCause::Guest => (reason::INSTANCE_GONE, "shut itself down, and no exit code is known"),
        EndCause::ApiCall => {
            (reason::INSTANCE_GONE, "was ended by a call of the cloud's API that was not ORCA's")
        }
        EndCause::Provider => (reason::INSTANCE_GONE, "was ended by the cloud"),
        EndCause::LaunchFailed => {
            (reason::INSTANCE_GONE, "was accepted by the cloud and could not be started")
        }
        EndCause::Other => (reason::INSTANCE_GONE, "ended"),
    };
    let decision = ended(reason, format!("instance {} {text}{said}", instance.id));
    // A stopped machine still costs, and somebody could start it again.
    if instance.state.is_alive() { decision.and_act(Action::Terminate) } else { decision }
}

pub(super) fn ended(reason: &'static str, message: String) -> Decision {
    Decision::show(Shown::Ended { reason: reason.into(), message: message.clone(), disruption: true })
        .and_note(Note::warning(reason, message))
}

/// Shows why the pod waits, unless it was shown as Running already: a wait is never a step back.
pub(super) fn waiting(seen: &Observation<'_>, reason: &str, message: impl Into<String>) -> Decision {
    if seen.live_phase() == Some("Running") {
        return Decision::rest();
    }
    Decision::show(Shown::Waiting { reason: reason.into(), message: message.into() })
}

/// The same, with an event: the pod waits for something that people may have to know of.
pub(super) fn told(seen: &Observation<'_>, reason: &str, message: String) -> Decision {
    waiting(seen, reason, message.clone()).and_note(Note::warning(reason, message))
}
