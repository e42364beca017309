//! What is known of all instances: listed, claimed, sent for, missing, ending.
//!
//! Facts only. What follows from them for a pod is decided in `orca_core::lifecycle`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orca_core::backoff::Backoff;
use orca_core::clock;
use orca_core::error::CloudError;
use orca_core::ids::{CloudIdentity, InstanceId, PodRef, PodUid};
use orca_core::instance::{Health, Instance, InstanceState, OwnedInstance};
use orca_core::limits;
use orca_core::provider::{Claim, KnownInstances, Missing};

use crate::brake::Brake;

mod confirmation;
mod losses;
mod terminations;
mod tracked;

use tracked::{Loss, TrackedInstance};

/// Sweeps are remembered for this long: longer than an absence takes to count, however frequent they are …
const REMEMBERED: Duration = Duration::from_mins(7);
/// … and, but for the latest, no two that are closer together than this.
const APART: Duration = Duration::from_secs(1);
/// A termination that did not show in the list after this time is asked for again …
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// … and one that was refused later and later: people have to mend that.
const REFUSED: Backoff = Backoff { first: ASK_AGAIN, cap: Duration::from_mins(10) };

/// What is known of the instances of one owner.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    tracked: BTreeMap<InstanceId, TrackedInstance>,
    by_pod: BTreeMap<PodUid, Vec<InstanceId>>,
    by_name: BTreeMap<(Arc<str>, Arc<str>), Vec<PodUid>>,
    terminations: BTreeMap<InstanceId, OwnedInstance>,
    /// Those that a call under way names: another one would only take its place.
    under_way: BTreeSet<InstanceId>,
    /// Of the latest complete sweep, those alive that name no pod, and that no pod of this process is known to have.
    without_pod: Vec<Instance>,
    sweeps: VecDeque<Timestamp>,
    recent: Arc<[Timestamp]>,
    trouble: Option<CloudError>,
    /// Whose instances the lists are about.
    identity: Option<CloudIdentity>,
    identified_at: Option<Timestamp>,
    /// What every instance is from the start, when its cloud has no way to tell its health.
    assumed_health: Option<Health>,
    /// When it was asked last who has failed its checks.
    impaired_at: Option<Timestamp>,
    /// Against concluding from the absence of many.
    brake: Brake,
    /// For how many people released it.
    release: usize,
    /// After which time without an answer that shows it an instance is unconfirmed.
    patience: Duration,
}

/// What one complete sweep brought.
#[derive(Debug)]
pub(super) struct Sweep {
    /// When it began.
    pub(super) began: Timestamp,
    /// Everything that the cloud listed.
    pub(super) listed: Vec<Instance>,
    /// What describing the unlisted ones found. None: that call failed, so nothing counts as absent.
    pub(super) found: Option<Vec<Instance>>,
}

impl Ledger {
    /// An empty ledger. Without a source of health, a running instance counts as healthy; one that nothing confirms for longer
    /// than `patience` counts as unconfirmed.
    pub(super) fn new(has_health_source: bool, patience: Duration) -> Self {
        let assumed_health = (!has_health_source).then_some(Health::Passed);
        Self { assumed_health, patience, ..Self::default() }
    }

    /// People said that this many absences are real, however many there are.
    pub(super) fn releasing(self, release: usize) -> Self {
        Self { release, ..self }
    }

    pub(super) fn identity(&self) -> Option<&CloudIdentity> {
        self.identity.as_ref()
    }

    /// Whether the cloud has said so this recently.
    pub(super) fn is_identified(&self, now: Timestamp, within: Duration) -> bool {
        self.identified_at.is_some_and(|at| clock::is_recent(at, now, within))
    }

    /// The cloud has said whose instances it is asked about.
    pub(super) fn identified(&mut self, identity: CloudIdentity, now: Timestamp) {
        (self.identity, self.identified_at) = (Some(identity), Some(now));
    }

