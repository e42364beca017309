//! Which instances are to end: queued once, tag-checked, asked for again when it does not show.

use jiff::Timestamp;
use orca_core::clock;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{InstanceId, Owner, PodRef, PodUid};
use orca_core::instance::{Instance, InstanceState, OwnedInstance};
use orca_core::limits;

use super::tracked::TrackedInstance;
use super::{Ledger, REFUSED};

impl Ledger {
    /// Queues the instances of a pod that are alive and ours. Returns whether there is anything new to end.
    pub(in crate::instances) fn queue_termination(
        &mut self,
        owner: &Owner,
        pod: &PodUid,
        now: Timestamp,
    ) -> bool {
        let ids = self.by_pod.get(pod).cloned().unwrap_or_default();
        let queued = ids.iter().filter(|id| self.queue_one(owner, (id, pod), now));
        queued.count() > 0
    }

    /// Queues one instance if it is alive, ours and this pod's. Returns whether that is new.
    pub(in crate::instances) fn queue_one(
        &mut self,
        owner: &Owner,
        (id, pod): (&InstanceId, &PodUid),
        now: Timestamp,
    ) -> bool {
        if self.under_way.contains(id) {
            return false;
        }
        let identity = self.identity.clone();
        // Tags that were read long ago prove nothing: this process may have stood still since.
        let is_known = |tracked: &&mut TrackedInstance| {
            tracked.is_of(identity.as_ref())
                && clock::is_recent(tracked.confirmed_at, now, limits::SWEEP_FRESH)
        };
        let Some(tracked) = self.tracked.get_mut(id).filter(is_known) else {
            return false;
        };
        let pause = REFUSED.delay(tracked.refusals.saturating_add(1));
        let asked = tracked.asked_to_end.is_some_and(|at| clock::is_recent(at, now, pause));
        let alive = tracked.instance.as_ref().filter(|instance| instance.state.is_alive() && !asked);
        let Some(owned) = alive.and_then(|instance| instance.owned_by(owner, pod)) else {
            return false;
        };
        tracked.asked_to_end = Some(now);
        tracked.end_wanted_since.get_or_insert(now);
        self.terminations.insert(id.clone(), owned);
        true
    }

    /// How many instances are alive.
    pub(in crate::instances) fn alive(&self) -> usize {
        let is_alive = |tracked: &&TrackedInstance| {
            tracked.instance.as_ref().is_some_and(|instance| instance.state.is_alive())
        };
        self.tracked.values().filter(is_alive).count()
    }

    /// This owner's of the latest complete sweep that are alive and name no pod, so that nothing may end them.
    pub(in crate::instances) fn without_pod(&self, owner: &Owner) -> Vec<InstanceId> {
        let owned = self.without_pod.iter().filter(|instance| instance.owner.as_ref() == Some(owner));
        owned.map(|instance| instance.id.clone()).collect()
    }

    /// How many are alive whose tags do not name this owner and a pod of it.
    pub(in crate::instances) fn not_owned(&self, owner: &Owner) -> usize {
        let is_foreign = |tracked: &&TrackedInstance| {
            let alive = tracked.instance.as_ref().filter(|instance| instance.state.is_alive());
            alive.is_some_and(|instance| instance.foreign_tag(owner, &tracked.pod.uid).is_some())
        };
        self.tracked.values().filter(is_foreign).count() + self.without_pod(owner).len()
    }

    /// Of the latest complete sweep, those that were alive then and have not been ended since.
    pub(in crate::instances) fn listed_alive(&self) -> Option<(Timestamp, Vec<Instance>)> {
        let latest = self.last_sweep()?;
        let listed = self.tracked.values().filter(|tracked| tracked.listed_in == Some(latest));
        let alive = listed
            .filter_map(|tracked| tracked.instance.as_ref())
            .filter(|instance| instance.state.is_alive())
            .cloned();
        Some((latest, alive.collect()))
    }

    /// Takes what the next call may end: at most this many, and of those whose last call was not answered fewer, so that one
    /// that hangs is soon asked for alone.
    pub(in crate::instances) fn next_terminations(&mut self, most: usize) -> Vec<OwnedInstance> {
        let together = |id: &InstanceId| self.tracked.get(id).and_then(|tracked| tracked.together);
        let first = self.terminations.keys().next().and_then(together);
        let alike = self.terminations.keys().filter(|id| together(id) == first);
        let ids: Vec<InstanceId> = alike.take(first.unwrap_or(most)).cloned().collect();
        ids.iter().filter_map(|id| self.terminations.remove(id)).collect()
    }

    /// A call begins that names these.
    pub(in crate::instances) fn begin(&mut self, batch: &[OwnedInstance]) {
        self.under_way.extend(batch.iter().map(|owned| owned.id().clone()));
    }

    /// That call is over, whatever came of it.
    pub(in crate::instances) fn finish(&mut self, batch: &[OwnedInstance]) {
        for owned in batch {
            self.under_way.remove(owned.id());
        }
    }

    /// The pod that an instance was launched for.
    pub(in crate::instances) fn pod_of(&self, id: &InstanceId) -> Option<PodRef> {
        self.tracked.get(id).map(|tracked| tracked.pod.clone())
    }

    /// Takes in what a termination call said of one instance, and returns its pod.
    pub(in crate::instances) fn ended(
        &mut self,
        id: &InstanceId,
        state: InstanceState,
        now: Timestamp,
    ) -> Option<PodUid> {
        let tracked = self.tracked.get_mut(id)?;
        (tracked.refusals, tracked.end_refused) = (0, None);
        (tracked.end_unanswered, tracked.together) = (None, None);
        let instance = tracked.instance.as_mut()?;
        instance.state = state;
        if !state.is_alive() && tracked.ending_since.is_none() {
            tracked.ending_since = Some(now);
        }
        Some(tracked.pod.uid.clone())
    }

    /// A call that named so many did not say what became of this one. Returns its pod, which says so if that lasts.
    pub(in crate::instances) fn unanswered(
        &mut self,
        id: &InstanceId,
        error: CloudError,
        named: usize,
    ) -> Option<PodUid> {
        let tracked = self.tracked.get_mut(id)?;
        // Who is throttled must not ask in more calls.
        if error.kind != Kind::Throttled {
            tracked.together = Some((named / 4).max(1));
        }
        tracked.end_unanswered = Some(error);
        Some(tracked.pod.uid.clone())
    }

    /// The cloud refused to end this one: it is asked again, and later each time.
    /// Returns its pod, which says so.
    pub(in crate::instances) fn refused(&mut self, id: &InstanceId, error: CloudError) -> Option<PodUid> {
        let tracked = self.tracked.get_mut(id)?;
        tracked.refusals = tracked.refusals.saturating_add(1);
        tracked.end_refused = Some(error);
        Some(tracked.pod.uid.clone())
    }
}
