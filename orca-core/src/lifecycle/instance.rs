//! A wanted pod whose instance is known: follow it.

use super::decision::{Action, Decision, Note};
use super::observation::Observation;
use super::showing;
use crate::instance::{Instance, InstanceState};
use crate::limits;
use crate::pod;
use crate::state_mapping::Evidence;
use crate::status::{NOT_RUN, changes};
use crate::well_known::{pod_condition, reason};

/// Shows the instance, and writes it into the record if the record does not name it yet.
pub(super) fn follow(seen: &Observation<'_>, instance: &Instance) -> Decision {
    let was_ready = seen.shown_ready(instance);
    let evidence = Evidence::Instance { instance, health: seen.instances.health, was_ready };
    let decision = match instance.state {
        InstanceState::Pending => showing::show(seen, &evidence).and_again(limits::POLL_CHANGING),
        InstanceState::Running => running(seen, instance, showing::show(seen, &evidence)),
        // A stopped instance still costs money, and somebody could start it again.
        InstanceState::Stopping | InstanceState::Stopped => {
            showing::waiting_for(seen, &evidence).and_act(Action::Terminate)
        }
        InstanceState::ShuttingDown | InstanceState::Terminated => showing::waiting_for(seen, &evidence),
    };
    match seen.record() {
        Some(record) if record.instance_id.as_ref() != Some(&instance.id) => {
            decision.and_record(record.launched(&instance.id))
        }
        Some(_) | None => decision,
    }
}

fn running(seen: &Observation<'_>, instance: &Instance, decision: Decision) -> Decision {
    let decision = not_applied(seen).into_iter().fold(decision, Decision::and_note);
    if seen.live_phase() == Some("Running") {
        return decision;
    }
    let zone = instance.zone.as_deref().unwrap_or("an unnamed zone");
    let market = instance.capacity_type.as_str();
    let text = format!("instance {} ({}, {market}) runs in {zone}", instance.id, instance.instance_type);
    decision
        .and_note(Note::normal(reason::INSTANCE_RUNNING, text))
        .and_note(Note::normal(reason::CONTAINERS_NOT_RUN, NOT_RUN))
}

/// Events for changes that cannot be carried out on a running instance, each once: the pod's condition has those that were
/// reported before.
fn not_applied(seen: &Observation<'_>) -> Vec<Note> {
    let Some(pod) = seen.pod else { return Vec::new() };
    let told =
        pod::condition(pod, pod_condition::CHANGE_NOT_APPLIED).and_then(|told| told.message.as_deref());
    changes::not_applied(pod, seen.record())
        .into_iter()
        .filter(|change| told.is_none_or(|told| !told.contains(change.as_str())))
        .map(|change| Note::warning(reason::CHANGE_NOT_APPLIED, change))
        .collect()
}