    /// Something came from elsewhere: it has to be asked for again.
    pub(super) fn doubt_identity(&mut self) {
        self.identified_at = None;
    }

    /// A launch call returned this instance.
    pub(super) fn launched(&mut self, pod: &PodRef, mut instance: Instance, now: Timestamp) {
        let (id, cloud) = (instance.id.clone(), instance.cloud.take());
        self.put(pod.clone(), instance, now);
        let tracked = self.entry(pod.clone(), id, now);
        tracked.claimed = true;
        tracked.cloud = cloud.or(tracked.cloud.take());
    }

    pub(super) fn adopt(&mut self, pod: &PodRef, claim: Claim, now: Timestamp) {
        let tracked = self.entry(pod.clone(), claim.id, now);
        (tracked.claimed, tracked.finished) = (true, false);
        tracked.cloud = tracked.cloud.take().or(claim.cloud);
        if tracked.health.is_none() {
            tracked.health = claim.health;
        }
    }

    /// The pod has finished: what it named may be forgotten when its end is no longer listed.
    pub(super) fn disclaim(&mut self, pod: &PodUid) {
        for id in self.by_pod.get(pod).cloned().unwrap_or_default() {
            if let Some(tracked) = self.tracked.get_mut(&id) {
                (tracked.claimed, tracked.finished) = (false, true);
            }
        }
    }

    /// Applies a complete sweep, and says which pods' instances changed.
    pub(super) fn apply(&mut self, sweep: Sweep, now: Timestamp) -> Vec<PodUid> {
        let mut changed = Vec::new();
        let mut shown = BTreeSet::new();
        self.without_pod.clear();
        let found = sweep.found.iter().flatten();
        for instance in sweep.listed.iter().chain(found) {
            shown.insert(instance.id.clone());
            let known = self.tracked.get(&instance.id).map(|tracked| tracked.pod.clone());
            let Some(pod) = instance.pod.clone().or(known) else {
                self.without_pod.extend(instance.state.is_alive().then(|| instance.clone()));
                continue;
            };
            // Where it lives was checked before, and is no change of it.
            if self.put(pod.clone(), Instance { cloud: None, ..instance.clone() }, now) {
                changed.push(pod.uid);
            }
            if let Some(tracked) = self.tracked.get_mut(&instance.id) {
                tracked.listed = true;
                tracked.absences = 0;
                tracked.loss = Loss::Open;
                tracked.confirmed_at = sweep.began;
                if tracked.unconfirmed_at.take().is_some() {
                    changed.push(tracked.pod.uid.clone());
                }
            }
        }
        if sweep.found.is_some() {
            changed.extend(self.count_absences(&shown, now));
        }
        for instance in &sweep.listed {
            if let Some(tracked) = self.tracked.get_mut(&instance.id) {
                tracked.listed_in = Some(sweep.began);
            }
        }
        self.remember(sweep.began);
        changed
    }

    fn count_absences(&mut self, shown: &BTreeSet<InstanceId>, now: Timestamp) -> Vec<PodUid> {
        let mut changed = Vec::new();
        let mut vanished = Vec::new();
        let identity = self.identity.clone();
        let is_absent = |id: &InstanceId, tracked: &TrackedInstance| {
            // What lives elsewhere cannot be absent here.
            !shown.contains(id) && tracked.is_of(identity.as_ref())
        };
        for (id, tracked) in self.tracked.iter_mut().filter(|(id, tracked)| is_absent(id, tracked)) {
            let has_ended =
                tracked.instance.as_ref().is_some_and(|instance| instance.state == InstanceState::Terminated);
            if has_ended {
                // The cloud lists ended instances for about an hour; after that there is nothing left to know, but for a pod
                // that does not show that end yet.
                if !tracked.claimed {
                    vanished.push(id.clone());
                }
                continue;
            }
            if tracked.absences == 0 {
                tracked.absent_since = now;
            }
            tracked.absent_at = now;
            tracked.absences = tracked.absences.saturating_add(1);
            changed.push(tracked.pod.uid.clone());
            // Its pod has finished or is gone, so a concluded absence is all there is to know: asking on helps nobody. Before
            // that it may only be late to be listed, and still has to be ended.
            if tracked.finished && is_gone(tracked) {
                vanished.push(id.clone());
            }
        }
        self.conclude(now);
        for id in vanished {
            self.drop_instance(&id);
        }
        changed
    }

