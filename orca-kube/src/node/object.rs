//! What the Node object should look like, as a pure function of the config.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus, NodeSystemInfo, Taint,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use orca_core::cloud::CloudInfo;
use orca_core::config::{self, Config};
use orca_core::ids::ClusterId;
use orca_core::well_known::{label, node_condition};

/// The pressure conditions and the network condition, each with the reason that the original design gives it.
const HEALTHY: [(&str, &str); 4] = [
    ("MemoryPressure", "OrcaProviderHasSufficientMemory"),
    ("DiskPressure", "OrcaProviderHasNoDiskPressure"),
    ("PIDPressure", "OrcaProviderHasSufficientPID"),
    ("NetworkUnavailable", "OrcaProviderNetworkReady"),
];

/// What the Node object is made from.
pub(crate) struct NodeTemplate {
    pub(crate) config: Arc<Config>,
    pub(crate) cloud: CloudInfo,
    /// The cluster, for the provider id.
    pub(crate) cluster: ClusterId,
    /// The minor version of the API server, such as `37`.
    pub(crate) server_minor: String,
}

impl NodeTemplate {
    /// The whole object, as it is created: not ready yet, because the provider has not answered (A2).
    pub(super) fn build(&self, now: Timestamp) -> Node {
        Node {
            metadata: ObjectMeta {
                name: Some(self.config.node.name.clone()),
                labels: Some(self.labels()),
                ..ObjectMeta::default()
            },
            spec: Some(NodeSpec {
                taints: Some(self.taints()),
                provider_id: Some(self.provider_id()),
                ..NodeSpec::default()
            }),
            status: Some(self.status(false, now)),
        }
    }

    /// A provider id that no cloud takes for one of its instances. Without one, the controllers of some clouds look for an
    /// instance with the node's name, and delete a Node that is not Ready if there is none (A45).
    pub(super) fn provider_id(&self) -> String {
        format!("orca://{}/{}", self.cluster, self.config.node.name)
    }

    /// ORCA's labels and those of the config, which override some of ORCA's, but not those that say what the node is.
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let node = &self.config.node;
        let mut labels = BTreeMap::from([
            (label::TYPE.to_owned(), label::TYPE_VALUE.to_owned()),
            (label::EXCLUDE_FROM_LOAD_BALANCERS.to_owned(), "true".to_owned()),
        ]);
        if let Some(region) = &self.cloud.region {
            labels.insert(label::TOPOLOGY_REGION.to_owned(), region.clone());
            labels.insert(label::REGION.to_owned(), region.clone());
        }
        labels.extend(node.labels.clone());
        labels.extend([
            (label::PROVIDER.to_owned(), self.cloud.provider.clone()),
            (label::VERSION.to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            (label::HOSTNAME.to_owned(), node.name.clone()),
            (label::OS.to_owned(), "linux".to_owned()),
            (label::ARCH.to_owned(), node.architecture.clone()),
        ]);
        labels
    }

    /// The taints of the config, or the default taint when it does not have the key.
    pub(super) fn taints(&self) -> Vec<Taint> {
        let taints = self.config.node.taints();
        let taint = |taint: &config::Taint| Taint {
            key: taint.key.clone(),
            value: Some(taint.value.clone()).filter(|value| !value.is_empty()),
            effect: taint.effect.as_str().to_owned(),
            time_added: None,
        };
        taints.iter().map(taint).collect()
    }

    /// The status that ORCA owns. The provider adds its own condition.
    pub(super) fn status(&self, ready: bool, now: Timestamp) -> NodeStatus {
        let capacity = capacity(&self.config);
        NodeStatus {
            capacity: Some(capacity.clone()),
            allocatable: Some(capacity),
            addresses: Some(addresses(&self.config)),
            conditions: Some(conditions(ready, now)),
            node_info: Some(self.info()),
            ..NodeStatus::default()
        }
    }

    /// Every text field is present (A38). The kubelet version is one that tools can compare with the API server's.
    fn info(&self) -> NodeSystemInfo {
        NodeSystemInfo {
            architecture: self.config.node.architecture.clone(),
            operating_system: "linux".into(),
            kubelet_version: format!("v1.{}.0-orca-{}", self.server_minor, env!("CARGO_PKG_VERSION")),
            container_runtime_version: format!("orca://{}", env!("CARGO_PKG_VERSION")),
            os_image: self.cloud.os_image.clone(),
            ..NodeSystemInfo::default()
        }
    }
}

