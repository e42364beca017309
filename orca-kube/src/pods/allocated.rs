//! What the admitted pods of the node ask for together, so that no more is admitted than the node offers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::Shortage;
use orca_core::config::Config;
use orca_core::ids::PodUid;
use orca_core::quantity::Quantity;
use orca_core::resources::{self, Resources};

/// The name under which the number of pods is counted.
const PODS: &str = "pods";

#[derive(Debug)]
pub(super) struct Allocated {
    capacity: Resources,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    admitted: HashMap<PodUid, Resources>,
    total: Resources,
}

impl Allocated {
    /// Nothing admitted yet, on a node of this config's capacity.
    pub(super) fn new(config: &Config) -> Self {
        let node = &config.node;
        let amounts = [
            ("cpu", Some(&node.cpu)),
            ("memory", Some(&node.memory)),
            (PODS, Some(&node.pods)),
            ("ephemeral-storage", Some(&node.ephemeral_storage)),
            ("nvidia.com/gpu", node.gpu.as_ref()),
        ];
        let amount = |(name, text): (&str, Option<&String>)| Some((name.to_owned(), text?.parse().ok()?));
        Self { capacity: amounts.into_iter().filter_map(amount).collect(), state: Mutex::default() }
    }

    /// Takes the room that the pod asks for, or says what there is too little of. A pod that has its room keeps it.
    pub(super) fn admit(&self, uid: &PodUid, pod: &Pod) -> Result<(), Shortage> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.admitted.contains_key(uid) {
            return Ok(());
        }
        let asked = asked(pod);
        if let Some(shortage) = Shortage::find(&asked, &state.total, &self.capacity) {
            return Err(shortage);
        }
        state.allocate(uid, asked);
        Ok(())
    }

    /// Takes the room of a pod that was admitted before, by this process or another, whatever there is.
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
        Allocated::new(&config)
    }

    fn short(result: Result<(), Shortage>) -> Option<String> {
        result.err().map(|shortage| shortage.rejection().reason)
    }

    #[test]
    fn room_is_taken_once_and_given_back() {
        let allocated = allocated("4", "10");
        assert_eq!(short(allocated.admit(&"a".into(), &pod("3"))), None);
        assert_eq!(short(allocated.admit(&"a".into(), &pod("3"))), None, "it has its room");
        assert_eq!(short(allocated.admit(&"b".into(), &pod("2"))).as_deref(), Some("OutOfcpu"), "B27");
        allocated.release(&"a".into());
        assert_eq!(short(allocated.admit(&"b".into(), &pod("2"))), None);
    }

    #[test]
    fn the_number_of_pods_is_a_resource_like_any_other() {
        let allocated = allocated("100", "1");
        allocated.count(&"a".into(), &pod("1"));
        assert_eq!(short(allocated.admit(&"b".into(), &pod("1"))).as_deref(), Some("OutOfpods"), "B27");
    }
}
