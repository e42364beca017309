//! What is known of all machines: listed, claimed, sent for, missing, ending.
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
use orca_core::provider::{Claim, Machines, Missing};

use crate::brake::Brake;

mod confirmation;
mod endings;
mod losses;
mod machine;

use machine::{Loss, Machine};

/// Sweeps are remembered for this long: longer than an absence takes to count, however frequent they are …
const REMEMBERED: Duration = Duration::from_mins(7);
/// … and, but for the latest, no two that are closer together than this.
const APART: Duration = Duration::from_secs(1);
/// A termination that did not show in the list after this time is asked for again …
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// … and one that was refused later and later: people have to mend that.
const REFUSED: Backoff = Backoff { first: ASK_AGAIN, cap: Duration::from_mins(10) };

/// What is known of the machines of one owner.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    machines: BTreeMap<InstanceId, Machine>,
    by_pod: BTreeMap<PodUid, Vec<InstanceId>>,
    by_name: BTreeMap<(Arc<str>, Arc<str>), Vec<PodUid>>,
    terminations: BTreeMap<InstanceId, OwnedInstance>,
    sweeps: VecDeque<Timestamp>,
    recent: Arc<[Timestamp]>,
    trouble: Option<CloudError>,
    /// Whose instances the lists are about.
    identity: Option<CloudIdentity>,
    identified_at: Option<Timestamp>,
    /// What every machine is from the start, when its cloud has no way to tell its health.
    assumed_health: Option<Health>,
    /// When it was asked last who has failed its checks.
    impaired_at: Option<Timestamp>,
    /// Against concluding from the absence of many.
    brake: Brake,
    /// For how many people released it.
    release: usize,
    /// After which time without an answer that shows it a machine is unconfirmed.
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
    /// An empty ledger. Without a source of health, a running machine counts as healthy; one that nothing confirms for longer
    /// than `patience` counts as unconfirmed.
    pub(super) fn new(has_health_source: bool, patience: Duration) -> Self {
        let assumed_health = (!has_health_source).then_some(Health::Passed);
        Self { assumed_health, patience, ..Self::default() }
    }

    /// People said that so many absences are real, however many there are.
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
        let machine = self.entry(pod.clone(), id, now);
        machine.claimed = true;
        machine.cloud = cloud.or(machine.cloud.take());
    }

    pub(super) fn adopt(&mut self, pod: &PodRef, claim: Claim, now: Timestamp) {
        let machine = self.entry(pod.clone(), claim.id, now);
        (machine.claimed, machine.finished) = (true, false);
        machine.cloud = machine.cloud.take().or(claim.cloud);
        if machine.health.is_none() {
            machine.health = claim.health;
        }
    }

    /// The pod has finished: what it named may be forgotten when its end is no longer listed.
    pub(super) fn disclaim(&mut self, pod: &PodUid) {
        for id in self.by_pod.get(pod).cloned().unwrap_or_default() {
            if let Some(machine) = self.machines.get_mut(&id) {
                (machine.claimed, machine.finished) = (false, true);
            }
        }
    }

    /// Takes in a complete sweep, and says which pods' machines changed.
    pub(super) fn take(&mut self, sweep: Sweep, now: Timestamp) -> Vec<PodUid> {
        let mut changed = Vec::new();
        let mut shown = BTreeSet::new();
        let found = sweep.found.iter().flatten();
        for instance in sweep.listed.iter().chain(found) {
            shown.insert(instance.id.clone());
            let known = self.machines.get(&instance.id).map(|machine| machine.pod.clone());
            let Some(pod) = instance.pod.clone().or(known) else {
                continue;
            };
            // Where it lives was checked before, and is no change of it.
            if self.put(pod.clone(), Instance { cloud: None, ..instance.clone() }, now) {
                changed.push(pod.uid);
            }
            if let Some(machine) = self.machines.get_mut(&instance.id) {
                machine.listed = true;
                machine.absences = 0;
                machine.loss = Loss::Open;
                machine.confirmed_at = sweep.began;
                if machine.unconfirmed_at.take().is_some() {
                    changed.push(machine.pod.uid.clone());
                }
            }
        }
        if sweep.found.is_some() {
            changed.extend(self.count_absences(&shown, now));
        }
        for instance in &sweep.listed {
            if let Some(machine) = self.machines.get_mut(&instance.id) {
                machine.listed_in = Some(sweep.began);
            }
        }
        self.remember(sweep.began);
        changed
    }

    fn count_absences(&mut self, shown: &BTreeSet<InstanceId>, now: Timestamp) -> Vec<PodUid> {
        let mut changed = Vec::new();
        let mut vanished = Vec::new();
        let identity = self.identity.clone();
        let is_absent = |id: &InstanceId, machine: &Machine| {
            // What lives elsewhere cannot be absent here.
            !shown.contains(id) && machine.is_of(identity.as_ref())
        };
        for (id, machine) in self.machines.iter_mut().filter(|(id, machine)| is_absent(id, machine)) {
            let has_ended =
                machine.instance.as_ref().is_some_and(|instance| instance.state == InstanceState::Terminated);
            if has_ended {
                // The cloud lists ended machines for about an hour; after that there is nothing left to know, but for a pod
                // that does not show that end yet.
                if !machine.claimed {
                    vanished.push(id.clone());
                }
                continue;
            }
            if machine.absences == 0 {
                machine.absent_since = now;
            }
            machine.absent_at = now;
            machine.absences = machine.absences.saturating_add(1);
            changed.push(machine.pod.uid.clone());
            // Its pod has finished or is gone, so a concluded absence is all there is to know: asking on helps nobody. Before
            // that it may only be late to be listed, and still has to be ended.
            if machine.finished && is_gone(machine) {
                vanished.push(id.clone());
            }
        }
        self.conclude(now);
        for id in vanished {
            self.drop_machine(&id);
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

    pub(super) fn machines(&self, reference: &PodRef, now: Timestamp) -> Machines {
        let pod = &reference.uid;
        let ids = self.by_pod.get(pod).map(Vec::as_slice).unwrap_or_default();
        let known: Vec<&Machine> = ids.iter().filter_map(|id| self.machines.get(id)).collect();
        // An instance that was launched and never listed yet stays what the launch call said it is.
        let is_there = |machine: &Machine| machine.absences == 0 || (!machine.listed && !is_gone(machine));
        let mut seen: Vec<&Instance> = known
            .iter()
            .filter(|machine| is_there(machine))
            .filter_map(|machine| machine.instance.as_ref())
            .collect();
        seen.sort_by_key(|instance| (!instance.state.is_alive(), std::cmp::Reverse(instance.launched_at)));
        let health =
            seen.first().and_then(|first| self.machines.get(&first.id)).and_then(|machine| machine.health);
        let missing =
            ids.iter().filter_map(|id| self.machines.get_key_value(id)).find_map(|(id, machine)| {
                let is_missing = machine.instance.is_none() || !is_there(machine);
                is_missing.then(|| Missing {
                    id: id.clone(),
                    absences: machine.absences,
                    since: machine.absent_since,
                    latest: machine.absent_at,
                    is_held: machine.loss == Loss::Held,
                })
            });
        Machines {
            fresh: self
                .last_sweep()
                .filter(|_| self.identity.is_some())
                .is_some_and(|began| clock::is_recent(began, now, limits::SWEEP_FRESH)),
            seen: seen.into_iter().cloned().collect(),
            missing,
            health,
            unconfirmed_since: self.unconfirmed_since(&known, now),
            ending_since: known.iter().filter_map(|machine| machine.ending_since).max(),
            complete_sweeps: Arc::clone(&self.recent),
            end_refused: known.iter().find_map(|machine| machine.end_refused.clone()),
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
            let instance = self.machines.get(*id).and_then(|machine| machine.instance.as_ref());
            instance.is_some_and(|instance| instance.state.is_alive())
        };
        others.filter_map(|uid| self.by_pod.get(uid)).flatten().find(is_alive).cloned()
    }

    pub(super) fn pods(&self) -> Vec<PodRef> {
        self.by_pod
            .values()
            .filter_map(|ids| ids.first())
            .filter_map(|id| self.machines.get(id))
            .map(|machine| machine.pod.clone())
            .collect()
    }

    pub(super) fn forget(&mut self, pod: &PodUid) {
        for id in self.by_pod.get(pod).cloned().unwrap_or_default() {
            self.drop_machine(&id);
        }
    }

    /// Whether something is expected to change soon.
    pub(super) fn is_changing(&self) -> bool {
        self.machines.values().any(Machine::is_changing)
    }

    pub(super) fn last_sweep(&self) -> Option<Timestamp> {
        self.sweeps.back().copied()
    }

    pub(super) fn trouble(&self) -> Option<CloudError> {
        self.trouble.clone()
    }

    /// How many machines are alive.
    pub(super) fn alive(&self) -> usize {
        let is_alive =
            |machine: &&Machine| machine.instance.as_ref().is_some_and(|instance| instance.state.is_alive());
        self.machines.values().filter(is_alive).count()
    }

    /// Files an instance under its pod, and says whether that changed anything.
    fn put(&mut self, pod: PodRef, instance: Instance, now: Timestamp) -> bool {
        let cloud = self.identity.clone();
        let machine = self.entry(pod, instance.id.clone(), now);
        machine.cloud = cloud;
        if machine.instance.as_ref() == Some(&instance) && machine.absences == 0 {
            return false;
        }
        // A late list must not bring an ending machine back to life.
        let regresses = machine.instance.as_ref().is_some_and(|before| {
            !before.state.is_alive() && instance.state.is_alive() && machine.ending_since.is_some()
        });
        if regresses && machine.ending_since.is_some_and(|since| clock::is_recent(since, now, ASK_AGAIN)) {
            return false;
        }
        if !instance.state.is_alive() && machine.ending_since.is_none() {
            machine.ending_since = Some(now);
        }
        machine.instance = Some(instance);
        true
    }

    fn entry(&mut self, pod: PodRef, id: InstanceId, now: Timestamp) -> &mut Machine {
        let ids = self.by_pod.entry(pod.uid.clone()).or_default();
        if ids.is_empty() {
            let name = (Arc::clone(&pod.namespace), Arc::clone(&pod.name));
            self.by_name.entry(name).or_default().push(pod.uid.clone());
        }
        if !ids.contains(&id) {
            ids.push(id.clone());
        }
        self.machines.entry(id).or_insert_with(|| Machine {
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
        })
    }

    fn drop_machine(&mut self, id: &InstanceId) {
        if let Some(machine) = self.machines.remove(id)
            && let Some(ids) = self.by_pod.get_mut(&machine.pod.uid)
        {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.by_pod.remove(&machine.pod.uid);
                let name = (Arc::clone(&machine.pod.namespace), Arc::clone(&machine.pod.name));
                if let Some(uids) = self.by_name.get_mut(&name) {
                    uids.retain(|uid| *uid != machine.pod.uid);
                    if uids.is_empty() {
                        self.by_name.remove(&name);
                    }
                }
            }
        }
    }
}

/// Whether it is gone for certain, however many others are.
fn is_gone(machine: &Machine) -> bool {
    Missing::is_proven(machine.absences, machine.absent_since, machine.absent_at)
}

#[cfg(test)]
mod tests;
