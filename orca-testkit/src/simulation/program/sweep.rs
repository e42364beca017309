//! World after world on all cores.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::args::Sweep;
use super::{Error, say};
use crate::simulation::coverage::{Cell, coverage};
use crate::simulation::plan::Plan;
use crate::simulation::trial::{Trial, TrialError};

/// After this many seeds one runs twice, and must give the same.
const TWICE: u64 = 50;

/// What a sweep has come to.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Worlds that were run.
    pub(super) seeds: u64,
    /// How often each rule was broken.
    pub(super) broken: BTreeMap<String, u64>,
    /// The seeds that broke any, and what was found first.
    pub(super) found: BTreeMap<u64, String>,
    /// Simulated time in all.
    pub(super) simulated: Duration,
    /// Instances that were launched.
    pub(super) launches: usize,
    /// Which faults met pods in which states, and what became of those.
    pub(super) cells: BTreeMap<Cell, u64>,
}

impl Counts {
    fn record(&mut self, seed: u64, judged: Result<&Trial, String>) {
        self.seeds += 1;
        match judged {
            Ok(trial) => {
                for violation in &trial.violations {
                    *self.broken.entry(format!("{:?}", violation.rule)).or_default() += 1;
                }
                if let Some(first) = trial.violations.first() {
                    self.found.insert(seed, first.to_string());
                }
                let history = &trial.history;
                for (cell, count) in coverage(&Plan::drawn(seed), history) {
                    *self.cells.entry(cell).or_default() += count;
                }
                self.launches += history.launches();
                let took = history.entries.first().map(|first| history.end.duration_since(first.at));
                self.simulated += took.and_then(|took| Duration::try_from(took).ok()).unwrap_or_default();
            }
            Err(text) => {
                *self.broken.entry("run".to_owned()).or_default() += 1;
                self.found.insert(seed, text);
            }
        }
    }
}

impl Counts {
    /// Worlds a second.
    pub(super) fn rate(&self, seconds: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far fewer seeds than 2^52")]
        let seeds = self.seeds as f64;
        seeds / seconds.max(0.001)
    }
}

/// Runs the worlds of a sweep, telling each one that breaks a rule as it is found.
pub(super) fn sweep(args: &Sweep, told: impl Fn(u64, &str) + Sync) -> Counts {
    let until = Instant::now() + Duration::from_secs_f64(args.minutes.max(0.0) * 60.0);
    let last = args.seeds.map_or(u64::MAX, |seeds| args.from.saturating_add(seeds));
    let next = AtomicU64::new(args.from);
    let counts = Mutex::new(Counts::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last || Instant::now() >= until {
                        return;
                    }
                    let judged = judge(seed);
                    if let Some(text) = first(&judged) {
                        told(seed, &text);
                    }
                    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                    counts.record(seed, judged.as_ref().map_err(Clone::clone));
                }
            });
        }
    });
    counts.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn first(judged: &Result<Trial, String>) -> Option<String> {
    match judged {
        Ok(trial) => trial.violations.first().map(ToString::to_string),
        Err(text) => Some(text.clone()),
    }
}

/// Runs one seed, and some of them twice.
fn judge(seed: u64) -> Result<Trial, String> {
    let plan = Plan::drawn(seed);
    let text = |error: TrialError| error.to_string();
    let trial = Trial::of(&plan, &[]).map_err(text)?;
    if seed.is_multiple_of(TWICE) && Trial::of(&plan, &[]).map_err(text)?.trace() != trial.trace() {
        return Err("the same plan gave another history".to_owned());
    }
    Ok(trial)
}

/// The command.
pub(super) fn run(args: &Sweep) -> Result<bool, Error> {
    let began = Instant::now();
    std::fs::create_dir_all(&args.out)?;
    let counts = sweep(args, |seed, text| {
        let path = args.out.join(format!("{seed}.json"));
        // The report on the terminal matters more than the file.
        drop(std::fs::write(&path, Plan::drawn(seed).text()));
        drop(say(&format!("{text}\n  orca-sim replay {seed}    # the plan: {}", shown(&path))));
    });
    let took = began.elapsed().as_secs_f64();
    say(&format!(
        "{} seeds in {took:.0} s, {:.1} a second, {:.0} hours of simulated time; {} seeds broke a rule{}",
        counts.seeds,
        counts.rate(took),
        counts.simulated.as_secs_f64() / 3_600.0,
        counts.found.len(),
        if counts.broken.is_empty() { String::new() } else { format!(" {:?}", counts.broken) },
    ))?;
    if counts.seeds < args.at_least {
        say(&format!("fewer than {} seeds", args.at_least))?;
        return Ok(false);
    }
    Ok(counts.found.is_empty())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
