//! The `orca-sim` program: thousands of worlds, and what was found in them.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

mod args;
mod coverage;
mod planted;
mod replay;
mod report;
mod shrink;
mod sweep;

use self::args::{Args, Command};

/// What ends a command early.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// A plan cannot be read.
    #[error(transparent)]
    Plan(#[from] super::plan::PlanError),
    /// A run could not be judged.
    #[error(transparent)]
    Trial(#[from] super::trial::TrialError),
    /// A file or the output cannot be written.
    #[error(transparent)]
    Output(#[from] std::io::Error),
    /// There is nothing to do.
    #[error("{0}")]
    Nothing(String),
}

/// Runs the program and returns its exit code: 0 when nothing is wrong, 1 when something is, 2 when that is not known.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // This is also the way of --help and --version, which end with 0.
        Err(error) => {
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX));
        }
    };
    let result = match &args.command {
        Command::Sweep(sweep) => sweep::run(sweep),
        Command::Replay(replay) => replay::run(replay),
        Command::Shrink(shrink) => shrink::run(shrink),
        Command::Coverage(sweep) => coverage::run(sweep),
        Command::Planted(args) => planted::run(args),
        Command::Report(args) => report::run(args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "error: {error}"));
            ExitCode::from(2)
        }
    }
}

/// A line of output.
fn say(line: &str) -> Result<(), Error> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
