//! What every decision keeps to, whatever was seen.

use std::collections::BTreeMap;

use orca_core::cloud::LaunchOutcome;
use orca_core::instance::{Instance, InstanceState};
use orca_core::lifecycle::{Action, Decision, Observation, Task, TaskState, decide, render};
use orca_core::pod::Intent;
use orca_core::status::Shown;
use orca_core::{Owner, PodRef};
use proptest::prelude::*;
use serde_json::Value;

use crate::observations::{OwnedObservation, observation};

/// The decision, and the patch that writes it.
fn decided(seen: &OwnedObservation) -> (Decision, Option<Value>) {
    let observation = Observation {
        reference: &PodRef::new("ml", "train", "uid"),
        owner: &Owner { cluster: "cluster".into(), node: "node".into() },
        user_tags: &BTreeMap::new(),
        intent: seen.intent,
        pod: (seen.intent != Intent::Gone).then_some(&seen.pod),
        record: seen.record.as_ref(),
        request: &seen.request,
        ignore_daemons: true,
        held_until: seen.held_until,
        ready_unknown_after: None,
        capacity_memory: std::time::Duration::from_mins(3),
        abandoned: &[],
        check_fit: true,
        instances: &seen.instances,
        facts: &seen.facts,
    };
    let decision = decide(&observation, seen.now);
    let patch = render(&observation, &decision, seen.now);
    (decision, patch)
}

fn is_sending(seen: &OwnedObservation) -> bool {
    seen.facts.send.as_ref().is_some_and(Task::is_under_way)
}

fn any_alive(seen: &OwnedObservation) -> bool {
    seen.instances.seen.iter().any(|instance| instance.state.is_alive())
}

fn is_open(intent: Intent) -> bool {
    matches!(intent, Intent::Wanted | Intent::Deleting { finished: false, .. })
}

/// A launch is announced in a record that asks for it, and only where nothing is known to be there.
fn check_send(seen: &OwnedObservation, decision: &Decision) -> Result<(), TestCaseError> {
    let record = decision.record();
    prop_assert!(record.is_some(), "a send needs a record");
    let Some(record) = record else { return Ok(()) };
    prop_assert!(record.unresolved.contains(&record.send_at) && record.send_at == seen.now);
    prop_assert!(record.instance_id.is_none());
    prop_assert!(seen.instances.fresh && seen.instances.seen.is_empty() && seen.instances.missing.is_none());
    prop_assert!(!is_sending(seen), "one send at a time");
    prop_assert!(is_open(seen.intent));
    if let Some(Ok(before)) = &seen.record {
        prop_assert!(before.instance_id.is_none() && !before.mismatch);
        if record.attempt == before.attempt {
            prop_assert_eq!((&record.token, &record.offer), (&before.token, &before.offer));
        } else {
            prop_assert_eq!(record.attempt, before.attempt + 1);
            let is_answered = before.unresolved.is_empty() && before.unsettled.is_none();
            prop_assert!(is_answered && before.refusal.is_some() && seen.intent == Intent::Wanted);
        }
    }
    Ok(())
}

/// A wanted pod's instance goes only with its pod.
fn check_terminate(seen: &OwnedObservation, decision: &Decision) -> Result<(), TestCaseError> {
    let launched = match seen.facts.send.as_ref().map(|send| &send.state) {
        Some(TaskState::Done { result: Ok(LaunchOutcome::Launched(instance)), .. }) => {
            instance.state.is_alive()
        }
        _ => false,
    };
    prop_assert!(any_alive(seen) || launched);
    let ends = matches!(decision.shown(), Some(Shown::Ended { .. }));
    prop_assert!(seen.intent != Intent::Wanted || ends, "{:?}", decision);
    Ok(())
}

/// An object goes when nothing of it is alive, and is forgotten when it is gone.
fn check_ending(seen: &OwnedObservation, intent: bool) -> Result<(), TestCaseError> {
    prop_assert!(intent && !any_alive(seen) && !is_sending(seen));
    Ok(())
}

fn check_patch(seen: &OwnedObservation, patch: Option<&Value>) -> Result<(), TestCaseError> {
    let Some(patch) = patch else { return Ok(()) };
    prop_assert!(is_open(seen.intent), "a final status is left alone");
    prop_assert_eq!(&patch["metadata"]["uid"], "uid");
    prop_assert_eq!(&patch["metadata"]["resourceVersion"], "1");
    Ok(())
}

/// A wanted pod whose instances all run, and that has no deadline, is not failed.
fn check_running(seen: &OwnedObservation, decision: &Decision) -> Result<(), TestCaseError> {
    let has_deadline = seen.pod.spec.as_ref().is_some_and(|spec| spec.active_deadline_seconds.is_some());
    let runs =
        |instance: &Instance| matches!(instance.state, InstanceState::Pending | InstanceState::Running);
    let all_run = !seen.instances.seen.is_empty() && seen.instances.seen.iter().all(runs);
    if seen.intent == Intent::Wanted && all_run && seen.facts.send.is_none() && !has_deadline {
        prop_assert!(!matches!(decision.shown(), Some(Shown::Ended { .. })), "{:?}", decision);
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_observation_has_a_decision_that_keeps_to_the_rules(seen in observation()) {
        let (decision, patch) = decided(&seen);
        match decision.action {
            Action::Send => {
                check_send(&seen, &decision)?;
                prop_assert!(patch.is_some(), "the patch must have the record");
            }
            Action::Terminate => check_terminate(&seen, &decision)?,
            Action::Release => check_ending(&seen, matches!(seen.intent, Intent::Deleting { released: false, .. }))?,
            Action::Forget => check_ending(&seen, seen.intent == Intent::Gone)?,
            Action::None | Action::Refresh | Action::Prepare(_) => {}
        }
        check_patch(&seen, patch.as_ref())?;
        check_running(&seen, &decision)?;
        prop_assert_eq!(decided(&seen), (decision, patch), "the same observation must give the same decision");
    }
}
