//! What the rules do again and again: wish, launch, list, wait, end.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use orca_core::cloud::LaunchOutcome;
use orca_core::error::Kind;
use orca_core::ids::{InstanceId, Owner, PodRef};
use orca_core::instance::{Instance, InstanceState, OwnedInstance};
use orca_core::launch::{LaunchRequest, LaunchToken, Offer};
use orca_core::tags::{TagSource, tags};

use super::CloudContract;

impl CloudContract<'_> {
    /// The pod of this name; no two rules use the same.
    pub(super) fn pod(&self, name: &str) -> PodRef {
        PodRef::new("contract", name, &format!("{}-{name}", self.run))
    }

    pub(super) fn token(&self, name: &str) -> LaunchToken {
        LaunchToken::new(&self.owner.cluster, &self.pod(name).uid, 1)
    }

    pub(super) fn wish_of(&self, owner: &Owner, name: &str) -> LaunchRequest {
        let pod = self.pod(name);
        let tags = tags(&TagSource {
            owner,
            pod: &pod,
            attempt: 1,
            instance_type: &self.wish.instance_type,
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            user_tags: &BTreeMap::new(),
        });
        LaunchRequest { pod, tags, ..self.wish.clone() }
    }

    /// The best offer for this wish.
    pub(super) async fn offer(&self, wish: &LaunchRequest) -> Result<Offer, String> {
        let offers = self.client.offers(wish).await.map_err(|error| format!("offers: {error}"))?;
        offers.into_iter().next().ok_or_else(|| "there is no offer for the wish".to_owned())
    }

    /// One launch, and again while calls come too fast. It may be sent for half a minute.
    pub(super) async fn send(&self, offer: &Offer, token: &LaunchToken) -> LaunchOutcome {
        let mut waited = Duration::ZERO;
        loop {
            let not_after = self.clock.now().checked_add(Duration::from_secs(30)).unwrap_or(Timestamp::MAX);
            let outcome = self.client.launch(offer, token, not_after).await;
            let is_throttled =
                matches!(&outcome, LaunchOutcome::Refused(error) if error.kind == Kind::Throttled);
            if !is_throttled || waited >= self.patience {
                return outcome;
            }
            self.wait().await;
            waited += self.pause;
        }
    }

    /// Launches for the pod of this name, which must succeed.
    pub(super) async fn launch(&self, name: &str) -> Result<Instance, String> {
        let offer = self.offer(&self.wish_of(&self.owner, name)).await?;
        launched(self.send(&offer, &self.token(name)).await)
    }

    /// Everything of the owner.
    pub(super) async fn list(&self) -> Result<Vec<Instance>, String> {
        self.client.list_owned(&self.owner).await.map_err(|error| format!("list_owned: {error}"))
    }

    /// The instances that are listed for the pod of this name.
    pub(super) async fn listed_for(&self, name: &str) -> Result<Vec<Instance>, String> {
        let pod = self.pod(name);
        let mut found = self.list().await?;
        found.retain(|instance| instance.pod.as_ref().is_some_and(|named| named.uid == pod.uid));
        Ok(found)
    }

    /// Fails unless exactly this instance is listed for the pod of this name before long, and no other.
    pub(super) async fn only(&self, name: &str, id: &InstanceId) -> Result<(), String> {
        let mut waited = Duration::ZERO;
        loop {
            let found = self.listed_for(name).await?;
            match &found[..] {
                [one] if one.id == *id => return Ok(()),
                [] if waited < self.patience => {}
                _ => {
                    let ids: Vec<_> = found.iter().map(|each| each.id.as_str()).collect();
                    return Err(format!("pod {name} should have {id} alone, and has {ids:?}"));
                }
            }
            self.wait().await;
            waited += self.pause;
        }
    }

    /// Ends an instance and waits until it is terminated.
    pub(super) async fn end(&self, name: &str, instance: &Instance) -> Result<(), String> {
        let proof = self.proof(name, instance.id.clone())?;
        let mut waited = Duration::ZERO;
        loop {
            let answers = self.client.terminate(std::slice::from_ref(&proof)).await;
            match answers.get(&instance.id) {
                Some(Ok(InstanceState::Terminated)) => return Ok(()),
                Some(Ok(state)) if state.is_alive() => {
                    return Err(format!("it is {state:?} after terminate"));
                }
                // Some clouds answer every termination alike, so only a description shows the state.
                Some(Ok(_)) if self.is_terminated(&instance.id).await? => return Ok(()),
                // An instance that was just launched may not be known yet.
                Some(Ok(_) | Err(_)) if waited < self.patience => {}
                other => return Err(format!("{} was not terminated in time: {other:?}", instance.id)),
            }
            self.wait().await;
            waited += self.pause;
        }
    }

    async fn is_terminated(&self, id: &InstanceId) -> Result<bool, String> {
        let found = self.client.describe(std::slice::from_ref(id)).await;
        let found = found.map_err(|error| format!("describe: {error}"))?;
        Ok(found.iter().all(|each| each.state == InstanceState::Terminated))
    }

    /// The proof that this id is the pod's, whether or not there is such an instance.
    pub(super) fn proof(&self, name: &str, id: InstanceId) -> Result<OwnedInstance, String> {
        let pod = self.pod(name);
        let tags = self.wish_of(&self.owner, name).tags;
        let instance = Instance::from_tags(id, "contract://proof", InstanceState::Running, &tags);
        instance.owned_by(&self.owner, &pod.uid).ok_or_else(|| "the proof failed".to_owned())
    }

    /// Ends everything that the run has launched, and names what it could not end.
    pub(super) async fn end_all(&self) -> Vec<InstanceId> {
        let mut waited = Duration::ZERO;
        loop {
            let mut alive = Vec::new();
            for owner in [self.owner.clone(), self.other_owner()] {
                let listed = self.client.list_owned(&owner).await.unwrap_or_default();
                let proof = |each: &Instance| each.owned_by(&owner, &each.pod.as_ref()?.uid);
                alive.extend(listed.iter().filter(|each| each.state.is_alive()).filter_map(proof));
            }
            if alive.is_empty() || waited >= self.patience {
                return alive.iter().map(|each| each.id().clone()).collect();
            }
            // What it answers shows in the next list.
            let _answers = self.client.terminate(&alive).await;
            self.wait().await;
            waited += self.pause;
        }
    }

    /// Somebody else in the same cluster.
    pub(super) fn other_owner(&self) -> Owner {
        Owner { node: "contract-other".into(), ..self.owner.clone() }
    }

    pub(super) async fn wait(&self) {
        tokio::time::sleep(self.pause).await;
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.as_ref().map_or(0, |calls| calls())
    }
}

/// The instance of a launch, or what came instead.
pub(super) fn launched(outcome: LaunchOutcome) -> Result<Instance, String> {
    match outcome {
        LaunchOutcome::Launched(instance) => Ok(*instance),
        other @ (LaunchOutcome::Refused(_)
        | LaunchOutcome::Mismatch
        | LaunchOutcome::Ended
        | LaunchOutcome::NotSent(_)
        | LaunchOutcome::Unknown(_)) => Err(format!("the launch should succeed: {other:?}")),
    }
}

/// Fails with this text unless it holds.
pub(super) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