fn capacity(config: &Config) -> BTreeMap<String, Quantity> {
    config.node.capacity().into_iter().map(|(name, amount)| (name, Quantity(amount))).collect()
}

/// A host name that the control plane cannot resolve would break logs and exec, so an address comes first if there is
/// one (A39).
fn addresses(config: &Config) -> Vec<NodeAddress> {
    let address =
        |type_: &str, address: &str| NodeAddress { type_: type_.to_owned(), address: address.to_owned() };
    let ip = config.node.address.as_deref().map(|ip| address("InternalIP", ip));
    ip.into_iter().chain([address("Hostname", &config.node.name)]).collect()
}

fn conditions(ready: bool, now: Timestamp) -> Vec<NodeCondition> {
    let condition = |type_: &str, is_true: bool, reason: &str, message: &str| NodeCondition {
        type_: type_.to_owned(),
        status: if is_true { "True" } else { "False" }.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_heartbeat_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    };
    let ready = if ready {
        condition("Ready", true, node_condition::PROVIDER_READY, "ORCA runs pods as instances")
    } else {
        condition("Ready", false, node_condition::PROVIDER_NOT_READY, "the cloud has not answered yet")
    };
    let healthy = HEALTHY
        .iter()
        .map(|(type_, reason)| condition(type_, false, reason, "the virtual node has no such limit"));
    std::iter::once(ready).chain(healthy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(node: serde_json::Value) -> NodeTemplate {
        let config = serde_json::from_value(serde_json::json!({ "node": node })).expect("a config");
        let cloud = CloudInfo {
            provider: "aws".into(),
            os_image: "AWS EC2".into(),
            region: Some("us-west-2".into()),
            ..CloudInfo::default()
        };
        NodeTemplate { config: Arc::new(config), cloud, cluster: "c-1".into(), server_minor: "37".into() }
    }

    #[test]
    fn the_node_has_the_labels_taint_and_capacity_of_the_original_design() {
        let node = template(serde_json::json!({ "gpu": "100" })).build(Timestamp::UNIX_EPOCH);
        let labels = node.metadata.labels.expect("labels");
        for (key, value) in [
            ("orca.research/provider", "aws"),
            ("orca.research/region", "us-west-2"),
            ("type", "virtual-kubelet"),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
            ("kubernetes.io/hostname", "orca-aws-node"),
            ("topology.kubernetes.io/region", "us-west-2"),
            ("node.kubernetes.io/exclude-from-external-load-balancers", "true"),
        ] {
            assert_eq!(labels.get(key).map(String::as_str), Some(value), "A43: {key}");
        }
        let spec = node.spec.expect("a spec");
        assert_eq!(spec.provider_id.as_deref(), Some("orca://c-1/orca-aws-node"), "A45");
        let taint = &spec.taints.expect("taints")[0];
        assert_eq!(
            (taint.key.as_str(), taint.value.as_deref(), taint.effect.as_str()),
            ("orca.research/burst-node", Some("true"), "NoSchedule")
        );
        let status = node.status.expect("a status");
        assert_eq!(status.capacity.expect("capacity")["nvidia.com/gpu"].0, "100", "A40");
        assert_eq!(
            status.node_info.expect("info").kubelet_version,
            format!("v1.37.0-orca-{}", env!("CARGO_PKG_VERSION"))
        );
    }

    #[test]
    fn an_empty_list_of_taints_means_none_and_labels_that_say_what_the_node_is_stay() {
        let template = template(
            serde_json::json!({ "taints": [], "labels": { "kubernetes.io/os": "windows", "team": "ml" } }),
        );
        assert!(template.taints().is_empty());
        assert_eq!(template.labels()["kubernetes.io/os"], "linux");
        assert_eq!(template.labels()["team"], "ml");
    }

    #[test]
    fn a_cloud_without_regions_has_a_node_without_region_labels() {
        let mut template = template(serde_json::json!({}));
        template.cloud = CloudInfo { provider: "shelf".into(), ..CloudInfo::default() };
        let labels = template.labels();
        assert_eq!(labels["orca.research/provider"], "shelf");
        assert!(labels.keys().all(|key| !key.ends_with("/region")), "{labels:?}");
    }
}
