//! The config: every key, its default, and what makes a value wrong.
//!
//! [`Config`] has ORCA's own sections. The section of the cloud belongs to its back end ([`BackendSection`]); a whole file is
//! a [`Document`]. `docs/configuration.md` is the reference for users.
//!
//! Keys are camelCase, and an unknown key is an error. Files of the original design and of its predecessor load unchanged.
//! [`validate`] refuses a key that has no effect yet if money or safety depends on it, and warns about any other.
//!
//! ```
//! use orca_core::cloud::CloudInfo;
//! use orca_core::config::{Config, validate};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config: Config = serde_saphyr::from_str("node: { name: burst, cpu: 500 }")?;
//! assert_eq!(config.controller.concurrency, 64, "the default");
//! assert!(validate(&config, &CloudInfo::default()).is_ok());
//!
//! config.node.cpu = "many".into();
//! let errors = validate(&config, &CloudInfo::default()).expect_err("not a quantity");
//! assert!(errors[0].to_string().starts_with("node.cpu has the value \"many\": not a Kubernetes quantity"));
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::well_known::taint;

mod document;
mod findings;
mod gc;
mod pods;
mod service;
mod validate;

pub use document::{BackendSection, Document};
pub use findings::{ConfigError, Findings, Warning};
pub use gc::Gc;
pub use pods::{DaemonSets, Pods};
pub use service::{Development, LogFormat, LogLevel, Logging, Metrics, Prometheus};
pub use validate::validate;

/// ORCA's own sections of the config. A file has the section of the back end besides: that is a [`Document`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// The identity of the cluster.
    pub cluster: Cluster,
    /// The virtual node.
    pub node: Node,
    /// How pods choose instances.
    pub instances: Instances,
    /// How pods of special kinds are treated.
    pub pods: Pods,
    /// Limits on instances and money.
    pub limits: Limits,
    /// Concurrency, intervals and rates.
    pub controller: Controller,
    /// Garbage collection of instances without a pod.
    pub gc: Gc,
    /// Log lines.
    pub logging: Logging,
    /// The port for health and metrics.
    pub metrics: Metrics,
    /// Switches for development.
    pub development: Development,
}

/// `cluster`: the identity of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cluster {
    /// The identity in tags and launch tokens. None: the UID of namespace `kube-system`. Instances keep the identity that they
    /// were launched with: when it changes while there are any, the node stops working and says so.
    pub id: Option<String>,
}

/// `node`: the virtual node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Node {
    /// The name of the Node, of its lease and of the leader lease: at most 63 characters. Default: `orca-aws-node`.
    pub name: String,
    /// Labels in addition to those that ORCA sets.
    pub labels: BTreeMap<String, String>,
    /// Taints. None: `orca.research/burst-node=true:NoSchedule`. An empty list: no taint.
    pub taints: Option<Vec<Taint>>,
    /// `linux`, upper or lower case. Nothing else is supported.
    pub operating_system: String,
    /// `amd64` (default) or `arm64`.
    pub architecture: String,
    /// Capacity for the requests of all pods together, in cores. Default: `1000`.
    pub cpu: String,
    /// The same for memory, in bytes. Default: `4Ti`.
    pub memory: String,
    /// The greatest number of pods. Default: `1000`.
    pub pods: String,
    /// Capacity of `nvidia.com/gpu`. None: the node offers none.
    pub gpu: Option<String>,
    /// Capacity of other extended resources by name, such as `vpc.amazonaws.com/efa`: whole numbers.
    pub extended_resources: BTreeMap<String, String>,
    /// Capacity of ephemeral storage, in bytes. Default: `100Ti`.
    pub ephemeral_storage: String,
    /// An IP address: the `InternalIP` of the Node object. Pods show the address of their own instance as their host's.
    pub address: Option<String>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: "orca-aws-node".into(),
            labels: BTreeMap::new(),
            taints: None,
            operating_system: "linux".into(),
            architecture: "amd64".into(),
            cpu: "1000".into(),
            memory: "4Ti".into(),
            pods: "1000".into(),
            gpu: None,
            extended_resources: BTreeMap::new(),
            ephemeral_storage: "100Ti".into(),
            address: None,
        }
    }
}

impl Node {
    /// The capacity of the node, by resource name.
    #[must_use]
    pub fn capacity(&self) -> BTreeMap<String, String> {
        let own = [
            ("cpu", Some(&self.cpu)),
            ("memory", Some(&self.memory)),
            ("pods", Some(&self.pods)),
            ("ephemeral-storage", Some(&self.ephemeral_storage)),
            ("nvidia.com/gpu", self.gpu.as_ref()),
        ];
        let own = own.into_iter().filter_map(|(name, amount)| Some((name.to_owned(), amount?.clone())));
        self.extended_resources.clone().into_iter().chain(own).collect()
    }

    /// The configured taints, or the default taint when the config does not have the key.
    #[must_use]
    pub fn taints(&self) -> Cow<'_, [Taint]> {
        self.taints.as_deref().map_or_else(
            || {
                let (key, value) = (taint::BURST_NODE.to_owned(), "true".to_owned());
                Cow::Owned(vec![Taint { key, value, effect: TaintEffect::NoSchedule }])
            },
            Cow::Borrowed,
        )
    }
}

