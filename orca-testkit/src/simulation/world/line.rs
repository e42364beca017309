//! The way from the controller to EC2: what changes something is on its way by itself once it was sent, whatever becomes
//! of the process. Some holes can be made in it, to see whether the rules find them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use orca_core::clock::Clock as _;
use orca_core::cloud::{Capabilities, CloudClient, CloudInfo, LaunchOutcome, Terminations};
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{CloudIdentity, InstanceId, Owner, PodUid};
use orca_core::instance::{Instance, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};

use super::clock::ShiftedClock;
use crate::fake_kube::resource::PODS;
use crate::fake_kube::store::Store;

/// With a clock that is further off nothing is launched, as with the real back end.
const MOST_OFF: i64 = 300;

/// A fault that is planted in what lies around the controller's own code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hole {
    /// A launch is sent although its time is over.
    NoFence,
    /// A list that fails is an empty list.
    ErrorIsEmpty,
    /// Only the first page of a list is read.
    FirstPageOnly,
    /// Any 404 is the pod registry's word.
    AnyNotFound,
    /// Whose the instances are is always answered the same.
    OneIdentity,
    /// A launch whose answer was lost was not sent.
    LostIsNotSent,
    /// An instance belongs to whichever pod has its name now.
    FoundByName,
}

/// The holes that a run has.
#[derive(Clone, Debug, Default)]
pub(super) struct Holes(BTreeSet<Hole>);

impl Holes {
    pub(super) fn of(holes: &[Hole]) -> Self {
        Self(holes.iter().copied().collect())
    }

    pub(super) fn has(&self, hole: Hole) -> bool {
        self.0.contains(&hole)
    }
}

/// A region as the controller reaches it.
#[derive(Debug)]
pub(super) struct CloudLine {
    pub(super) cloud: Arc<dyn CloudClient>,
    /// Whether the client looks at the clock itself, and what it sends is on its way without help.
    pub(super) is_back_end: bool,
    pub(super) clock: Arc<ShiftedClock>,
    pub(super) holes: Holes,
    pub(super) store: Arc<Store>,
    /// What was first answered to the question whose instances these are.
    pub(super) identity: Arc<Mutex<Option<CloudIdentity>>>,
}

impl CloudLine {
    fn may_be_empty<T: Default>(&self, listed: Result<T, CloudError>) -> Result<T, CloudError> {
        if self.holes.has(Hole::ErrorIsEmpty) { Ok(listed.unwrap_or_default()) } else { listed }
    }

    /// The hole that takes the name for the pod.
    fn by_name(&self, mut instance: Instance) -> Instance {
        if self.holes.has(Hole::FoundByName)
            && let Some(pod) = &mut instance.pod
            && let Ok(found) = self.store.get(&PODS, &pod.namespace, &pod.name)
        {
            pod.uid = PodUid::new(found.uid());
        }
        instance
    }

    /// Why nothing may be sent now.
    fn stop(&self, not_after: Timestamp) -> Option<CloudError> {
        if self.holes.has(Hole::NoFence) {
            return None;
        }
        if self.clock.now() > not_after {
            return Some(CloudError::new(Kind::Unknown, "TooLate", "stopped before it left"));
        }
        let is_off = self.clock.seconds_off().abs() > MOST_OFF;
        is_off.then(|| CloudError::new(Kind::Denied, "ClockSkew", "the clock is too far off"))
    }

    async fn launch_directly(
        &self,
        offer: &Offer,
        token: &LaunchToken,
        not_after: Timestamp,
    ) -> LaunchOutcome {
        if let Some(why) = self.stop(not_after) {
            return LaunchOutcome::NotSent(why);
        }
        let (cloud, offer, token) = (Arc::clone(&self.cloud), offer.clone(), token.clone());
        let sent = in_flight(async move { cloud.launch(&offer, &token, Timestamp::MAX).await }).await;
        sent.unwrap_or_else(|| LaunchOutcome::Unknown(broken()))
    }
}

/// Goes on by itself: a process that dies or stands still keeps nothing back that has left it.
async fn in_flight<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> Option<T> {
    tokio::spawn(call).await.ok()
}

fn broken() -> CloudError {
    CloudError::new(Kind::Unknown, "ConnectionFailed", "the call went away")
}

#[async_trait]
impl CloudClient for CloudLine {
    fn info(&self) -> CloudInfo {
        self.cloud.info()
    }

    async fn identity(&self) -> Result<CloudIdentity, CloudError> {
        let now = self.cloud.identity().await?;
        if !self.holes.has(Hole::OneIdentity) {
            return Ok(now);
        }
        Ok(self.identity.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now).clone())
    }

    async fn offers(&self, request: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        self.cloud.offers(request).await
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        let outcome = if self.is_back_end {
            self.cloud.launch(offer, token, not_after).await
        } else {
            self.launch_directly(offer, token, not_after).await
        };
        if let LaunchOutcome::Unknown(error) = &outcome
            && self.holes.has(Hole::LostIsNotSent)
        {
            return LaunchOutcome::NotSent(error.clone());
        }
        outcome
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        let listed = self.may_be_empty(self.cloud.list_owned(owner).await)?;
        Ok(listed.into_iter().map(|instance| self.by_name(instance)).collect())
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        self.may_be_empty(self.cloud.describe(ids).await)
    }

    async fn terminate(&self, instances: &[OwnedInstance]) -> Terminations {
        if self.is_back_end {
            return self.cloud.terminate(instances).await;
        }
        let (cloud, owned) = (Arc::clone(&self.cloud), instances.to_vec());
        let ended = in_flight(async move { cloud.terminate(&owned).await }).await;
        ended.unwrap_or_else(|| instances.iter().map(|each| (each.id().clone(), Err(broken()))).collect())
    }

    fn token_memory(&self) -> Duration {
        self.cloud.token_memory()
    }

    fn capabilities(self: Arc<Self>) -> Capabilities {
        Arc::clone(&self.cloud).capabilities()
    }
}
