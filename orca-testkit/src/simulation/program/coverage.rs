//! Which faults met pods in which states.

use super::args::Sweep;
use super::report::table;
use super::sweep::sweep;
use super::{Error, say};

/// The command.
pub(super) fn run(args: &Sweep) -> Result<bool, Error> {
    let tally = sweep(args, |_, _| {});
    say(&table(&tally))?;
    Ok(tally.found.is_empty())
}
