//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::simulation::plan::{Plan, PlanError};

/// Runs the real controller between fakes, in simulated time, under faults that are drawn from seeds, and judges what
/// happened.
///
/// Exit status: 0 when no rule was broken, 1 when one was, 2 when the command line or a file is wrong.
#[derive(Clone, Debug, Parser)]
#[command(name = "orca-sim", version)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Runs one world after another, on all cores.
    Sweep(Sweep),
    /// Runs one world, and shows how it ended.
    Replay(Replay),
    /// Makes a plan smaller that breaks a rule, as far as it still breaks that rule.
    Shrink(Shrink),
    /// Shows which faults met pods in which states.
    Coverage(Sweep),
    /// Plants bugs one by one, and says how many seeds it takes to find each.
    Planted(PlantedArgs),
    /// Prints figures as markdown.
    Report(ReportArgs),
}

/// How many worlds.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Sweep {
    /// Minutes after which no world is begun.
    #[arg(long, default_value_t = 3.0)]
    pub(super) minutes: f64,
    /// Seeds at most.
    #[arg(long)]
    pub(super) seeds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    pub(super) from: u64,
    /// Fewer seeds are a failure.
    #[arg(long, default_value_t = 0)]
    pub(super) at_least: u64,
    /// Where plans that break a rule are written.
    #[arg(long, default_value = "target/worlds")]
    pub(super) out: PathBuf,
}

impl Sweep {
    /// So many minutes from this seed on.
    pub(super) fn of(minutes: f64, from: u64) -> Self {
        Self { minutes, seeds: None, from, at_least: 0, out: PathBuf::new() }
    }
}

/// Which bugs.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PlantedArgs {
    /// Only those with this in their name.
    #[arg(long, default_value = "")]
    pub(super) only: String,
    /// Seeds at most for each.
    #[arg(long, default_value_t = 2_000)]
    pub(super) seeds: u64,
}

/// How much is counted.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// Minutes after which no world is begun.
    #[arg(long, default_value_t = 3.0)]
    pub(super) minutes: f64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    pub(super) from: u64,
    /// Seeds at most for each planted bug; 0: none is planted.
    #[arg(long, default_value_t = 0)]
    pub(super) planted: u64,
}

/// Which world.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Replay {
    /// A seed, or a file with a plan.
    pub(super) world: String,
    /// Lines of the history that are shown, from its end; 0: all.
    #[arg(long, default_value_t = 200)]
    pub(super) lines: usize,
    /// Also print the plan.
    #[arg(long)]
    pub(super) plan: bool,
    /// Plant the bug of this name.
    #[arg(long)]
    pub(super) planted: Option<String>,
}

/// Which plan, and where to.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Shrink {
    /// A seed, or a file with a plan.
    pub(super) world: String,
    /// The file for the smaller plan.
    #[arg(short, long)]
    pub(super) out: PathBuf,
}

/// The plan that a word of the command line names.
pub(super) fn plan(world: &str) -> Result<Plan, PlanError> {
    match world.parse() {
        Ok(seed) => Ok(Plan::drawn(seed)),
        Err(_) => Plan::read(world.as_ref()),
    }
}
