//! Metrics, in the registry that the program gives. Labels have closed sets of values: no pod, no instance, no free text.
//! Every series whose labels are known exists from the start.

mod cloud;
mod pods;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

pub(crate) use self::cloud::CloudMetrics;
pub(crate) use self::pods::{PHASES, PodMetrics, TaskKind};
use crate::garbage::CAUSES;

/// Everything that the loops count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) cloud: CloudMetrics,
    pub(crate) pods: PodMetrics,
    pub(crate) node: NodeMetrics,
    pub(crate) garbage: GarbageMetrics,
}

/// Metrics of the node, its leases and the leader.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeMetrics {
    pub(crate) renewals: Family<Outcome, Counter>,
    pub(crate) status_writes: Family<Outcome, Counter>,
    pub(crate) leader: Gauge,
    /// When the node lease was renewed last, in seconds since 1970; 0: not yet.
    pub(crate) renewed_at: Gauge,
}

impl NodeMetrics {
    fn register(&self, orca: &mut Registry) {
        Outcome::begin(&self.renewals, &[]);
        Outcome::begin(&self.status_writes, &[]);
        orca.register("node_lease_renewals", "Renewals of the node lease, by result", self.renewals.clone());
        orca.register(
            "node_lease_renewed_timestamp_seconds",
            "When the node lease was renewed last; its age is time() less this",
            self.renewed_at.clone(),
        );
        orca.register("node_status_updates", "Node status patches, by result", self.status_writes.clone());
        orca.register("leader", "1 while this process is the active one", self.leader.clone());
    }
}

/// Metrics of garbage collection.
#[derive(Clone, Debug, Default)]
pub(crate) struct GarbageMetrics {
    pub(crate) rounds: Family<Outcome, Counter>,
    pub(crate) orphaned: Gauge,
    pub(crate) terminated: Counter,
    pub(crate) frozen: Family<Cause, Gauge>,
    pub(crate) leftovers: Gauge,
    pub(crate) leftovers_not_owned: Gauge,
    pub(crate) removed: Counter,
    pub(crate) foreign: Gauge,
}

/// A label with a cause.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Cause {
    pub(crate) cause: &'static str,
}

/// A label with the result of something.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub(crate) result: &'static str,
}

impl Outcome {
    pub(crate) const fn of(is_ok: bool) -> Self {
        Self { result: if is_ok { "ok" } else { "error" } }
    }

    /// Creates the series of both results and of these labels: an alert on a series that does not exist never fires.
    fn begin(family: &Family<Self, Counter>, more: &[&'static str]) {
        for result in ["ok", "error"].iter().chain(more) {
            let _exists = family.get_or_create(&Self { result });
        }
    }
}

impl Metrics {
    /// Registers everything under the prefix `orca`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let orca = registry.sub_registry_with_prefix("orca");
        self.cloud.register(orca);
        self.pods.register(orca);
        self.node.register(orca);
        self.garbage.register(orca);
    }
}

impl GarbageMetrics {
    fn register(&self, orca: &mut Registry) {
        Outcome::begin(&self.rounds, &[]);
        for cause in CAUSES {
            let _exists = self.frozen.get_or_create(&Cause { cause });
        }
        orca.register(
            "gc_rounds",
            "Rounds of garbage collection; error: it could not be told what to end",
            self.rounds.clone(),
        );
        orca.register("orphaned_instances", "Alive instances that no pod wants", self.orphaned.clone());
        orca.register(
            "orphans_terminated",
            "Instances that garbage collection asked the cloud to end",
            self.terminated.clone(),
        );
        orca.register("gc_frozen", "1 while nothing is ended, by cause", self.frozen.clone());
        orca.register(
            "leftovers",
            "Volumes, interfaces and spot requests without an instance",
            self.leftovers.clone(),
        );
        orca.register(
            "leftovers_not_owned",
            "Volumes, interfaces and spot requests with this node's tags and no pod's: they are not removed",
            self.leftovers_not_owned.clone(),
        );
        orca.register("leftovers_removed", "Those that were removed", self.removed.clone());
        orca.register(
            "foreign_instances",
            "Alive instances of this cluster that name another node or none",
            self.foreign.clone(),
        );
    }
}

/// What a scrape shows of what this registers.
#[cfg(test)]
fn shown(register: impl FnOnce(&mut Registry)) -> String {
    let mut registry = Registry::default();
    register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../docs/operations.md");

    /// What the exposition format calls a metric's samples, without what it adds to a histogram's.
    fn registered() -> BTreeSet<String> {
        let text = shown(|registry| Metrics::default().register(registry));
        let typed = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        typed
            .map(|(name, kind)| if kind == "counter" { format!("{name}_total") } else { name.to_owned() })
            .collect()
    }

    #[test]
    fn the_page_on_operations_lists_every_metric_and_no_other() {
        let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `orca_")?.split('`').next());
        let listed: BTreeSet<String> = rows.map(|name| format!("orca_{name}")).collect();
        let mut registered = registered();
        // The program's own, and the one whose labels nobody knows before the first launch.
        registered.extend(["orca_build_info", "orca_instances_launched_total"].map(str::to_owned));
        assert_eq!(listed, registered);
    }
}
