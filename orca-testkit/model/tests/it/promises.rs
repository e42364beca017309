//! What has to hold in every state, and what has to happen in some, so that a model in which nothing moves does not pass.

use stateright::Property;

use crate::protocol::Protocol;
use crate::state::{INSTANCES, PODS, Phase, State};

pub(crate) const ONE_ALIVE: &str = "S1: at most one instance of a pod is alive";
pub(crate) const ONE_LAUNCH: &str = "S2: a pod is launched at most once";
pub(crate) const NO_WRONG_END: &str = "S3: no instance of a wanted pod is ended";
pub(crate) const NO_FALSE_END: &str = "S13: no pod is failed while its instance runs";
pub(crate) const NO_ORPHAN: &str = "L2: when all is quiet, every instance alive has a pod that wants it";
pub(crate) const NO_WAIT: &str = "L1: when all is quiet, every wanted pod has its instance";
pub(crate) const NO_REMAINS: &str = "L3: when all is quiet, no deleted pod is left";

pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(ONE_ALIVE, |_, state: &State| (0..PODS).all(|pod| state.alive(pod) <= 1)),
        Property::always(ONE_LAUNCH, |_, state: &State| state.launches.iter().all(|count| *count <= 1)),
        Property::always(NO_WRONG_END, |_, state: &State| !state.wrong_end),
        Property::always(NO_FALSE_END, |_, state: &State| !state.false_end),
        Property::always(NO_ORPHAN, |protocol: &Protocol, state: &State| {
            !has_orphan(state) || !protocol.is_quiet(state)
        }),
        Property::always(NO_WAIT, |protocol: &Protocol, state: &State| {
            !waits(protocol, state) || !protocol.is_quiet(state)
        }),
        Property::always(NO_REMAINS, |protocol: &Protocol, state: &State| {
            !remains(protocol, state) || !protocol.is_quiet(state)
        }),
        Property::sometimes("a launch is recorded", |protocol: &Protocol, state: &State| {
            (0..PODS).any(|pod| names_instance(protocol, state, pod))
        }),
        Property::sometimes(
            "the second pod runs after the first is gone",
            |protocol: &Protocol, state: &State| {
                let runs = names_instance(protocol, state, 1) && state.alive(1) == 1;
                protocol.budget.remakes == 0 || (state.pods[0].phase == Phase::Gone && runs)
            },
        ),
        Property::sometimes("all is quiet in the end", |protocol: &Protocol, state: &State| {
            state.pods[0].phase == Phase::Gone && state.launches[0] > 0 && protocol.is_quiet(state)
        }),
    ]
}

fn has_orphan(state: &State) -> bool {
    (0..PODS).any(|pod| state.pods[pod].phase != Phase::Wanted && state.alive(pod) > 0)
}

fn names_instance(protocol: &Protocol, state: &State, pod: usize) -> bool {
    let known = protocol.judgement.records.get(state.pods[pod].record);
    known.is_some_and(|known| known.instance.is_some())
}

/// Whether a record waits for time or for an answer that time brings.
fn is_open(protocol: &Protocol, state: &State, pod: usize) -> bool {
    protocol.judgement.records.get(state.pods[pod].record).is_some_and(|known| known.is_open)
}

/// A pod that is wanted, has no instance, and could be launched.
fn waits(protocol: &Protocol, state: &State) -> bool {
    let is_stuck = |pod: usize| {
        state.pods[pod].phase == Phase::Wanted && state.alive(pod) == 0 && !is_open(protocol, state, pod)
    };
    state.left.sends > 0 && state.instances.iter().flatten().count() < INSTANCES && (0..PODS).any(is_stuck)
}

fn remains(protocol: &Protocol, state: &State) -> bool {
    let is_left = |pod: usize| matches!(state.pods[pod].phase, Phase::Deleting | Phase::DeletingFailed);
    (0..PODS).any(|pod| is_left(pod) && !is_open(protocol, state, pod))
}
