//! Metrics of pods: their phases, and how long they waited for a launch and for Running.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use orca_core::clock;
use orca_core::pod;
use orca_core::well_known::reason;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Outcome;

/// The phases that a pod can have; a pod without one is Pending.
pub(crate) const PHASES: [&str; 5] = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
/// A launch follows within a second, or after hours when there is no capacity.
const BUCKETS: [f64; 13] =
    [0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 14_400.0];

/// Metrics of pods.
#[derive(Clone, Debug)]
pub(crate) struct PodMetrics {
    pub(crate) reconciles: Family<Outcome, Counter>,
    pub(crate) writes: Family<Outcome, Counter>,
    phases: Family<PhaseLabel, Gauge>,
    /// From the binding of a pod to the announcement of its first launch.
    launched_after: Histogram,
    /// From the binding of a pod to Running.
    running_after: Histogram,
    spot_interruptions: Counter,
    pub(crate) events: Family<Outcome, Counter>,
    panics: Family<TaskLabel, Counter>,
}

/// The kinds of tasks that run for a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// A look: observe, decide, apply.
    Look,
    /// Getting an offer and a permit for a launch.
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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PhaseLabel {
    phase: &'static str,
}

impl Default for PodMetrics {
    fn default() -> Self {
        Self {
            reconciles: Family::default(),
            writes: Family::default(),
            phases: Family::default(),
            launched_after: Histogram::new(BUCKETS),
            running_after: Histogram::new(BUCKETS),
            spot_interruptions: Counter::default(),
            events: Family::default(),
            panics: Family::default(),
        }
    }
}

impl PodMetrics {
    pub(super) fn register(&self, orca: &mut Registry) {
        self.count([0; PHASES.len()]);
        Outcome::begin(&self.reconciles, &[]);
        Outcome::begin(&self.writes, &[]);
        Outcome::begin(&self.events, &["dropped"]);
        for kind in [TaskKind::Look, TaskKind::Prepare, TaskKind::Send] {
            let _exists = self.panics.get_or_create(&TaskLabel { task: kind.as_str() });
        }
        orca.register("pods", "Pods that this process looks after, by phase", self.phases.clone());
        orca.register("pod_reconciles", "Looks at a pod, by result", self.reconciles.clone());
        orca.register("pod_status_writes", "Status patches sent, by result", self.writes.clone());
        orca.register(
            "pod_bound_to_launch_seconds",
            "From the binding of a pod to its first launch",
            self.launched_after.clone(),
        );
        orca.register(
            "pod_bound_to_running_seconds",
            "From the binding of a pod to phase Running",
            self.running_after.clone(),
        );
        orca.register(
            "spot_interruptions",
            "Pods whose instance the spot market took back",
            self.spot_interruptions.clone(),
        );
        orca.register("events", "Events, by result", self.events.clone());
        orca.register(
            "task_panics",
            "Panics of tasks, by what they did: each is a bug that cost its pod some time",
            self.panics.clone(),
        );
    }

    /// Sets how many pods are in each phase.
    pub(crate) fn count(&self, in_phases: [usize; PHASES.len()]) {
        for (phase, count) in PHASES.into_iter().zip(in_phases) {
            let label = PhaseLabel { phase };
            self.phases.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Counts what changed when a status was written.
    pub(crate) fn wrote(&self, before: &Pod, after: &Pod, now: Timestamp) {
        let waited = bound_at(after).map(|bound| clock::age(bound, now).as_secs_f64().max(0.0));
        let is_announced = |pod: &Pod| pod::launch_record(pod).is_some();
        if let Some(waited) = waited.filter(|_| is_announced(after) && !is_announced(before)) {
            self.launched_after.observe(waited);
        }
        let is_running =
            |pod: &Pod| pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Running"));
        if let Some(waited) = waited.filter(|_| is_running(after) && !is_running(before)) {
            self.running_after.observe(waited);
        }
        let is_interrupted = |pod: &Pod| {
            let reason = pod.status.as_ref().and_then(|status| status.reason.as_deref());
            reason == Some(reason::SPOT_INTERRUPTED)
        };
        if is_interrupted(after) && !is_interrupted(before) {
            self.spot_interruptions.inc();
        }
    }

    /// A task panicked, which is a bug.
    pub(crate) fn panicked(&self, kind: TaskKind) {
        self.panics.get_or_create(&TaskLabel { task: kind.as_str() }).inc();
    }
}

/// When the scheduler bound the pod, by the API server's clock. For a pod whose author named the node, when it was created.
fn bound_at(pod: &Pod) -> Option<Timestamp> {
    let conditions = pod.status.as_ref()?.conditions.as_ref();
    let bound =
        conditions.into_iter().flatten().find(|one| one.type_ == "PodScheduled" && one.status == "True");
    let bound = bound.and_then(|condition| condition.last_transition_time.as_ref());
    bound.or(pod.metadata.creation_timestamp.as_ref()).map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use super::super::shown;
    use super::*;

    fn pod(status: serde_json::Value) -> Pod {
        let value = serde_json::json!({ "metadata": { "creationTimestamp": "1970-01-01T00:00:05Z" }, "status": status });
        serde_json::from_value(value).expect("a pod")
    }

    #[test]
    fn what_a_write_changes_is_counted_once() {
        let metrics = PodMetrics::default();
        let at = |second| Timestamp::from_second(second).expect("in range");
        let scheduled = serde_json::json!([{ "type": "PodScheduled", "status": "True", "lastTransitionTime": "1970-01-01T00:00:10Z" }]);
        let pending = pod(serde_json::json!({ "phase": "Pending", "conditions": scheduled }));
        let running = pod(serde_json::json!({ "phase": "Running", "conditions": scheduled }));
        metrics.wrote(&pending, &running, at(40));
        metrics.wrote(&running, &running, at(50));
        let interrupted = pod(serde_json::json!({ "phase": "Failed", "reason": "SpotInterrupted" }));
        metrics.wrote(&running, &interrupted, at(60));
        metrics.wrote(&interrupted, &interrupted, at(61));
        let text = shown(|registry| metrics.register(registry));
        assert!(text.contains("pod_bound_to_running_seconds_sum 30.0"), "{text}");
        assert!(text.contains("pod_bound_to_running_seconds_count 1"), "{text}");
        assert!(text.contains("spot_interruptions_total 1"), "{text}");
        assert!(text.contains("pods{phase=\"Running\"} 0"), "it exists from the start: {text}");
        assert!(text.contains("events_total{result=\"dropped\"} 0"), "{text}");
    }

    #[test]
    fn a_pod_without_a_scheduler_waits_from_its_creation() {
        assert_eq!(bound_at(&pod(serde_json::json!({}))), Timestamp::from_second(5).ok());
    }
}
