//! What complete answers confirm: that an instance is there, and that it passes its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock;
use orca_core::ids::{InstanceId, PodUid};
use orca_core::instance::{Health, Instance, InstanceState};

use super::Ledger;
use super::tracked::TrackedInstance;

impl Ledger {
    /// Takes in what is known of health, and says which pods' instances changed.
    pub(in crate::instances) fn apply_health(&mut self, health: BTreeMap<InstanceId, Health>) -> Vec<PodUid> {
        let mut changed = Vec::new();
        for (id, health) in health {
            if let Some(tracked) = self.tracked.get_mut(&id).filter(|tracked| tracked.health != Some(health))
            {
                tracked.health = Some(health);
                changed.push(tracked.pod.uid.clone());
            }
        }
        changed
    }

    /// The pods whose instances have become unconfirmed since this was asked last.
    pub(in crate::instances) fn apply_unconfirmed(&mut self, now: Timestamp) -> Vec<PodUid> {
        let patience = self.patience;
        let fresh = self
            .tracked
            .values_mut()
            .filter(|tracked| tracked.unconfirmed_at.is_none() && tracked.is_unconfirmed(now, patience));
        let pods = fresh.map(|tracked| {
            tracked.unconfirmed_at = Some(now);
            tracked.pod.uid.clone()
        });
        pods.collect()
    }

    /// Whether anything may be there that costs: all that is tracked and not known to have ended.
    pub(in crate::instances) fn has_any(&self) -> bool {
        let may_cost = |tracked: &TrackedInstance| {
            tracked.instance.as_ref().is_none_or(|instance| instance.state != InstanceState::Terminated)
        };
        self.tracked.values().any(may_cost)
    }

    /// When the instances of a pod were confirmed last, if that is too long ago for all of them.
    pub(super) fn unconfirmed_since(&self, known: &[&TrackedInstance], now: Timestamp) -> Option<Timestamp> {
        let all = known.iter().all(|tracked| tracked.is_unconfirmed(now, self.patience));
        known.iter().map(|tracked| tracked.confirmed_at).max().filter(|_| all)
    }

    /// The ids that are tracked, not known to have ended, and not in this list.
    pub(in crate::instances) fn unlisted(&self, listed: &[Instance]) -> Vec<InstanceId> {
        let shown: BTreeSet<&InstanceId> = listed.iter().map(|instance| &instance.id).collect();
        let has_ended = |tracked: &TrackedInstance| {
            tracked.instance.as_ref().is_some_and(|instance| instance.state == InstanceState::Terminated)
        };
        let tracked = self.tracked.iter().filter(|(id, tracked)| {
            !shown.contains(id) && !has_ended(tracked) && tracked.is_of(self.identity.as_ref())
        });
        tracked.map(|(id, _)| id.clone()).collect()
    }

    /// The running ones whose health still matters to somebody.
    pub(in crate::instances) fn unproven(&self, listed: &[Instance]) -> Vec<InstanceId> {
        let is_unproven =
            |id| self.tracked.get(id).is_none_or(|tracked| tracked.health != Some(Health::Passed));
        let running = listed
            .iter()
            .filter(|instance| instance.state == InstanceState::Running && instance.pod.is_some());
        running.filter(|instance| is_unproven(&instance.id)).map(|instance| instance.id.clone()).collect()
    }

    /// Whether it is time to ask who has failed its checks since it passed them, and somebody has. It is asked for by the call.
    pub(in crate::instances) fn asks_for_impaired(&mut self, now: Timestamp, every: Duration) -> bool {
        let is_due = self.impaired_at.is_none_or(|at| !clock::is_recent(at, now, every));
        let matters = self.tracked.values().any(|tracked| tracked.health == Some(Health::Passed));
        if is_due && matters {
            self.impaired_at = Some(now);
        }
        is_due && matters
    }
}
