//! Whether a pod has room on the node: what it requests and what other pods have, against what the live node offers.
//!
//! An extended resource that the node does not have at all is ignored, as in the kubelet: a scheduler extender or a driver
//! may manage it. A device is not ignored: the instance would have to bring it.

use super::{Rejection, RejectionKind};
use crate::quantity::Quantity;
use crate::resources::Resources;

/// Devices that an instance has to bring, whatever the cloud: names, or a beginning with a final `*`.
const DEVICES: [&str; 5] = ["nvidia.com/*", "amd.com/*", "gpu.intel.com/*", "habana.ai/*", "google.com/tpu"];

/// What the node offers, and how much of it other pods have.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    /// The live node's allocatable.
    pub offered: &'a Resources,
    /// What the other pods have.
    pub used: &'a Resources,
    /// Devices that only this cloud's instances bring: names, or a beginning with a final `*`.
    pub devices: &'a [String],
}

/// A resource of which too little is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Its name, such as `cpu`.
    pub resource: String,
    /// How much the pod asks for.
    pub requested: Quantity,
    /// How much the other pods have.
    pub used: Quantity,
    /// How much the node offers. None: it does not have this resource at all.
    pub offered: Option<Quantity>,
}

impl Room<'_> {
    /// The first resource of which too little is left for these requests (B27).
    #[must_use]
    pub fn shortage(&self, requested: &Resources) -> Option<Shortage> {
        requested.iter().filter(|(_, requested)| !requested.is_zero()).find_map(|(name, requested)| {
            let offered = self.offered.get(name).copied();
            if offered.is_none() && is_extended(name) && !self.is_device(name) {
                return None;
            }
            let used = self.used.get(name).copied().unwrap_or_default();
            let is_short = used + *requested > offered.unwrap_or_default();
            is_short.then(|| Shortage { resource: name.clone(), requested: *requested, used, offered })
        })
    }

    fn is_device(&self, name: &str) -> bool {
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        };
        DEVICES.into_iter().chain(self.devices.iter().map(String::as_str)).any(matches)
    }
}

impl Shortage {
    /// The rejection with the kubelet's reason (`OutOf…`) and text, and what to do about a device that the node lacks.
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        let Self { resource, requested, used, offered } = self;
        let capacity = offered.unwrap_or_default();
        let remedy = if offered.is_none() && is_extended(resource) {
            let key = if resource == "nvidia.com/gpu" { "node.gpu" } else { "node.extendedResources" };
            format!(
                ". The node offers none, and the instance would have to bring it: set {key} in ORCA's config, and give the \
                 pod an instance type that has it; or take the request out of the pod"
            )
        } else {
            String::new()
        };
        let message = format!(
            "Pod was rejected: Node didn't have enough resource: {resource}, requested: {requested}, used: {used}, capacity: {capacity}{remedy}"
        );
        Rejection { kind: RejectionKind::Placement, reason: format!("OutOf{resource}"), message }
    }
}

/// Whether this is the name of an extended resource (API reference, "Extended resources").
#[must_use]
pub fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts<const N: usize>(amounts: [(&str, &str); N]) -> Resources {
        amounts.map(|(name, amount)| (name.to_owned(), amount.parse().expect("a quantity"))).into()
    }

    fn short<const N: usize>(requested: [(&str, &str); N]) -> Option<Rejection> {
        let offered = amounts([("cpu", "1000"), ("nvidia.com/gpu", "8"), ("example.com/dongle", "1")]);
        let used = amounts([("cpu", "999"), ("example.com/dongle", "1")]);
        let devices = ["cloud.example/net".to_owned(), "cloud.example/chip*".to_owned()];
        let room = Room { offered: &offered, used: &used, devices: &devices };
        room.shortage(&amounts(requested)).map(|shortage| shortage.rejection())
    }

    #[test]
    fn the_first_resource_that_is_short_is_reported_in_the_kubelets_words() {
        let rejection = short([("cpu", "2")]).expect("short");
        assert_eq!(rejection.reason, "OutOfcpu", "B27");
        assert!(rejection.message.ends_with("enough resource: cpu, requested: 2, used: 999, capacity: 1000"));
        assert_eq!(short([("cpu", "1"), ("nvidia.com/gpu", "8")]), None);
        assert_eq!(short([("memory", "0")]), None, "nothing is asked for");
        let none = short([("memory", "1")]).expect("none offered");
        assert!(none.reason == "OutOfmemory" && none.message.ends_with("capacity: 0"), "{none:?}");
        assert_eq!(short([("hugepages-2Mi", "2Mi")]).expect("none offered").reason, "OutOfhugepages-2Mi");
        let used = short([("example.com/dongle", "1")]).expect("used");
        assert_eq!(used.reason, "OutOfexample.com/dongle");
        assert!(used.message.ends_with("used: 1, capacity: 1"), "the node has it: {used:?}");
    }

    #[test]
    fn what_the_node_does_not_have_at_all_is_somebody_elses_to_give_unless_the_instance_would_bring_it() {
        assert_eq!(short([("example.com/licence", "1")]), None, "B27: the kubelet passes over it");
        for device in ["nvidia.com/mig-1g.5gb", "amd.com/gpu", "cloud.example/net", "cloud.example/chip2"] {
            let rejection = short([(device, "1")]).expect("short");
            assert_eq!(rejection.reason, format!("OutOf{device}"));
            assert!(
                rejection.message.contains("set node.extendedResources in ORCA's config"),
                "{rejection:?}"
            );
            assert_eq!(short([(device, "0")]), None);
        }
        assert_eq!(short([("cloud.example/network", "1")]), None);
    }

    #[test]
    fn kubernetes_own_resources_are_no_extended_ones() {
        for (name, is) in [
            ("example.com/dongle", true),
            ("cpu", false),
            ("hugepages-2Mi", false),
            ("kubernetes.io/batch-cpu", false),
            ("requests.nvidia.com/gpu", false),
        ] {
            assert_eq!(is_extended(name), is, "{name}");
        }
    }
}
