//! What the scheduler knows of a node: what it offers, and what is taken of it.

use std::collections::BTreeMap;

use super::super::super::object::Object;
use super::demand::{Amounts, Demand, amounts};
use super::taint::Taint;

/// What a node says of itself, as far as placing depends on it. A heartbeat changes none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Taint>,
    pub(super) is_unschedulable: bool,
    pub(super) allocatable: Amounts,
}

impl Facts {
    pub(super) fn of(node: &Object) -> Self {
        let labels = node.labels().into_iter();
        let status = &node.value()["status"];
        let offered = &status["allocatable"];
        Self {
            name: node.name().to_owned(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            taints: node.items("/spec/taints").iter().map(Taint::of).collect(),
            is_unschedulable: node.value()["spec"]["unschedulable"] == true,
            // The API server fills allocatable in from capacity.
            allocatable: amounts(if offered.is_null() { &status["capacity"] } else { offered }),
        }
    }

    pub(super) fn offer(&self, resource: &str) -> i128 {
        self.allocatable.get(resource).copied().unwrap_or(0)
    }
}

/// What the pods of a node take.
#[derive(Debug, Default)]
pub(super) struct Usage {
    taken: Amounts,
    pods: i128,
}

impl Usage {
    pub(super) fn allocate(&mut self, demand: &Demand) {
        self.pods += 1;
        for (name, amount) in &demand.amounts {
            *self.taken.entry(name.clone()).or_default() += amount;
        }
    }

    pub(super) fn release(&mut self, demand: &Demand) {
        self.pods -= 1;
        for (name, amount) in &demand.amounts {
            if let Some(taken) = self.taken.get_mut(name) {
                *taken -= amount;
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pods == 0
    }

    pub(super) fn pods(&self) -> i128 {
        self.pods
    }

    pub(super) fn taken(&self, resource: &str) -> i128 {
        self.taken.get(resource).copied().unwrap_or(0)
    }

    /// How full processors and memory would be with this pod, as the sum of two shares in millionths.
    pub(super) fn load_with(&self, demand: &Demand, facts: &Facts) -> u64 {
        ["cpu", "memory"]
            .iter()
            .map(|resource| {
                let wanted = demand.amounts.get(*resource).copied().unwrap_or(0);
                let share = (self.taken(resource) + wanted) * 1_000_000 / facts.offer(resource).max(1);
                u64::try_from(share.clamp(0, 1_000_000)).unwrap_or(1_000_000)
            })
            .sum()
    }
}