    fn remember(&mut self, began: Timestamp) {
        let is_close = |one: Option<&Timestamp>, other: Option<&Timestamp>| {
            one.zip(other).is_some_and(|(one, other)| clock::age(*one, *other) < APART)
        };
        let before = self.sweeps.len().checked_sub(2).and_then(|place| self.sweeps.get(place));
        if is_close(before, self.sweeps.back()) {
            self.sweeps.pop_back();
        }
        // A clock that was set back leaves sweeps of the future behind: they are forgotten as well.
        self.sweeps.retain(|sweep| *sweep <= began && clock::age(*sweep, began) < REMEMBERED);
        self.sweeps.push_back(began);
        self.recent = self.sweeps.iter().copied().collect();
        self.trouble = None;
    }

    /// A sweep failed: nothing is known any better than before.
    pub(super) fn failed(&mut self, error: CloudError) {
        self.trouble = Some(error);
    }

    pub(super) fn instances_of(&self, reference: &PodRef, now: Timestamp) -> KnownInstances {
        let pod = &reference.uid;
        let ids = self.by_pod.get(pod).map(Vec::as_slice).unwrap_or_default();
        let known: Vec<&TrackedInstance> = ids.iter().filter_map(|id| self.tracked.get(id)).collect();
        // An instance that was launched and never listed yet stays what the launch call said it is.
        let is_there =
            |tracked: &TrackedInstance| tracked.absences == 0 || (!tracked.listed && !is_gone(tracked));
        let mut seen: Vec<&Instance> = known
            .iter()
            .filter(|tracked| is_there(tracked))
            .filter_map(|tracked| tracked.instance.as_ref())
            .collect();
        seen.sort_by_key(|instance| (!instance.state.is_alive(), std::cmp::Reverse(instance.launched_at)));
        let health =
            seen.first().and_then(|first| self.tracked.get(&first.id)).and_then(|tracked| tracked.health);
        let missing = ids.iter().filter_map(|id| self.tracked.get_key_value(id)).find_map(|(id, tracked)| {
            let is_missing = tracked.instance.is_none() || !is_there(tracked);
            is_missing.then(|| Missing {
                id: id.clone(),
                absences: tracked.absences,
                since: tracked.absent_since,
                latest: tracked.absent_at,
                is_held: tracked.loss == Loss::Held,
            })
        });
        KnownInstances {
            fresh: self
                .last_sweep()
                .filter(|_| self.identity.is_some())
                .is_some_and(|began| clock::is_recent(began, now, limits::SWEEP_FRESH)),
            seen: seen.into_iter().cloned().collect(),
            missing,
            health,
            unconfirmed_since: self.unconfirmed_since(&known, now),
            ending_since: known.iter().filter_map(|tracked| tracked.ending_since).max(),
            complete_sweeps: Arc::clone(&self.recent),
            foreign: None,
            end_unanswered: known.iter().find_map(|tracked| tracked.end_overdue(now)),
            end_refused: known.iter().find_map(|tracked| tracked.end_refused.clone()),
            trouble: self.trouble.clone(),
            namesake: self.namesake(reference),
            identity: self.identity.clone(),
            token_memory: Duration::ZERO,
        }
    }

    /// An instance that is alive and belongs to another pod of this namespace and name.
    fn namesake(&self, pod: &PodRef) -> Option<InstanceId> {
        let name = (Arc::clone(&pod.namespace), Arc::clone(&pod.name));
        let others = self.by_name.get(&name)?.iter().filter(|uid| **uid != pod.uid);
        let is_alive = |id: &&InstanceId| {
            let instance = self.tracked.get(*id).and_then(|tracked| tracked.instance.as_ref());
            instance.is_some_and(|instance| instance.state.is_alive())
        };
        others.filter_map(|uid| self.by_pod.get(uid)).flatten().find(is_alive).cloned()
    }

