//! The contract of clouds, on the fake in process.

use super::support::{start, wish};
use jiff::Timestamp;
use orca_core::cloud::{CloudClient, CloudInfo, LaunchOutcome};
use orca_core::error::CloudError;
use orca_core::ids::{CloudIdentity, InstanceId, Owner};
use orca_core::instance::{CapacityType, Instance, InstanceState, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};
use orca_testkit::clock::TokioClock;
use orca_testkit::contract::cloud::{CloudContract, Rule};
use orca_testkit::fake_ec2::{Ec2Settings, FakeCloud, FakeEc2, Span};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn region(settings: Ec2Settings) -> (FakeEc2, Arc<TokioClock>) {
    let clock = Arc::new(TokioClock::starting_at(start()));
    (FakeEc2::new(settings, Arc::clone(&clock) as _), clock)
}

#[tokio::test(start_paused = true)]
async fn an_instant_region_keeps_the_contract_over_several_pages() {
    let (ec2, clock) = region(Ec2Settings::instant());
    let cloud = ec2.cloud();
    let suite = CloudContract::new(&cloud, clock, "instant", wish("u1", CapacityType::OnDemand))
        .many(1_100)
        .counting(|| ec2.calls().len());
    let report = suite.run().await.into_result().expect("the contract");
    assert_eq!(report.kept, Rule::ALL);
    assert!(ec2.alive().is_empty());
    assert_eq!(ec2.doubles().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_region_that_is_seen_late_keeps_it_too() {
    let seconds = |least, most| Span::between(Duration::from_secs(least), Duration::from_secs(most));
    let (ec2, clock) = region(Ec2Settings {
        visible_by_id: seconds(0, 5),
        visible_by_tag: seconds(0, 10),
        latency: Span::between(Duration::from_millis(20), Duration::from_millis(300)),
        ..Ec2Settings::default()
    });
    let cloud = ec2.cloud();
    for market in [CapacityType::OnDemand, CapacityType::Spot] {
        let clock = Arc::clone(&clock);
        let suite = CloudContract::new(&cloud, clock, market.as_str(), wish("u1", market));
        suite.run().await.into_result().expect("the contract");
    }
}

/// A back end that forgets tokens: each send is a launch of its own.
#[derive(Debug)]
struct Forgetful {
    cloud: FakeCloud,
    sends: AtomicU32,
}

#[async_trait::async_trait]
impl CloudClient for Forgetful {
    fn info(&self) -> CloudInfo {
        self.cloud.info()
    }

    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        self.cloud.identity().await
    }

    async fn offers(&self, wish: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        self.cloud.offers(wish).await
    }

    async fn launch(&self, offer: &Offer, _: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        let number = self.sends.fetch_add(1, Ordering::Relaxed);
        let token = LaunchToken::new(&"c1".into(), &"any".into(), number);
        self.cloud.launch(offer, &token, not_after).await
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        self.cloud.list_owned(owner).await
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        self.cloud.describe(ids).await
    }

    async fn terminate(
        &self,
        these: &[OwnedInstance],
    ) -> BTreeMap<InstanceId, Result<InstanceState, CloudError>> {
        self.cloud.terminate(these).await
    }

    fn token_memory(&self) -> Duration {
        Duration::from_mins(1)
    }
}

#[tokio::test(start_paused = true)]
async fn a_back_end_without_tokens_breaks_the_rules_about_them_and_no_other() {
    let (ec2, clock) = region(Ec2Settings::instant());
    let client = Forgetful { cloud: ec2.cloud(), sends: AtomicU32::new(0) };
    let suite = CloudContract::new(&client, clock, "forgetful", wish("u1", CapacityType::OnDemand))
        .differs(Rule::TokensAreRememberedLongEnough, "it has none")
        .differs(Rule::ListsAreComplete, "declared, and not there");
    let report = suite.run().await.into_result().expect_err("it is broken").0;
    let broken: Vec<Rule> = report.failures.iter().map(|failure| failure.rule).collect();
    assert_eq!(
        broken,
        [
            Rule::TheSameTokenIsTheSameInstance,
            Rule::ConcurrentSendsAreOneLaunch,
            Rule::AnotherOfferMismatches,
            Rule::AnEndedTokenLaunchesNothing,
            Rule::ListsAreComplete,
        ]
    );
    assert_eq!(report.known.len(), 1);
    assert!(ec2.alive().is_empty() && report.left.is_empty());
}
