//! A cloud without boot times: what it is asked for is true as soon as it answers, after a set latency.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::cloud::{CloudClient, LaunchOutcome};
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{InstanceId, Owner, PodRef};
use orca_core::instance::{Instance, InstanceState, OwnedInstance};
use orca_core::launch::{LaunchToken, LaunchWish, Offer};
use orca_core::well_known::tag;

/// As long as EC2 lists ended machines is longer than any run.
const TOKEN_MEMORY: Duration = Duration::from_hours(12);

/// Machines in memory.
#[derive(Debug)]
pub(in crate::load) struct InstantCloud {
    latency: Duration,
    clock: Arc<dyn Clock>,
    machines: Mutex<Machines>,
}

#[derive(Debug, Default)]
struct Machines {
    by_id: BTreeMap<InstanceId, Instance>,
    by_token: BTreeMap<String, (InstanceId, String)>,
}

impl InstantCloud {
    pub(in crate::load) fn new(latency: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { latency, clock, machines: Mutex::default() }
    }

    fn machines(&self) -> MutexGuard<'_, Machines> {
        self.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Half of the latency before what a call does, and half after it, as on a wire.
    async fn travel(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency / 2).await;
        }
    }
}

#[async_trait]
impl CloudClient for InstantCloud {
    async fn offers(&self, wish: &LaunchWish) -> Result<Vec<Offer>, CloudError> {
        Ok(vec![Offer {
            instance_type: wish.instance_type.clone(),
            capacity_type: wish.capacity_type,
            zone: None,
            price: None,
            tags: wish.tags.clone(),
            parameters: serde_json::json!({ "image": wish.image }),
        }])
    }

    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
        self.travel().await;
        let now = self.clock.now();
        if now > not_after {
            let error = CloudError::new(Kind::Unknown, "TooLate", "the launch left after its time");
            return LaunchOutcome::NotSent(error);
        }
        let outcome = self.machines().launch(offer, token, now);
        self.travel().await;
        outcome
    }

    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
        self.travel().await;
        let is_owned = |instance: &&Instance| instance.owner.as_ref() == Some(owner);
        let listed = self.machines().by_id.values().filter(is_owned).cloned().collect();
        self.travel().await;
        Ok(listed)
    }

    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
        self.travel().await;
        let found = {
            let machines = self.machines();
            ids.iter().filter_map(|id| machines.by_id.get(id)).cloned().collect()
        };
        self.travel().await;
        Ok(found)
    }

    async fn terminate(
        &self,
        instances: &[OwnedInstance],
    ) -> BTreeMap<InstanceId, Result<InstanceState, CloudError>> {
        self.travel().await;
        let ended = {
            let mut machines = self.machines();
            instances.iter().map(|instance| (instance.id().clone(), machines.end(instance.id()))).collect()
        };
        self.travel().await;
        ended
    }

    fn token_memory(&self) -> Duration {
        TOKEN_MEMORY
    }
}

impl Machines {
    fn launch(&mut self, offer: &Offer, token: &LaunchToken, now: Timestamp) -> LaunchOutcome {
        if let Some((id, digest)) = self.by_token.get(token.as_str()) {
            return match self.by_id.get(id) {
                _ if *digest != offer.digest() => LaunchOutcome::Mismatch,
                Some(instance) if instance.state == InstanceState::Running => {
                    LaunchOutcome::Launched(Box::new(instance.clone()))
                }
                Some(_) | None => LaunchOutcome::Ended,
            };
        }
        let id = InstanceId::new(format!("i-{:017x}", self.by_id.len() + 1));
        let instance = machine(&id, offer, now);
        self.by_token.insert(token.as_str().to_owned(), (id.clone(), offer.digest()));
        self.by_id.insert(id, instance.clone());
        LaunchOutcome::Launched(Box::new(instance))
    }

    fn end(&mut self, id: &InstanceId) -> Result<InstanceState, CloudError> {
        let not_found = || CloudError::new(Kind::NotFound, "InvalidInstanceID.NotFound", "no such instance");
        let instance = self.by_id.get_mut(id).ok_or_else(not_found)?;
        instance.state = InstanceState::Terminated;
        Ok(instance.state)
    }
}

fn machine(id: &InstanceId, offer: &Offer, now: Timestamp) -> Instance {
    let tag = |key: &str| offer.tags.get(key).map(String::as_str).unwrap_or_default();
    Instance {
        id: id.clone(),
        reference: format!("instant://local/{id}").into(),
        state: InstanceState::Running,
        state_reason: None,
        owner: Some(Owner { cluster: tag(tag::CLUSTER).into(), node: tag(tag::NODE).into() }),
        pod: Some(PodRef::new(tag(tag::POD_NAMESPACE), tag(tag::POD_NAME), tag(tag::POD_UID))),
        instance_type: offer.instance_type.as_str().into(),
        capacity_type: offer.capacity_type,
        zone: None,
        private_ip: Some([10, 0, 0, 1].into()),
        public_ip: None,
        launched_at: Some(now),
    }
}
