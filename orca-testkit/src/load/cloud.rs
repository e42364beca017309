//! The cloud of the contestant ORCA: the fake EC2 in the same process, with a record of what was asked of it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::cloud::{CloudClient, CloudInfo, LaunchOutcome};
use orca_core::error::CloudError;
use orca_core::ids::{CloudIdentity, InstanceId, Owner};
use orca_core::instance::{Instance, InstanceState, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};
use orca_core::well_known::tag;
use serde::{Deserialize, Serialize};

use super::moment::Moment;
use crate::fake_ec2::{Ec2Settings, FakeCloud, FakeEc2, Span, SubnetSettings};

/// What was asked of a cloud during a child's life.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Every launch call, in order.
    pub(super) launches: Vec<Launch>,
    /// When other calls were made, by name. Making an offer is no call of a warm cloud, and is not counted.
    pub(super) calls: BTreeMap<String, Vec<Moment>>,
    /// Instances that were alive at the end.
    pub(super) alive: usize,
}

/// One launch call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Launch {
    pub(super) pod: String,
    pub(super) sent: Moment,
    /// The instance that came of it.
    pub(super) instance: Option<String>,
}

/// A cloud that records its calls.
///
/// It boots and ends instances in no time, so its answers say what an instance has become by then: EC2 would still say
/// `pending` or `shutting-down`, and what is measured would be the time until the next sweep.
#[derive(Debug)]
pub(super) struct Cloud {
    cloud: FakeCloud,
    record: Mutex<Record>,
}

impl Cloud {
    /// A region without boot times, whose every call takes this long.
    pub(super) fn new(latency: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { cloud: FakeEc2::new(region(latency), clock).cloud(), record: Mutex::default() }
    }

    /// The record so far, with the number of instances that are alive now.
    pub(super) fn finish(&self) -> Record {
        let mut record = self.record().clone();
        record.alive = self.cloud.ec2().alive().len();
        record
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, call: &str) {
        self.record().calls.entry(call.to_owned()).or_default().push(Moment::now());
    }

    fn state(&self, id: &InstanceId) -> Option<InstanceState> {
        self.cloud.ec2().instance(id.as_str()).map(|instance| instance.state)
    }
}

/// A region without boot times, whose every call takes this long.
pub(super) fn region(latency: Duration) -> Ec2Settings {
    Ec2Settings {
        latency: Span::exactly(latency),
        subnets: subnets(),
        // Nobody reads them here.
        ledger_entries: 1,
        ..Ec2Settings::instant()
    }
}

/// As large as EC2 has them: every pod of a turn gets an address of the first one.
fn subnets() -> Vec<SubnetSettings> {
    vec![SubnetSettings {
        id: "subnet-0000000000000000a".into(),
        zone: "us-west-2a".into(),
        base: Ipv4Addr::new(10, 0, 0, 0),
        prefix: 16,
        public_addresses: false,
    }]
}

#[async_trait]
impl CloudClient for Cloud {
    fn info(&self) -> CloudInfo {
        self.cloud.info()
    }

    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        self.cloud.identity().await
    }

    async fn offers(&self, wish: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        self.cloud.offers(wish).await
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        let sent = Moment::now();
        let mut outcome = self.cloud.launch(offer, token, not_after).await;
        let instance = match &mut outcome {
            LaunchOutcome::Launched(instance) => {
                instance.state = self.state(&instance.id).unwrap_or(instance.state);
                Some(instance.id.to_string())
            }
            LaunchOutcome::Refused(_)
            | LaunchOutcome::Mismatch
            | LaunchOutcome::Ended
            | LaunchOutcome::NotSent(_)
            | LaunchOutcome::Unknown(_) => None,
        };
        let pod = offer.tags.get(tag::POD_UID).cloned().unwrap_or_default();
        self.record().launches.push(Launch { pod, sent, instance });
        outcome
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        self.count("list");
        self.cloud.list_owned(owner).await
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        if !ids.is_empty() {
            self.count("describe");
        }
        self.cloud.describe(ids).await
    }

    async fn terminate(
        &self,
        instances: &[OwnedInstance],
    ) -> BTreeMap<InstanceId, Result<InstanceState, CloudError>> {
        self.count("terminate");
        let mut ended = self.cloud.terminate(instances).await;
        for (id, result) in &mut ended {
            if let Ok(state) = result {
                *state = self.state(id).unwrap_or(*state);
            }
        }
        ended
    }

    fn token_memory(&self) -> Duration {
        self.cloud.token_memory()
    }
}
