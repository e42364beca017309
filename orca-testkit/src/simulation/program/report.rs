//! Figures of a sweep, as markdown.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::args::{ReportArgs, Sweep};
use super::planted::look;
use super::sweep::{Counts, sweep};
use super::{Error, say};
use crate::simulation::check::{Coverage, Rule, TABLE};
use crate::simulation::coverage::State;

/// Each fault with each state that it met, and how many different outcomes that had.
pub(super) fn table(counts: &Counts) -> String {
    let mut rows: BTreeMap<&str, BTreeMap<State, (u64, BTreeSet<&str>)>> = BTreeMap::new();
    for ((fault, state, outcome), count) in &counts.cells {
        let (met, outcomes) = rows.entry(fault).or_default().entry(*state).or_default();
        *met += count;
        outcomes.insert(outcome);
    }
    let heads: Vec<String> = State::ALL.iter().map(|state| format!("{state:?}")).collect();
    let mut lines =
        vec![format!("| fault | {} |", heads.join(" | ")), format!("|---|{}", "---|".repeat(heads.len()))];
    for (fault, cells) in &rows {
        let cell = |state: &State| {
            cells.get(state).map_or("–".to_owned(), |(met, outcomes)| format!("{met} ({})", outcomes.len()))
        };
        let cells: Vec<String> = State::ALL.iter().map(cell).collect();
        lines.push(format!("| {fault} | {} |", cells.join(" | ")));
    }
    lines.join("\n") + "\n"
}

/// How many pairs of a fault and a state were met, of how many.
fn pairs(counts: &Counts) -> (usize, usize) {
    let met: BTreeSet<(&str, State)> =
        counts.cells.keys().map(|(fault, state, _)| (fault.as_str(), *state)).collect();
    let faults: BTreeSet<&str> = met.iter().map(|(fault, _)| *fault).collect();
    (met.len(), faults.len() * State::ALL.len())
}

fn broken(counts: &Counts, rules: &[Rule]) -> u64 {
    rules.iter().filter_map(|rule| counts.broken.get(&format!("{rule:?}"))).sum()
}

/// The command.
pub(super) fn run(args: &ReportArgs) -> Result<bool, Error> {
    let began = Instant::now();
    let order = Sweep::of(args.minutes, args.from);
    let counts = sweep(&order, |_, _| {});
    let took = began.elapsed().as_secs_f64();
    let (met, of) = pairs(&counts);
    say(&format!("| figure | value |\n|---|---|\n| worlds | {} |", counts.seeds))?;
    say(&format!("| worlds a second | {:.1} |", counts.rate(took)))?;
    say(&format!("| simulated time | {:.0} h |", counts.simulated.as_secs_f64() / 3_600.0))?;
    say(&format!("| launches | {} |", counts.launches))?;
    say(&format!("| pairs of a fault and a state that were met | {met} of {of} |"))?;
    say(&format!("| cells of fault, state and outcome | {} |", counts.cells.len()))?;
    say(&format!("| pods with two instances (S1, S2) | {} |", broken(&counts, &[Rule::S1, Rule::S2])))?;
    say(&format!(
        "| instances ended wrongly (S3, S4, S7) | {} |",
        broken(&counts, &[Rule::S3, Rule::S4, Rule::S7])
    ))?;
    say(&format!("| instances left running too long (L2) | {} |", broken(&counts, &[Rule::L2])))?;
    let by: Vec<String> =
        counts.broken.iter().map(|(rule, count)| format!(", {rule} {count} times")).collect();
    say(&format!("| worlds in which any rule was broken | {}{} |", counts.found.len(), by.concat()))?;
    say("\n| rule | how it is judged |\n|---|---|")?;
    for (rule, coverage) in TABLE {
        let text = match coverage {
            Coverage::Checked(text) => text.to_owned(),
            Coverage::NoSubject(why) => format!("no subject yet: {why}"),
        };
        say(&format!("| {rule:?} | {text} |"))?;
    }
    say(
        "\nHow often a fault began while a pod was in that state, and in brackets how many different ends such pods had:\n",
    )?;
    say(&table(&counts))?;
    if args.planted > 0 {
        say("| planted bug | found in seed | by |\n|---|---|---|")?;
        look("", args.planted, |found| {
            let (seed, by) = found.by.as_ref().map_or(("not found".to_owned(), "–"), |(seed, text)| {
                (seed.to_string(), text.split_whitespace().next().unwrap_or_default())
            });
            drop(say(&format!("| {} | {seed} | {by} |", found.name)));
        });
    }
    Ok(counts.found.is_empty())
}
