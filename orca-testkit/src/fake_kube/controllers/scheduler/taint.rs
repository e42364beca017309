//! Taints of nodes and the tolerations of pods.

use serde_json::Value;

use super::super::super::object::Object;

/// The effect that keeps new pods away.
pub(in super::super) const NO_SCHEDULE: &str = "NoSchedule";
/// The effect that drives pods away as well.
pub(in super::super) const NO_EXECUTE: &str = "NoExecute";

/// A mark of a node that pods have to tolerate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Taint {
    pub(in super::super) key: String,
    value: String,
    pub(in super::super) effect: String,
}

impl Taint {
    pub(in super::super) fn new(key: &str, effect: &str) -> Self {
        Self { key: key.to_owned(), value: String::new(), effect: effect.to_owned() }
    }

    pub(in super::super) fn of(taint: &Value) -> Self {
        let text = |name: &str| taint[name].as_str().unwrap_or_default().to_owned();
        Self { key: text("key"), value: text("value"), effect: text("effect") }
    }

    /// Whether it bars pods from being placed.
    pub(super) fn bars(&self) -> bool {
        self.effect == NO_SCHEDULE || self.effect == NO_EXECUTE
    }

    fn is_tolerated_by(&self, toleration: &Value) -> bool {
        let text = |name: &str| toleration[name].as_str().unwrap_or_default();
        let (key, effect) = (text("key"), text("effect"));
        let same_value = match text("operator") {
            "" | "Equal" => text("value") == self.value,
            "Exists" => true,
            _ => false,
        };
        (effect.is_empty() || effect == self.effect) && (key.is_empty() || key == self.key) && same_value
    }

    /// The tolerations of a pod for it.
    pub(in super::super) fn tolerations<'p>(&'p self, pod: &'p Object) -> impl Iterator<Item = &'p Value> {
        pod.items("/spec/tolerations").iter().filter(|toleration| self.is_tolerated_by(toleration))
    }
}
