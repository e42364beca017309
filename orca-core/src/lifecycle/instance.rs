//! A wanted pod whose instance is known: follow it.

use super::decision::{Action, Decision, Note};
use super::observation::Observation;
use super::showing;
use crate::instance::{Instance, InstanceState};
use crate::limits;
use crate::state_mapping::Evidence;
use crate::status::{NOT_RUN, changes};
use crate::well_known::reason;

/// Shows the instance, and takes it into the record if that does not name it yet.
pub(super) fn follow(seen: &Observation<'_>, instance: &Instance) -> Decision {
    let was_ready = seen.shown_ready(instance);
    let evidence = Evidence::Instance { instance, health: seen.instances.health, was_ready };
    let decision = match instance.state {
        InstanceState::Pending => showing::show(seen, &evidence).and_again(limits::POLL_CHANGING),
        InstanceState::Running => running(seen, instance, showing::show(seen, &evidence)),
        // A stopped instance still costs, and somebody could start it again.
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
    if seen.live_phase() == Some("Running") {
        return not_applied(seen).into_iter().fold(decision, Decision::and_note);
    }
    let zone = instance.zone.as_deref().unwrap_or("an unnamed zone");
    let market = instance.capacity_type.as_str();
    let text = format!("instance {} ({}, {market}) runs in {zone}", instance.id, instance.instance_type);
    decision
        .and_note(Note::normal(reason::INSTANCE_RUNNING, text))
        .and_note(Note::normal(reason::CONTAINERS_NOT_RUN, NOT_RUN))
}

/// Changes that cannot be carried out on an instance that runs.
fn not_applied(seen: &Observation<'_>) -> Vec<Note> {
    let images = seen.pod.map(changes::images).unwrap_or_default();
    let say = |(name, image): (&str, &str)| {
        let text = format!(
            "the image of container {name} was changed to {image}, and the running instance keeps what it was launched with; make a new pod"
        );
        Note::warning(reason::CHANGE_NOT_APPLIED, text)
    };
    let resized = seen.pod.is_some_and(changes::is_resized);
    let size =
        "the instance's size is fixed by its instance type, so the resize is not carried out; make a new pod";
    images
        .into_iter()
        .map(say)
        .chain(resized.then(|| Note::warning(reason::CHANGE_NOT_APPLIED, size)))
        .collect()
}
