//! What became of each pod of a run, without times: two runs of different code can be compared by it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::fake_kube::resource;
use crate::fake_kube::store::Change;

/// The life of one pod, as people saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Phases with their reasons, in order, each as often as it came after another one.
    pub phases: Vec<String>,
    /// How many instances were launched for it.
    pub launches: usize,
    /// The reasons of its events.
    pub events: BTreeSet<String>,
}

/// The lives of all pods, by name. A name is used once in a run.
#[derive(Debug, Default)]
pub(super) struct Lives {
    by_name: BTreeMap<String, Life>,
    names: BTreeMap<String, String>,
}

impl Lives {
    /// Takes in a change of a pod or an event.
    pub(super) fn changed(&mut self, change: &Change) {
        let object = &change.object;
        if object.resource() == &resource::PODS {
            self.names.insert(object.text("/metadata/uid").to_owned(), object.name().to_owned());
            let life = self.by_name.entry(object.name().to_owned()).or_default();
            let shown = shown(object.value());
            if life.phases.last() != Some(&shown) {
                life.phases.push(shown);
            }
        } else {
            let about = [object.text("/regarding/name"), object.text("/involvedObject/name")];
            let known = about.into_iter().find(|name| self.by_name.contains_key(*name));
            if let Some(life) = known.and_then(|name| self.by_name.get_mut(name)) {
                life.events.insert(object.text("/reason").to_owned());
            }
        }
    }

    /// An instance was launched for the pod with this UID.
    pub(super) fn launched(&mut self, uid: &str) {
        if let Some(life) = self.names.get(uid).and_then(|name| self.by_name.get_mut(name)) {
            life.launches += 1;
        }
    }

    pub(super) fn into_lives(self) -> BTreeMap<String, Life> {
        self.by_name
    }
}

fn shown(pod: &Value) -> String {
    let text = |path| pod.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let waits = text("/status/containerStatuses/0/state/waiting/reason");
    let reason = if waits.is_empty() { text("/status/reason") } else { waits };
    let ready = pod.pointer("/status/containerStatuses/0/ready").and_then(Value::as_bool).unwrap_or_default();
    let ready = if ready { " ready" } else { "" };
    format!("{} {reason}{ready}", text("/status/phase")).trim_end().to_owned()
}
