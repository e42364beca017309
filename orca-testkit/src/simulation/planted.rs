//! The bugs that can be planted, in the controller and in what lies around it, and the worlds that they are looked for in.

use orca_core::planted::{Bug, plant};

use super::check::Violation;
use super::plan::Plan;
use super::trial::{Trial, TrialError};
use super::world::{Connect, Hole};

/// A bug to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Planted {
    /// In the controller's own code.
    Bug(Bug),
    /// In the way to the API server or to EC2.
    Hole(Hole),
}

/// All of them, by the names that the program takes.
pub const ALL: [(&str, Planted); 17] = [
    ("no-fresh-sweep", Planted::Bug(Bug::NoFreshSweep)),
    ("no-fence", Planted::Hole(Hole::NoFence)),
    ("not-sent-closes", Planted::Bug(Bug::NotSentCloses)),
    ("lost-is-not-sent", Planted::Hole(Hole::LostIsNotSent)),
    ("record-after-send", Planted::Bug(Bug::RecordAfterSend)),
    ("kill-before-status", Planted::Bug(Bug::KillBeforeStatus)),
    ("next-attempt-at-once", Planted::Bug(Bug::NextAttemptAtOnce)),
    ("found-by-name", Planted::Hole(Hole::FoundByName)),
    ("one-absence", Planted::Bug(Bug::OneAbsence)),
    ("no-brake", Planted::Bug(Bug::NoBrake)),
    ("error-is-empty", Planted::Hole(Hole::ErrorIsEmpty)),
    ("first-page-only", Planted::Hole(Hole::FirstPageOnly)),
    ("any-not-found", Planted::Hole(Hole::AnyNotFound)),
    ("one-identity", Planted::Hole(Hole::OneIdentity)),
    ("running-at-launch", Planted::Bug(Bug::RunningAtLaunch)),
    ("no-relist", Planted::Bug(Bug::NoRelist)),
    ("release-early", Planted::Bug(Bug::ReleaseEarly)),
];

/// Runs a plan with a bug in the controller and another client of EC2 than the fakes themselves, on this thread.
///
/// # Errors
///
/// The world could not be run.
pub fn trial_with(bug: Bug, plan: &Plan, connect: &Connect) -> Result<Trial, TrialError> {
    ordered(bug, || Trial::with(plan, connect))
}

fn ordered(bug: Bug, run: impl FnOnce() -> Result<Trial, TrialError>) -> Result<Trial, TrialError> {
    plant(Some(bug));
    let trial = run();
    plant(None);
    trial
}

impl Planted {
    /// Runs a plan with it, on this thread.
    ///
    /// # Errors
    ///
    /// The world could not be run.
    pub fn trial(self, plan: &Plan) -> Result<Trial, TrialError> {
        match self {
            Self::Bug(bug) => ordered(bug, || Trial::of(plan, &[])),
            Self::Hole(hole) => Trial::of(plan, &[hole]),
        }
    }

    /// What it breaks in the world of this seed, and would not be broken without it.
    #[must_use]
    pub fn found_in(self, seed: u64) -> Option<String> {
        let plan = Plan::drawn(seed);
        let found = match self.trial(&plan) {
            Ok(trial) => trial.violations.first().map(Violation::to_string),
            Err(error) => Some(error.to_string()),
        };
        let is_clean = || Trial::of(&plan, &[]).is_ok_and(|trial| trial.violations.is_empty());
        found.filter(|_| is_clean())
    }
}
