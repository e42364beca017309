//! What a fault has met: in which state each pod was when it began, and what became of that pod.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::history::{Fact, History, PodVersion};
use super::plan::{Plan, What};

/// Where a pod stands in the launch protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is bound, and nothing was announced for it.
    New,
    /// A launch is announced, and its outcome is unknown.
    Announced,
    /// Every send was answered or never left, and there is no instance.
    Refused,
    /// Its instance is known, and does not run yet.
    Booting,
    /// It runs.
    Running,
    /// It is to be deleted.
    Deleting,
    /// It has failed.
    Failed,
    /// It is gone.
    Gone,
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Announced,
        Self::Refused,
        Self::Booting,
        Self::Running,
        Self::Deleting,
        Self::Failed,
        Self::Gone,
    ];

    fn of(version: &PodVersion) -> Self {
        if version.is_terminal() {
            return Self::Failed;
        }
        if version.deletion.is_some() {
            return Self::Deleting;
        }
        match &version.record {
            None => Self::New,
            Some(record) if record.instance.is_some() && version.phase == "Running" => Self::Running,
            Some(record) if record.instance.is_some() => Self::Booting,
            Some(record) if record.unresolved > 0 => Self::Announced,
            Some(_) => Self::Refused,
        }
    }
}

/// A fault, the state that it met, and what became of the pod: `Running`, `gone`, or the reason of its failure.
pub type Cell = (String, State, String);

/// The cells of one run, with how often each was hit.
#[must_use]
pub fn coverage(plan: &Plan, history: &History) -> BTreeMap<Cell, u64> {
    let mut cells = BTreeMap::new();
    let Some(began) = history.entries.first().map(|first| first.at) else { return cells };
    let pods = states(history);
    for step in plan.steps.iter().filter(|step| !matches!(step.what, What::Deed(_))) {
        let by = SignedDuration::from_millis(i64::try_from(step.at_ms).unwrap_or(i64::MAX));
        let at = began.saturating_add(by).unwrap_or(Timestamp::MAX);
        for (states, outcome) in pods.values() {
            let met = states.iter().rev().find(|(when, _)| *when <= at);
            if let Some((_, state)) = met {
                *cells.entry((step.what.kind(), *state, outcome.clone())).or_default() += 1;
            }
        }
    }
    cells
}

type Life = (Vec<(Timestamp, State)>, String);

fn states(history: &History) -> BTreeMap<&str, Life> {
    let mut pods: BTreeMap<&str, Life> = BTreeMap::new();
    for entry in &history.entries {
        match &entry.fact {
            Fact::Pod(version) if !version.node.is_empty() => {
                let (states, outcome) = pods.entry(&version.uid).or_default();
                states.push((entry.at, State::of(version)));
                *outcome =
                    if version.reason.is_empty() { version.phase.clone() } else { version.reason.clone() };
            }
            Fact::PodGone { uid } => {
                if let Some((states, outcome)) = pods.get_mut(uid.as_str()) {
                    states.push((entry.at, State::Gone));
                    "gone".clone_into(outcome);
                }
            }
            Fact::Pod(_)
            | Fact::SetBack
            | Fact::Node { .. }
            | Fact::Event { .. }
            | Fact::Request { .. }
            | Fact::Call { .. }
            | Fact::Instance { .. }
            | Fact::Started { .. }
            | Fact::Told(_) => {}
        }
    }
    pods
}
