//! The config schema: every key, its default, and what makes a value wrong.
//!
//! Keys are camelCase and strict. The shape is that of the original design's `config.yaml` and of its
//! predecessor's, so that both load unchanged. A key that is not acted on yet is refused when money or safety rest
//! on it, and warned about otherwise: see [`validate`]. The section of the cloud belongs to its back end, and stands beside
//! the others in a [`Document`].

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

/// The config of everything but the back end. A file with the back end's section beside it is a [`Document`].
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
    /// How fast the loops turn.
    pub controller: Controller,
    /// What becomes of instances that no pod wants.
    pub gc: Gc,
    /// Log lines.
    pub logging: Logging,
    /// The port for health and metrics.
    pub metrics: Metrics,
    /// Switches for development.
    pub development: Development,
}

/// `cluster`: who this cluster is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cluster {
    /// The identity in tags. None: the UID of namespace `kube-system`.
    pub id: Option<String>,
}

/// `node`: the virtual node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Labels, beside those that ORCA sets.
    pub labels: BTreeMap<String, String>,
    /// Taints. None: the burst-node taint alone.
    pub taints: Option<Vec<Taint>>,
    /// `linux`, in any case.
    pub operating_system: String,
    /// `amd64` or `arm64`.
    pub architecture: String,
    /// Upper bound on all pods' CPU, a quantity in cores.
    pub cpu: String,
    /// Upper bound on all pods' memory, a quantity in bytes.
    pub memory: String,
    /// Upper bound on pods.
    pub pods: String,
    /// Upper bound on `nvidia.com/gpu`. None: the node offers none.
    pub gpu: Option<String>,
    /// Upper bounds on other extended resources by name, such as those of network or inference devices: whole numbers.
    pub extended_resources: BTreeMap<String, String>,
    /// Upper bound on ephemeral storage, a quantity in bytes.
    pub ephemeral_storage: String,
    /// An address of the Node object, such as that of the process that serves its kubelet API. Pods report the address of
    /// their own instance as their host's.
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
    /// What the node offers in all, by resource.
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

    /// The configured taints, or the burst-node taint when the config names none at all. An empty list means none.
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
    /// New pods are kept away.
    NoSchedule,
    /// New pods are kept away if there is another place.
    PreferNoSchedule,
    /// Running pods are evicted as well.
    NoExecute,
}

impl TaintEffect {
    /// As it is written in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// How the chain is chosen, as in `instances.selectionMode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The annotation alone.
    #[default]
    Explicit,
    /// The annotation, then the template.
    Template,
}

/// `instances`: how pods choose instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Instances {
    /// `explicit` or `template`.
    pub selection_mode: Mode,
    /// Workload templates by name.
    pub templates: BTreeMap<String, WorkloadTemplate>,
    /// For pods that do not say.
    pub default_launch_type: CapacityType,
    /// Types that may be launched, exact or with a final `*`. Empty: all.
    pub allowed_instance_types: Vec<String>,
    /// The highest spot price by type, for pods that name none.
    pub max_spot_prices: BTreeMap<String, UsdPerHour>,
    /// Whether a pod is refused whose instance type has less than it asks for.
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
    /// How to buy it.
    #[serde(default)]
    pub launch_type: Option<CapacityType>,
    /// The highest spot price.
    #[serde(default)]
    pub max_spot_price: Option<UsdPerHour>,
}

/// `limits`: none of these is enforced yet, so any but the defaults is refused.
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
    /// The longest life of an instance, such as `24h`; empty or 0 = unlimited.
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

/// `controller`: how fast the loops turn. The defaults suit a cluster; tests make them shorter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Controller {
    /// Pods worked on at the same time.
    pub concurrency: u32,
    /// Seconds between sweeps when nothing changes.
    pub sweep_seconds: f64,
    /// Seconds between sweeps while an instance boots or ends.
    pub fast_sweep_seconds: f64,
    /// Seconds that leadership lasts without renewal.
    pub leader_lease_seconds: u32,
    /// Seconds for which a type that was refused for want of capacity is not asked for again.
    pub capacity_memory_seconds: f64,
    /// The launch calls that may go out at once, and per second from then on.
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
    /// For how long an offer that was refused for want of capacity is not asked for again.
    #[must_use]
    pub fn capacity_memory(&self) -> Duration {
        Duration::try_from_secs_f64(self.capacity_memory_seconds).unwrap_or_default()
    }
}

/// `controller.launchRate`: a token bucket below AWS's own, so that AWS never throttles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LaunchRate {
    /// Calls that may go out at once.
    pub burst: u32,
    /// Calls per second from then on.
    pub per_second: f64,
}

impl Default for LaunchRate {
    /// AWS's default bucket for RunInstances requests (EC2 developer guide, "Request throttling").
    fn default() -> Self {
        Self { burst: 5, per_second: 2.0 }
    }
}

#[cfg(test)]
mod tests;
