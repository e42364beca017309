//! Metrics of the calls to the cloud, and of launches and terminations.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use orca_core::cloud::LaunchOutcome;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::InstanceId;
use orca_core::instance::{Instance, InstanceState};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Outcome;

/// The calls that are counted.
const OPERATIONS: [&str; 7] =
    ["identity", "offers", "list_owned", "describe", "health", "impaired", "terminate"];
/// The outcomes of a launch apart from the kinds of a refusal.
const LAUNCHES: [&str; 4] = ["launched", "mismatch", "ended", "not_sent"];
const KINDS: [&str; 7] = ["unknown", "throttled", "no_capacity", "quota", "denied", "invalid", "not_found"];
/// Pods name instance types, so their number is not known. Beyond this many, all others share one label.
const MOST_TYPES: usize = 100;

/// What the cloud is asked and what it answers.
#[derive(Clone, Debug)]
pub(crate) struct CloudMetrics {
    requests: Family<CallLabels, Counter>,
    seconds: Family<Operation, Histogram, fn() -> Histogram>,
    launches: Family<Outcome, Counter>,
    launched: Family<LaunchLabels, Counter>,
    types: Arc<Mutex<BTreeSet<String>>>,
    alive: Gauge,
    /// Live instances that are known by id, and whose tags no longer name this owner.
    not_owned: Gauge,
    sweeps: Counter,
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

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LaunchLabels {
    instance_type: String,
    capacity_type: &'static str,
    zone: String,
}

impl Default for CloudMetrics {
    fn default() -> Self {
        // Cloud calls take from a few milliseconds to the half minute of their time-outs.
        let buckets = || Histogram::new([0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
        Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            launches: Family::default(),
            launched: Family::default(),
            types: Arc::default(),
            alive: Gauge::default(),
            not_owned: Gauge::default(),
            sweeps: Counter::default(),
        }
    }
}

impl CloudMetrics {
    pub(super) fn register(&self, orca: &mut Registry) {
        for operation in OPERATIONS {
            for result in ["ok"].iter().chain(&KINDS) {
                let _exists = self.requests.get_or_create(&CallLabels { operation, result });
            }
            // Of terminations each instance counts, and a call has many.
            if operation != "terminate" {
                let _exists = self.seconds.get_or_create(&Operation { operation });
            }
        }
        for result in LAUNCHES.iter().chain(&KINDS) {
            let _exists = self.launches.get_or_create(&Outcome { result });
        }
        orca.register("cloud_api_requests", "Calls of the cloud client, by result", self.requests.clone());
        orca.register(
            "cloud_api_request_duration_seconds",
            "Time of a call of the cloud client",
            self.seconds.clone(),
        );
        orca.register("instance_launches", "Answers to launch calls", self.launches.clone());
        orca.register(
            "instances_launched",
            "Instances that were launched, by type, capacity type and zone",
            self.launched.clone(),
        );
        orca.register("instances_alive", "Instances of this node that cost money", self.alive.clone());
        orca.register(
            "instances_not_owned",
            "Alive instances whose tags do not name this node and a pod of it, and should: they are not ended",
            self.not_owned.clone(),
        );
        orca.register("sweeps", "Complete lists of the node's instances", self.sweeps.clone());
    }

    fn labels(&self, instance: &Instance) -> LaunchLabels {
        let mut types = self.types.lock().unwrap_or_else(PoisonError::into_inner);
        let mut instance_type = instance.instance_type.to_string();
        if !types.contains(&instance_type) && types.len() >= MOST_TYPES {
            "other".clone_into(&mut instance_type);
        } else {
            types.insert(instance_type.clone());
        }
        LaunchLabels {
            instance_type,
            capacity_type: instance.capacity_type.as_str(),
            zone: instance.zone.as_deref().unwrap_or_default().to_owned(),
        }
    }

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
        if let LaunchOutcome::Launched(instance) = outcome {
            self.launched.get_or_create(&self.labels(instance)).inc();
        }
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

#[cfg(test)]
mod tests {
    use orca_core::instance::CapacityType;

    use super::super::shown;
    use super::*;

    fn launched(instance_type: &str) -> LaunchOutcome {
        let instance = Instance {
            id: "i-1".into(),
            reference: "".into(),
            state: InstanceState::Pending,
            cloud: None,
            state_reason: None,
            owner: None,
            pod: None,
            instance_type: instance_type.into(),
            capacity_type: CapacityType::Spot,
            zone: Some("us-west-2a".into()),
            private_ip: None,
            other_ip: None,
            public_ip: None,
            launched_at: None,
        };
        LaunchOutcome::Launched(Box::new(instance))
    }

    #[test]
    fn every_series_of_calls_and_launches_exists_before_the_first() {
        let text = shown(|registry| CloudMetrics::default().register(registry));
        assert!(
            text.contains("cloud_api_requests_total{operation=\"terminate\",result=\"denied\"} 0"),
            "{text}"
        );
        assert!(text.contains("instance_launches_total{result=\"no_capacity\"} 0"), "{text}");
    }

    #[test]
    fn launches_are_counted_by_type_market_and_zone_and_their_number_is_bounded() {
        let metrics = CloudMetrics::default();
        for number in 0..(2 * MOST_TYPES) {
            metrics.launched(&launched(&format!("t{number}.micro")));
        }
        metrics.launched(&launched("t0.micro"));
        let text = shown(|registry| metrics.register(registry));
        let of = |name: &str| {
            format!(
                "instances_launched_total{{instance_type=\"{name}\",capacity_type=\"spot\",zone=\"us-west-2a\"}}"
            )
        };
        assert!(text.contains(&format!("{} 2", of("t0.micro"))), "{text}");
        assert!(text.contains(&format!("{} {MOST_TYPES}", of("other"))), "{text}");
    }
}