    pub(super) fn pods(&self) -> Vec<PodRef> {
        self.by_pod
            .values()
            .filter_map(|ids| ids.first())
            .filter_map(|id| self.tracked.get(id))
            .map(|tracked| tracked.pod.clone())
            .collect()
    }

    pub(super) fn forget(&mut self, pod: &PodUid) {
        for id in self.by_pod.get(pod).cloned().unwrap_or_default() {
            self.drop_instance(&id);
        }
    }

    /// Whether something is expected to change soon.
    pub(super) fn is_changing(&self) -> bool {
        self.tracked.values().any(TrackedInstance::is_changing)
    }

    pub(super) fn last_sweep(&self) -> Option<Timestamp> {
        self.sweeps.back().copied()
    }

    pub(super) fn trouble(&self) -> Option<CloudError> {
        self.trouble.clone()
    }

    /// Files an instance under its pod, and says whether that changed anything.
    fn put(&mut self, pod: PodRef, instance: Instance, now: Timestamp) -> bool {
        let cloud = self.identity.clone();
        let tracked = self.entry(pod, instance.id.clone(), now);
        tracked.cloud = cloud;
        if tracked.instance.as_ref() == Some(&instance) && tracked.absences == 0 {
            return false;
        }
        // A late list must not bring an ending instance back to life.
        let regresses = tracked.instance.as_ref().is_some_and(|before| {
            !before.state.is_alive() && instance.state.is_alive() && tracked.ending_since.is_some()
        });
        if regresses && tracked.ending_since.is_some_and(|since| clock::is_recent(since, now, ASK_AGAIN)) {
            return false;
        }
        if !instance.state.is_alive() && tracked.ending_since.is_none() {
            tracked.ending_since = Some(now);
        }
        tracked.instance = Some(instance);
        true
    }

    fn entry(&mut self, pod: PodRef, id: InstanceId, now: Timestamp) -> &mut TrackedInstance {
        let ids = self.by_pod.entry(pod.uid.clone()).or_default();
        if ids.is_empty() {
            let name = (Arc::clone(&pod.namespace), Arc::clone(&pod.name));
            self.by_name.entry(name).or_default().push(pod.uid.clone());
        }
        if !ids.contains(&id) {
            ids.push(id.clone());
        }
        self.tracked.entry(id).or_insert_with(|| TrackedInstance {
            pod,
            instance: None,
            cloud: None,
            listed: false,
            confirmed_at: now,
            unconfirmed_at: None,
            claimed: false,
            finished: false,
            listed_in: None,
            absences: 0,
            absent_since: now,
            absent_at: now,
            loss: Loss::Open,
            ending_since: None,
            health: self.assumed_health,
            asked_to_end: None,
            refusals: 0,
            end_refused: None,
            end_wanted_since: None,
            end_unanswered: None,
            together: None,
        })
    }

    fn drop_instance(&mut self, id: &InstanceId) {
        if let Some(tracked) = self.tracked.remove(id)
            && let Some(ids) = self.by_pod.get_mut(&tracked.pod.uid)
        {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.by_pod.remove(&tracked.pod.uid);
                let name = (Arc::clone(&tracked.pod.namespace), Arc::clone(&tracked.pod.name));
                if let Some(uids) = self.by_name.get_mut(&name) {
                    uids.retain(|uid| *uid != tracked.pod.uid);
                    if uids.is_empty() {
                        self.by_name.remove(&name);
                    }
                }
            }
        }
    }
}

/// Whether it is gone for certain, however many others are.
fn is_gone(tracked: &TrackedInstance) -> bool {
    Missing::is_proven(tracked.absences, tracked.absent_since, tracked.absent_at)
}

#[cfg(test)]
mod tests;
