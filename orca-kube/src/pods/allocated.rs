//! What the admitted pods of the node ask for together, so that no more is admitted than the node offers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::{Room, Shortage};
use orca_core::config::Config;
use orca_core::ids::PodUid;
use orca_core::quantity::Quantity;
use orca_core::resources::{self, Resources};

/// The name under which the number of pods is counted.
const PODS: &str = "pods";

#[derive(Debug)]
pub(super) struct Allocated {
    /// What the config says that the node offers.
    configured: Resources,
    /// The cloud's names of devices.
    devices: Vec<String>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    admitted: HashMap<PodUid, Resources>,
    total: Resources,
}

impl Allocated {
    /// Nothing admitted yet, on a node of this config's capacity.
    pub(super) fn new(config: &Config, devices: Vec<String>) -> Self {
        let amount = |(name, text): (String, String)| Some((name, text.parse().ok()?));
        let configured = config.node.capacity().into_iter().filter_map(amount).collect();
        Self { configured, devices, state: Mutex::default() }
    }

    /// Allocates what the pod requests from what the live node offers, or returns the resource of which too little is left. A
    /// pod that has its room keeps it.
    pub(super) fn admit(&self, uid: &PodUid, pod: &Pod, live: Option<&Resources>) -> Result<(), Shortage> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.admitted.contains_key(uid) {
            return Ok(());
        }
        let asked = asked(pod);
        // What the config offers and the live node lacks comes back within a second, so no pod fails for it.
        let mut offered = self.configured.clone();
        offered.extend(live.into_iter().flatten().map(|(name, amount)| (name.clone(), *amount)));
        let room = Room { offered: &offered, used: &state.total, devices: &self.devices };
        if let Some(shortage) = room.shortage(&asked) {
            return Err(shortage);
        }
        state.allocate(uid, asked);
        Ok(())
    }

    /// Allocates the room of a pod that was admitted before, by this process or another, even if there is too little.
    pub(super) fn count(&self, uid: &PodUid, pod: &Pod) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.admitted.contains_key(uid) {
            let asked = asked(pod);
            state.allocate(uid, asked);
        }
    }

    /// Gives the room back.
    pub(super) fn release(&self, uid: &PodUid) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(released) = state.admitted.remove(uid) else {
            return;
        };
        for (name, amount) in released {
            if let Some(total) = state.total.get_mut(&name) {
                *total = *total - amount;
            }
        }
    }
}

impl State {
    fn allocate(&mut self, uid: &PodUid, asked: Resources) {
        for (name, amount) in &asked {
            let total = self.total.entry(name.clone()).or_default();
            *total = *total + *amount;
        }
        self.admitted.insert(uid.clone(), asked);
    }
}

fn asked(pod: &Pod) -> Resources {
    let mut asked = resources::requested(pod);
    asked.insert(PODS.to_owned(), Quantity::from_units(1));
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(cpu: &str) -> Pod {
        let containers = serde_json::json!([{ "name": "a", "resources": { "requests": { "cpu": cpu } } }]);
        serde_json::from_value(serde_json::json!({ "spec": { "containers": containers } })).expect("a pod")
    }

    fn allocated(cpu: &str, pods: &str) -> Allocated {
        let mut config = Config::default();
        config.node.cpu = cpu.into();
        config.node.pods = pods.into();
        Allocated::new(&config, Vec::new())
    }

    fn short(result: Result<(), Shortage>) -> Option<String> {
        result.err().map(|shortage| shortage.rejection().reason)
    }

    #[test]
    fn room_is_taken_once_and_given_back() {
        let allocated = allocated("4", "10");
        assert_eq!(short(allocated.admit(&"a".into(), &pod("3"), None)), None);
        assert_eq!(
            short(allocated.admit(&"a".into(), &pod("3"), None)),
            None,
            "a pod keeps the room that it has"
        );
        assert_eq!(short(allocated.admit(&"b".into(), &pod("2"), None)).as_deref(), Some("OutOfcpu"), "B27");
        allocated.release(&"a".into());
        assert_eq!(short(allocated.admit(&"b".into(), &pod("2"), None)), None);
    }

    #[test]
    fn the_number_of_pods_is_a_resource_like_any_other() {
        let allocated = allocated("100", "1");
        allocated.count(&"a".into(), &pod("1"));
        assert_eq!(short(allocated.admit(&"b".into(), &pod("1"), None)).as_deref(), Some("OutOfpods"), "B27");
    }

    #[test]
    fn the_live_node_says_what_there_is() {
        let allocated = allocated("4", "10");
        let live = |amounts: &[(&str, i64)]| -> Resources {
            amounts.iter().map(|(name, amount)| ((*name).to_owned(), Quantity::from_units(*amount))).collect()
        };
        let asking = |name: &str| {
            let containers = serde_json::json!([{ "name": "a", "resources": { "requests": { name: "1" } } }]);
            serde_json::from_value(serde_json::json!({ "spec": { "containers": containers } }))
                .expect("a pod")
        };
        let more = live(&[("cpu", 64), ("amd.com/gpu", 1)]);
        assert_eq!(short(allocated.admit(&"a".into(), &pod("64"), Some(&more))), None);
        assert_eq!(short(allocated.admit(&"b".into(), &asking("amd.com/gpu"), Some(&more))), None, "B27");
        let refused = short(allocated.admit(&"c".into(), &asking("amd.com/gpu"), Some(&more)));
        assert_eq!(refused.as_deref(), Some("OutOfamd.com/gpu"));
        assert_eq!(short(allocated.admit(&"d".into(), &asking("example.com/x"), Some(&more))), None);
        assert_eq!(
            short(allocated.admit(&"e".into(), &asking("memory"), Some(&more))),
            None,
            "as configured"
        );
    }
}
