//! One world, and how it ended.

use super::args::{Replay, plan};
use super::{Error, say};
use crate::simulation::planted::{ALL, Planted};
use crate::simulation::trial::Trial;

/// The command.
pub(super) fn run(args: &Replay) -> Result<bool, Error> {
    let plan = plan(&args.world)?;
    if args.plan {
        say(&plan.text())?;
    }
    let trial = match &args.planted {
        Some(name) => named(name)?.trial(&plan)?,
        None => Trial::of(&plan, &[])?,
    };
    let lines: Vec<String> = trial.history.lines().collect();
    let from = if args.lines == 0 { 0 } else { lines.len().saturating_sub(args.lines) };
    for line in lines.iter().skip(from) {
        say(line)?;
    }
    say(&format!("{} lines, trace {:016x}", lines.len(), trial.trace()))?;
    for violation in &trial.violations {
        say(&violation.to_string())?;
    }
    Ok(trial.violations.is_empty())
}

fn named(name: &str) -> Result<Planted, Error> {
    let found = ALL.iter().find(|(known, _)| *known == name);
    found.map(|(_, planted)| *planted).ok_or_else(|| Error::Nothing(format!("no bug is called {name}")))
}
