//! The rules by name, and the result of each.

use std::fmt;

use orca_core::ids::InstanceId;

/// A rule of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// `identity` returns the same every time.
    TheIdentityIsStable,
    /// `offers` launches nothing, and each offer carries the wish's tags.
    OffersLaunchNothing,
    /// `token_memory` is longer than a signed request can be executed.
    TokensAreRememberedLongEnough,
    /// A launched instance is listed with its owner and its pod.
    WhatWasLaunchedIsListed,
    /// The same token and offer again give the same instance.
    TheSameTokenIsTheSameInstance,
    /// Ten sends at once launch one instance.
    ConcurrentSendsAreOneLaunch,
    /// Another offer under the same token is a mismatch, and launches nothing.
    AnotherOfferMismatches,
    /// The token of an ended instance returns that it has ended, or that instance, and launches nothing.
    AnEndedTokenLaunchesNothing,
    /// A launch of a type that does not exist is refused as invalid, and launches nothing.
    ARefusalLaunchesNothing,
    /// A launch whose time is over is not sent, and leaves its token unused.
    NothingIsSentAfterItsTime,
    /// `list_owned` shows every instance, over all pages.
    ListsAreComplete,
    /// `list_owned` shows no instance of another owner.
    ListsAreTheOwnersOnly,
    /// `describe` leaves out what is unknown, and answers for the rest.
    UnknownIdsAreLeftOut,
    /// `describe` and `terminate` without ids return nothing, without a call.
    NothingAskedIsNothingCalled,
    /// `terminate` of an ending or ended instance succeeds.
    EndingRepeats,
    /// `terminate` answers for each instance, and one that cannot be ended does not keep others alive.
    OneBadIdKeepsNoOtherAlive,
}

impl Rule {
    /// Every rule, in the order in which they run.
    pub const ALL: [Self; 16] = [
        Self::TheIdentityIsStable,
        Self::OffersLaunchNothing,
        Self::TokensAreRememberedLongEnough,
        Self::WhatWasLaunchedIsListed,
        Self::TheSameTokenIsTheSameInstance,
        Self::ConcurrentSendsAreOneLaunch,
        Self::AnotherOfferMismatches,
        Self::AnEndedTokenLaunchesNothing,
        Self::ARefusalLaunchesNothing,
        Self::NothingIsSentAfterItsTime,
        Self::ListsAreComplete,
        Self::ListsAreTheOwnersOnly,
        Self::UnknownIdsAreLeftOut,
        Self::NothingAskedIsNothingCalled,
        Self::EndingRepeats,
        Self::OneBadIdKeepsNoOtherAlive,
    ];
}

/// A rule that a client is declared to break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The rule.
    pub rule: Rule,
    /// Why it breaks the rule.
    pub reason: String,
}

/// A rule that a client broke, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule.
    pub rule: Rule,
    /// What was observed.
    pub what: String,
}

/// The result of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The rules that the client keeps.
    pub kept: Vec<Rule>,
    /// The rules that it breaks, or keeps although a difference was declared.
    pub failures: Vec<Failure>,
    /// The rules that it breaks as declared.
    pub known: Vec<Failure>,
    /// The instances that the run launched and could not end.
    pub left: Vec<InstanceId>,
}

impl Report {
    pub(super) fn note(&mut self, rule: Rule, result: Result<(), String>, differences: &[Difference]) {
        let declared = differences.iter().find(|difference| difference.rule == rule);
        match (result, declared) {
            (Ok(()), None) => self.kept.push(rule),
            (Ok(()), Some(difference)) => {
                let what = format!("it holds, although it was declared not to: {}", difference.reason);
                self.failures.push(Failure { rule, what });
            }
            (Err(what), None) => self.failures.push(Failure { rule, what }),
            (Err(what), Some(_)) => self.known.push(Failure { rule, what }),
        }
    }

    /// The report, if every rule is kept or broken as declared, and no instance is left.
    ///
    /// # Errors
    ///
    /// The same report. Its text says which rules are broken, and which instances are left.
    pub fn into_result(self) -> Result<Self, Broken> {
        if self.failures.is_empty() && self.left.is_empty() { Ok(self) } else { Err(Broken(self)) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rules hold", self.kept.len())?;
        for Failure { rule, what } in &self.failures {
            write!(f, "\n  broken: {rule:?}: {what}")?;
        }
        for Failure { rule, what } in &self.known {
            write!(f, "\n  known: {rule:?}: {what}")?;
        }
        for id in &self.left {
            write!(f, "\n  left alive: {id}")?;
        }
        Ok(())
    }
}

/// A broken contract, with its report.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub Report);

// A test shows this form when it expects the contract to hold.
impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
