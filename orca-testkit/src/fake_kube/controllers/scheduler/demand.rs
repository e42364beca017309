//! What a pod takes of a node.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use orca_core::quantity::Quantity;
use orca_core::resources::requested;
use serde_json::Value;

use super::super::super::object::Object;

/// Amounts by resource, in thousandths of a core, byte or piece.
pub(super) type Amounts = BTreeMap<String, i128>;

/// What a pod asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) amounts: Amounts,
}

impl Demand {
    /// As ORCA itself counts it, and as the real scheduler does: the core's one function is held to upstream's by a table.
    pub(super) fn of(pod: &Object) -> Self {
        let part = |name: &str| pod.value()[name].clone();
        let pod = Pod {
            metadata: ObjectMeta::default(),
            spec: serde_json::from_value(part("spec")).ok(),
            status: serde_json::from_value(part("status")).ok(),
        };
        let counted = requested(&pod).into_iter().map(|(name, amount)| (name, amount.millis()));
        Self { amounts: counted.filter(|(_, amount)| *amount != 0).collect() }
    }
}

/// A list of resources. What is no quantity counts as nothing.
pub(super) fn amounts(list: &Value) -> Amounts {
    let entries = list.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), amount(value))).collect()
}

fn amount(value: &Value) -> i128 {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    text.parse::<Quantity>().map(Quantity::millis).unwrap_or_default()
}
