//! What complete answers confirm: that a machine is there, and that it passes its checks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock;
use orca_core::ids::{InstanceId, PodUid};
use orca_core::instance::{Health, Instance, InstanceState};

use super::Ledger;
use super::machine::Machine;

impl Ledger {
    /// Takes in what is known of health, and says which pods' machines changed.
    pub(in crate::machines) fn take_health(&mut self, health: BTreeMap<InstanceId, Health>) -> Vec<PodUid> {
        let mut changed = Vec::new();
        for (id, health) in health {
            if let Some(machine) = self.machines.get_mut(&id).filter(|machine| machine.health != Some(health))
            {
                machine.health = Some(health);
                changed.push(machine.pod.uid.clone());
            }
        }
        changed
    }

    /// The pods whose machines have become unconfirmed since this was asked last.
    pub(in crate::machines) fn take_unconfirmed(&mut self, now: Timestamp) -> Vec<PodUid> {
        let patience = self.patience;
        let fresh = self
            .machines
            .values_mut()
            .filter(|machine| machine.unconfirmed_at.is_none() && machine.is_unconfirmed(now, patience));
        let pods = fresh.map(|machine| {
            machine.unconfirmed_at = Some(now);
            machine.pod.uid.clone()
        });
        pods.collect()
    }

    /// Whether anything may be there that costs: all that is tracked and not known to have ended.
    pub(in crate::machines) fn has_any(&self) -> bool {
        let may_cost = |machine: &Machine| {
            machine.instance.as_ref().is_none_or(|instance| instance.state != InstanceState::Terminated)
        };
        self.machines.values().any(may_cost)
    }

    /// When the machines of a pod were confirmed last, if that is too long ago for all of them.
    pub(super) fn unconfirmed_since(&self, known: &[&Machine], now: Timestamp) -> Option<Timestamp> {
        let all = known.iter().all(|machine| machine.is_unconfirmed(now, self.patience));
        known.iter().map(|machine| machine.confirmed_at).max().filter(|_| all)
    }

    /// The ids that are tracked, not known to have ended, and not in this list.
    pub(in crate::machines) fn unlisted(&self, listed: &[Instance]) -> Vec<InstanceId> {
        let shown: BTreeSet<&InstanceId> = listed.iter().map(|instance| &instance.id).collect();
        let has_ended = |machine: &Machine| {
            machine.instance.as_ref().is_some_and(|instance| instance.state == InstanceState::Terminated)
        };
        let tracked = self.machines.iter().filter(|(id, machine)| {
            !shown.contains(id) && !has_ended(machine) && machine.is_of(self.identity.as_ref())
        });
        tracked.map(|(id, _)| id.clone()).collect()
    }

    /// The running ones whose health still matters to somebody.
    pub(in crate::machines) fn unproven(&self, listed: &[Instance]) -> Vec<InstanceId> {
        let is_unproven =
            |id| self.machines.get(id).is_none_or(|machine| machine.health != Some(Health::Passed));
        let running = listed
            .iter()
            .filter(|instance| instance.state == InstanceState::Running && instance.pod.is_some());
        running.filter(|instance| is_unproven(&instance.id)).map(|instance| instance.id.clone()).collect()
    }

    /// Whether it is time to ask who has failed its checks since it passed them, and somebody has. It is asked for by the call.
    pub(in crate::machines) fn asks_for_impaired(&mut self, now: Timestamp, every: Duration) -> bool {
        let is_due = self.impaired_at.is_none_or(|at| !clock::is_recent(at, now, every));
        let matters = self.machines.values().any(|machine| machine.health == Some(Health::Passed));
        if is_due && matters {
            self.impaired_at = Some(now);
        }
        is_due && matters
    }
}
