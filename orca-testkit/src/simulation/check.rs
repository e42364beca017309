//! Judges a history by the rules: a pure function from what happened to what should not have.

use std::fmt;

use jiff::Timestamp;

use self::timeline::Timeline;
use super::history::History;

mod calm;
mod launches;
mod quiet;
mod rules;
mod statuses;
mod terminations;
mod timeline;

pub use self::rules::{Coverage, Rule, TABLE};

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When it was broken, or when what it promises was overdue.
    pub at: Timestamp,
    /// The pod, instance or call that it is about.
    pub about: String,
    /// What was found.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} at {:.3}: {}: {}", self.rule, self.at, self.about, self.what)
    }
}

/// Everything that a history has and should not have, in the order of the rules.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let seen = Timeline::of(history);
    let mut found = Vec::new();
    found.extend(launches::check(&seen));
    found.extend(terminations::check(&seen));
    found.extend(statuses::check(&seen));
    found.extend(calm::check(&seen));
    found.extend(quiet::check(&seen));
    found.sort_by(|one, other| (one.rule, one.at, &one.about).cmp(&(other.rule, other.at, &other.about)));
    found
}

#[cfg(test)]
mod tests;
