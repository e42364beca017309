//! How many seeds it takes to find each planted bug.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::args::PlantedArgs;
use super::{Error, say};
use crate::simulation::planted::{ALL, Planted};

/// A bug, the number of seeds that it took, and what was broken; none: it was not found.
pub(super) struct Found {
    pub(super) name: &'static str,
    pub(super) by: Option<(u64, String)>,
}

/// Looks for each of the bugs that have this in their name.
pub(super) fn look(only: &str, seeds: u64, told: impl Fn(&Found)) -> Vec<Found> {
    let chosen = ALL.iter().filter(|(name, _)| name.contains(only));
    chosen
        .map(|(name, planted)| {
            let found = Found { name, by: first(*planted, seeds) };
            told(&found);
            found
        })
        .collect()
}

/// The first seed, on all cores, with a world in which the bug is found.
fn first(planted: Planted, seeds: u64) -> Option<(u64, String)> {
    let (next, best) = (AtomicU64::new(1), Mutex::new(None::<(u64, String)>));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let best_yet =
                        best.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(seed, _)| *seed);
                    if seed > seeds || best_yet.is_some_and(|best| seed > best) {
                        return;
                    }
                    if let Some(text) = planted.found_in(seed) {
                        let mut best = best.lock().unwrap_or_else(PoisonError::into_inner);
                        if best.as_ref().is_none_or(|(best, _)| seed < *best) {
                            *best = Some((seed, text));
                        }
                    }
                }
            });
        }
    });
    best.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The command.
pub(super) fn run(args: &PlantedArgs) -> Result<bool, Error> {
    let found = look(&args.only, args.seeds, |found| {
        let text = match &found.by {
            Some((seed, text)) => format!("{}: seed {seed}: {text}", found.name),
            None => format!("{}: not found in {} seeds", found.name, args.seeds),
        };
        drop(say(&text));
    });
    if found.is_empty() {
        return Err(Error::Nothing(format!("no bug has {} in its name", args.only)));
    }
    Ok(found.iter().all(|found| found.by.is_some()))
}
