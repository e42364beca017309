//! One plan, run and judged.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::check::{Violation, check};
use super::history::History;
use super::plan::Plan;
use super::world::{self, Connect, Hole};

/// What a run was like, and what was wrong with it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What happened.
    pub history: History,
    /// What should not have.
    pub violations: Vec<Violation>,
}

/// A run that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrialError {
    /// The operating system gave no runtime.
    #[error("no runtime: {0}")]
    NoRuntime(String),
    /// Something in it panicked.
    #[error("it panicked: {0}")]
    Panicked(String),
}

impl Trial {
    /// Runs a plan and judges it.
    ///
    /// # Errors
    ///
    /// The world could not be run, or two runs of it differ.
    pub fn of(plan: &Plan, holes: &[Hole]) -> Result<Self, TrialError> {
        Self::judged(|| world::run(plan, holes))
    }

    /// Runs a plan with another client of EC2 than the fakes themselves, and judges it.
    ///
    /// # Errors
    ///
    /// The world could not be run.
    pub fn with(plan: &Plan, connect: &Connect) -> Result<Self, TrialError> {
        Self::judged(|| world::run_with(plan, connect))
    }

    fn judged(run: impl FnOnce() -> Result<History, std::io::Error>) -> Result<Self, TrialError> {
        let history = catch_unwind(AssertUnwindSafe(run))
            .map_err(|panic| TrialError::Panicked(text(panic.as_ref())))?
            .map_err(|error| TrialError::NoRuntime(error.to_string()))?;
        let violations = check(&history);
        Ok(Self { history, violations })
    }

    /// A number that is the same for the same run.
    #[must_use]
    pub fn trace(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.history.lines().for_each(|line| line.hash(&mut hasher));
        hasher.finish()
    }
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let known = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    known.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
