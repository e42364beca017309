//! What every [`CloudClient`] must do, as assertions that run on any of them.
//!
//! The rules are those of the documentation of `orca_core::cloud`. A back end runs them in one line and fails its test
//! with the report:
//!
//! ```
//! # use std::sync::Arc;
//! # use orca_core::{clock::Clock, cloud::CloudClient};
//! # use orca_testkit::contract::cloud::CloudContract;
//! # async fn example(cloud: &dyn CloudClient, clock: Arc<dyn Clock>) {
//! CloudContract::for_type(cloud, clock, "run-1", "t3.micro").run().await.into_result().expect("the contract");
//! # }
//! ```
//!
//! It launches real instances, a few dozen by default (see [`many`](CloudContract::many)), and ends all of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use orca_core::clock::Clock;
use orca_core::cloud::CloudClient;
use orca_core::ids::{InstanceId, Owner, PodRef};
use orca_core::instance::CapacityType;
use orca_core::launch::LaunchRequest;

mod ending;
mod launching;
mod listing;
mod report;
mod world;

pub use report::{Broken, Difference, Failure, Report, Rule};

/// The suite for one client. Set what differs from EC2, then [run](Self::run) it.
pub struct CloudContract<'a> {
    client: &'a dyn CloudClient,
    clock: Arc<dyn Clock>,
    run: String,
    owner: Owner,
    wish: LaunchRequest,
    other_type: String,
    no_type: String,
    no_id: InstanceId,
    patience: Duration,
    pause: Duration,
    many: usize,
    calls: Option<Box<dyn Fn() -> usize + Send + Sync + 'a>>,
    differences: Vec<Difference>,
}

impl fmt::Debug for CloudContract<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudContract")
            .field("client", &self.client)
            .field("owner", &self.owner)
            .field("differences", &self.differences)
            .finish_non_exhaustive()
    }
}

impl<'a> CloudContract<'a> {
    /// A suite for this client.
    ///
    /// `run` names the run. It must be a new name wherever a cloud remembers the tokens of earlier runs. Type, market,
    /// price and image of the instances come from `wish`; its pod and its tags are replaced.
    #[must_use]
    pub fn new(client: &'a dyn CloudClient, clock: Arc<dyn Clock>, run: &str, wish: LaunchRequest) -> Self {
        Self {
            client,
            clock,
            run: run.to_owned(),
            owner: Owner { cluster: format!("contract-{run}").as_str().into(), node: "contract".into() },
            wish,
            other_type: "t3.small".into(),
            no_type: "x9.none".into(),
            no_id: "i-00000000000000000".into(),
            patience: Duration::from_mins(1),
            pause: Duration::from_millis(100),
            many: 24,
            calls: None,
            differences: Vec::new(),
        }
    }

    /// As [`new`](Self::new), with on-demand instances of this type and the back end's default image.
    #[must_use]
    pub fn for_type(
        client: &'a dyn CloudClient,
        clock: Arc<dyn Clock>,
        run: &str,
        instance_type: &str,
    ) -> Self {
        let wish = LaunchRequest {
            pod: PodRef::new("contract", "any", run),
            attempt: 1,
            instance_type: instance_type.to_owned(),
            capacity_type: CapacityType::OnDemand,
            max_price: None,
            image: None,
            resources: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        Self::new(client, clock, run, wish)
    }

    /// How long a launch may take to be listed, and an instance to end. Default: one minute.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How many instances the test of complete lists launches: more than one page, if the back end has pages. Default: 24.
    #[must_use]
    pub fn many(self, many: usize) -> Self {
        Self { many, ..self }
    }

    /// A second type that can be launched, and one that does not exist. Default: `t3.small` and `x9.none`.
    #[must_use]
    pub fn types(self, other: &str, none: &str) -> Self {
        Self { other_type: other.to_owned(), no_type: none.to_owned(), ..self }
    }

    /// A well-formed id that no instance has. Default: one of EC2's form.
    #[must_use]
    pub fn unknown_id(self, id: &str) -> Self {
        Self { no_id: id.into(), ..self }
    }

    /// Returns how many calls the cloud has received. With it the suite also checks that no unnecessary call is made.
    #[must_use]
    pub fn counting(self, calls: impl Fn() -> usize + Send + Sync + 'a) -> Self {
        Self { calls: Some(Box::new(calls)), ..self }
    }

    /// Declares that this client breaks a rule, for this reason. The run also fails if the client keeps the rule after all.
    #[must_use]
    pub fn differs(mut self, rule: Rule, reason: &str) -> Self {
        self.differences.push(Difference { rule, reason: reason.to_owned() });
        self
    }

    /// Tests every rule, one after the other, and ends everything that was launched. [`Report::into_result`] says whether all
    /// is well.
    pub async fn run(&self) -> Report {
        let mut report = Report::default();
        for rule in Rule::ALL {
            let result = self.check(rule).await;
            report.note(rule, result, &self.differences);
        }
        report.left = self.end_all().await;
        report
    }

    async fn check(&self, rule: Rule) -> Result<(), String> {
        match rule {
            Rule::TheIdentityIsStable => Box::pin(self.the_identity_is_stable()).await,
            Rule::OffersLaunchNothing => Box::pin(self.offers_launch_nothing()).await,
            Rule::TokensAreRememberedLongEnough => self.tokens_are_remembered_long_enough(),
            Rule::WhatWasLaunchedIsListed => Box::pin(self.what_was_launched_is_listed()).await,
            Rule::TheSameTokenIsTheSameInstance => Box::pin(self.the_same_token()).await,
            Rule::ConcurrentSendsAreOneLaunch => Box::pin(self.concurrent_sends()).await,
            Rule::AnotherOfferMismatches => Box::pin(self.another_offer()).await,
            Rule::AnEndedTokenLaunchesNothing => Box::pin(self.an_ended_token()).await,
            Rule::ARefusalLaunchesNothing => Box::pin(self.a_refusal()).await,
            Rule::NothingIsSentAfterItsTime => Box::pin(self.nothing_after_its_time()).await,
            Rule::ListsAreComplete => Box::pin(self.lists_are_complete()).await,
            Rule::ListsAreTheOwnersOnly => Box::pin(self.lists_are_the_owners_only()).await,
            Rule::UnknownIdsAreLeftOut => Box::pin(self.unknown_ids()).await,
            Rule::NothingAskedIsNothingCalled => Box::pin(self.nothing_asked()).await,
            Rule::EndingRepeats => Box::pin(self.ending_repeats()).await,
            Rule::OneBadIdKeepsNoOtherAlive => Box::pin(self.one_bad_id()).await,
        }
    }
}
