//! Metrics, in the embedder's registry. Labels have closed sets: no pod, no instance, no free text.

use std::collections::BTreeMap;
use std::future::Future;

use orca_core::cloud::LaunchOutcome;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::InstanceId;
use orca_core::instance::InstanceState;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Everything that the loops count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) cloud: CloudMetrics,
    pub(crate) pods: PodMetrics,
    pub(crate) node: NodeMetrics,
    pub(crate) garbage: GarbageMetrics,
}

/// What the cloud is asked and what it answers.
#[derive(Clone, Debug)]
pub(crate) struct CloudMetrics {
    requests: Family<CallLabels, Counter>,
    seconds: Family<Operation, Histogram, fn() -> Histogram>,
    launches: Family<Outcome, Counter>,
    alive: Gauge,
    /// Alive, known by its id, and by its tags no longer ours.
    not_owned: Gauge,
    sweeps: Counter,
}

/// What happens to pods.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodMetrics {
    pub(crate) reconciles: Family<Outcome, Counter>,
    pub(crate) writes: Family<Outcome, Counter>,
    pub(crate) known: Gauge,
    pub(crate) events: Family<Outcome, Counter>,
    panics: Family<TaskLabel, Counter>,
}

/// What is done for a pod in a task of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// A look: observe, decide, apply.
    Look,
    /// Making ready what a launch needs.
    Prepare,
    /// A launch call.
    Send,
}

impl TaskKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Prepare => "prepare",
            Self::Send => "send",
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TaskLabel {
    task: &'static str,
}

impl PodMetrics {
    /// A task panicked, which is a bug.
    pub(crate) fn panicked(&self, kind: TaskKind) {
        self.panics.get_or_create(&TaskLabel { task: kind.as_str() }).inc();
    }
}

/// How the node is kept alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeMetrics {
    pub(crate) renewals: Family<Outcome, Counter>,
    pub(crate) status_writes: Family<Outcome, Counter>,
    pub(crate) leader: Gauge,
}

/// What garbage collection finds and ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct GarbageMetrics {
    pub(crate) rounds: Family<Outcome, Counter>,
    pub(crate) orphaned: Gauge,
    pub(crate) terminated: Counter,
    pub(crate) frozen: Family<Cause, Gauge>,
    pub(crate) leftovers: Gauge,
    pub(crate) removed: Counter,
    pub(crate) foreign: Gauge,
}

/// A label with a cause.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(crate) struct Cause {
    pub(crate) cause: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
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
}

impl Default for CloudMetrics {
    fn default() -> Self {
        // Cloud calls take from a few milliseconds to the half minute of their time-outs.
        let buckets = || Histogram::new([0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            launches: Family::default(),
            alive: Gauge::default(),
            not_owned: Gauge::default(),
            sweeps: Counter::default(),
        }
    }
}

impl Metrics {
    /// Registers everything under the prefix `orca`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let orca = registry.sub_registry_with_prefix("orca");
        orca.register(
            "cloud_api_requests",
            "Calls of the cloud client, by result",
            self.cloud.requests.clone(),
        );
        orca.register(
            "cloud_api_request_duration_seconds",
            "Time of a call of the cloud client",
            self.cloud.seconds.clone(),
        );
        orca.register("instance_launches", "Answers to launch calls", self.cloud.launches.clone());
        orca.register("instances_alive", "Instances of this node that cost money", self.cloud.alive.clone());
        orca.register(
            "instances_not_owned",
            "Instances of pods of this node whose tags no longer say so: they cost money and are not ended",
            self.cloud.not_owned.clone(),
        );
        orca.register("sweeps", "Complete lists of the node's instances", self.cloud.sweeps.clone());
        orca.register("pods", "Pods that this process looks after", self.pods.known.clone());
        orca.register("pod_reconciles", "Looks at a pod, by result", self.pods.reconciles.clone());
        orca.register("pod_status_writes", "Status patches sent, by result", self.pods.writes.clone());
        orca.register("events", "Events, by result", self.pods.events.clone());
        // An alert on a series that is not there never fires.
        for kind in [TaskKind::Look, TaskKind::Prepare, TaskKind::Send] {
            let _exists = self.pods.panics.get_or_create(&TaskLabel { task: kind.as_str() });
        }
        orca.register(
            "task_panics",
            "Panics of tasks, by what they did: each is a bug that cost its pod some time",
            self.pods.panics.clone(),
        );
        orca.register(
            "node_lease_renewals",
            "Renewals of the node lease, by result",
            self.node.renewals.clone(),
        );
        orca.register(
            "node_status_updates",
            "Node status patches, by result",
            self.node.status_writes.clone(),
        );
        self.garbage.register(orca);
        orca.register("leader", "1 while this process is the active one", self.node.leader.clone());
    }
}

impl GarbageMetrics {
    fn register(&self, orca: &mut Registry) {
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
        orca.register("leftovers_removed", "Those that were removed", self.removed.clone());
        orca.register(
            "foreign_instances",
            "Alive instances of this cluster that name another node, no node or no pod",
            self.foreign.clone(),
        );
    }
}

impl CloudMetrics {
    /// Awaits a call of the cloud and counts its result.
    pub(crate) async fn observe<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, CloudError>> + Send,
    ) -> Result<T, CloudError> {
        let began = tokio::time::Instant::now();
        let result = call.await;
        self.seconds.get_or_create(&Operation { operation }).observe(began.elapsed().as_secs_f64());
        let label = result.as_ref().map_or_else(|error| kind(error.kind), |_| "ok");
        self.requests.get_or_create(&CallLabels { operation, result: label }).inc();
        result
    }

    pub(crate) fn launched(&self, outcome: &LaunchOutcome) {
        let result = match outcome {
            LaunchOutcome::Launched(_) => "launched",
            LaunchOutcome::Refused(error) => kind(error.kind),
            LaunchOutcome::Mismatch => "mismatch",
            LaunchOutcome::Ended => "ended",
            LaunchOutcome::NotSent(_) => "not_sent",
            LaunchOutcome::Unknown(_) => "unknown",
        };
        self.launches.get_or_create(&Outcome { result }).inc();
    }

    pub(crate) fn terminated(&self, ended: &BTreeMap<InstanceId, Result<InstanceState, CloudError>>) {
        for result in ended.values() {
            let result = result.as_ref().map_or_else(|error| kind(error.kind), |_| "ok");
            self.requests.get_or_create(&CallLabels { operation: "terminate", result }).inc();
        }
    }

    pub(crate) fn swept(&self, alive: usize, not_owned: usize) {
        self.sweeps.inc();
        self.alive.set(i64::try_from(alive).unwrap_or(i64::MAX));
        self.not_owned.set(i64::try_from(not_owned).unwrap_or(i64::MAX));
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Unknown => "unknown",
        Kind::Throttled => "throttled",
        Kind::NoCapacity => "no_capacity",
        Kind::Quota => "quota",
        Kind::Denied => "denied",
        Kind::Invalid(_) => "invalid",
        Kind::NotFound => "not_found",
    }
}