/// One taint of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value.
    #[serde(default)]
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: TaintEffect,
}

/// What a taint does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaintEffect {
    /// Pods without a toleration are not scheduled here.
    NoSchedule,
    /// Pods without a toleration are scheduled here only if no other node fits.
    PreferNoSchedule,
    /// As `NoSchedule`, and running pods without a toleration are evicted.
    NoExecute,
}

impl TaintEffect {
    /// The effect as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// `instances.selectionMode`: what may name the instance type of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The pod's annotation `orca.research/instance-type`.
    #[default]
    Explicit,
    /// That annotation, else the workload template that the pod names.
    Template,
}

/// `instances`: how pods choose instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Instances {
    /// What may name the instance type. Default: `explicit`.
    pub selection_mode: Mode,
    /// Workload templates by name.
    pub templates: BTreeMap<String, WorkloadTemplate>,
    /// How to buy instances for pods and templates that do not say. Default: on-demand.
    pub default_launch_type: CapacityType,
    /// Types that may be launched: exact names, or prefixes that end in `*`, such as `p5.*`. Empty: all.
    pub allowed_instance_types: Vec<String>,
    /// The highest spot price by instance type, for pods and templates that name none.
    pub max_spot_prices: BTreeMap<String, UsdPerHour>,
    /// Whether to refuse a pod whose instance type has less than the pod asks for. Default: true.
    pub check_fit: bool,
}

impl Default for Instances {
    fn default() -> Self {
        Self {
            selection_mode: Mode::default(),
            templates: BTreeMap::new(),
            default_launch_type: CapacityType::default(),
            allowed_instance_types: Vec::new(),
            max_spot_prices: BTreeMap::new(),
            check_fit: true,
        }
    }
}

/// `instances.templates.<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadTemplate {
    /// The instance type.
    pub instance_type: String,
    /// How to buy it. None: `instances.defaultLaunchType`.
    #[serde(default)]
    pub launch_type: Option<CapacityType>,
    /// The highest spot price. None: that of `instances.maxSpotPrices`.
    #[serde(default)]
    pub max_spot_price: Option<UsdPerHour>,
}

/// `limits`: none of these is enforced yet, so [`validate`] refuses any value but the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// The most instances at a time; 0 = unlimited.
    pub max_concurrent_instances: u32,
    /// The most instances at a time in a namespace; 0 = unlimited.
    pub max_instances_per_namespace: u32,
    /// USD a day; 0 = unlimited.
    pub daily_budget: f64,
    /// USD a month; 0 = unlimited.
    pub monthly_budget: f64,
    /// How long an instance may live, such as `24h`; empty or 0 = unlimited.
    pub max_instance_lifetime: Option<String>,
    /// Quotas by namespace.
    pub namespace_quotas: BTreeMap<String, NamespaceQuota>,
}

/// `limits.namespaceQuotas.<namespace>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NamespaceQuota {
    /// The most instances at a time.
    pub max_instances: u32,
    /// The most GPUs at a time.
    #[serde(rename = "maxGPUs")]
    pub max_gpus: u32,
    /// USD a day.
    pub daily_budget: f64,
    /// USD a month.
    pub monthly_budget: f64,
}

/// `controller`: concurrency, intervals and rates. The defaults suit a cluster; tests use shorter times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Controller {
    /// How many pods are worked on at the same time: 1 to 4096. Default: 64.
    pub concurrency: u32,
    /// Seconds between sweeps (complete lists of the node's instances) while nothing changes: 0.05 to 30. Default: 10.
    pub sweep_seconds: f64,
    /// Seconds between sweeps while an instance boots or ends: 0.05 to 30. Default: 2.
    pub fast_sweep_seconds: f64,
    /// Seconds that leadership lasts without renewal: 2 to 600. Default: 15.
    pub leader_lease_seconds: u32,
    /// Seconds for which no pod asks again for an offer that was refused for lack of capacity: 1 to 3600. Default: 180.
    pub capacity_memory_seconds: f64,
    /// How fast launch calls may go out.
    pub launch_rate: LaunchRate,
}

impl Default for Controller {
    fn default() -> Self {
        Self {
            concurrency: 64,
            sweep_seconds: 10.0,
            fast_sweep_seconds: 2.0,
            leader_lease_seconds: 15,
            capacity_memory_seconds: 180.0,
            launch_rate: LaunchRate::default(),
        }
    }
}

impl Controller {
    /// [`capacity_memory_seconds`](Self::capacity_memory_seconds) as a duration; zero if it is negative or not a number.
    #[must_use]
    pub fn capacity_memory(&self) -> Duration {
        Duration::try_from_secs_f64(self.capacity_memory_seconds).unwrap_or_default()
    }
}

/// `controller.launchRate`: a token bucket for launch calls, no larger than the cloud's own, so that the cloud does not
/// throttle them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LaunchRate {
    /// Calls that may go out at once: at least 1. Default: 5.
    pub burst: u32,
    /// Calls per second after that: 0.01 to 10 000. Default: 2.
    pub per_second: f64,
}

impl Default for LaunchRate {
    /// AWS's default for `RunInstances` (EC2 developer guide, "Request throttling").
    fn default() -> Self {
        Self { burst: 5, per_second: 2.0 }
    }
}

#[cfg(test)]
mod tests;
