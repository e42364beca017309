//! The cloud of the contestant ORCA, with a record of what was asked of it.
//!
//! [`Recorder`] stands in front of any `CloudClient`, so that the cloud behind it can be exchanged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use orca_core::cloud::{CloudClient, LaunchOutcome};
use orca_core::error::CloudError;
use orca_core::ids::{InstanceId, Owner};
use orca_core::instance::{Instance, InstanceState, OwnedInstance};
use orca_core::launch::{LaunchToken, LaunchWish, Offer};
use orca_core::well_known::tag;
use serde::{Deserialize, Serialize};

use super::moment::Moment;

mod instant;

pub(super) use instant::InstantCloud;

/// What was asked of a cloud during a child's life.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// Every launch call, in order.
    pub(super) launches: Vec<Launch>,
    /// When other calls were made, by name. Making an offer is no call of a warm cloud, and is not counted.
    pub(super) calls: BTreeMap<String, Vec<Moment>>,
    /// Machines that were alive at the end.
    pub(super) alive: usize,
}

/// One launch call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Launch {
    pub(super) pod: String,
    pub(super) sent: Moment,
    /// The machine that came of it.
    pub(super) instance: Option<String>,
}

/// A cloud whose calls are written down.
#[derive(Debug)]
pub(super) struct Recorder {
    cloud: Arc<dyn CloudClient>,
    record: Mutex<Record>,
}

impl Recorder {
    pub(super) fn new(cloud: Arc<dyn CloudClient>) -> Self {
        Self { cloud, record: Mutex::default() }
    }

    /// The record so far, with the number of this owner's machines that are alive now.
    pub(super) async fn finish(&self, owner: &Owner) -> Result<Record, CloudError> {
        let listed = self.cloud.list_owned(owner).await?;
        let mut record = self.record().clone();
        record.alive = listed.iter().filter(|instance| instance.state.is_alive()).count();
        Ok(record)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, call: &str) {
        self.record().calls.entry(call.to_owned()).or_default().push(Moment::now());
    }
}

#[async_trait]
impl CloudClient for Recorder {
    async fn offers(&self, wish: &LaunchWish) -> Result<Vec<Offer>, CloudError> {
        self.cloud.offers(wish).await
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        let sent = Moment::now();
        let outcome = self.cloud.launch(offer, token, not_after).await;
        let instance = match &outcome {
            LaunchOutcome::Launched(instance) => Some(instance.id.to_string()),
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
        self.cloud.terminate(instances).await
    }

    fn token_memory(&self) -> Duration {
        self.cloud.token_memory()
    }
}
