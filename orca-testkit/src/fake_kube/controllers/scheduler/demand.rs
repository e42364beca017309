//! What a pod takes of a node.

use std::collections::BTreeMap;

use orca_core::quantity::Quantity;
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
    /// The sum over the containers that run at the same time: all ordinary ones with the sidecars, or an
    /// init container with the sidecars that started before it, whichever is more.
    pub(super) fn of(pod: &Object) -> Self {
        let mut running = Amounts::new();
        for container in pod.items("/spec/containers") {
            add(&mut running, &requests(&container["resources"]));
        }
        let mut sidecars = Amounts::new();
        let mut peak = Amounts::new();
        for container in pod.items("/spec/initContainers") {
            let own = requests(&container["resources"]);
            if container["restartPolicy"] == "Always" {
                add(&mut sidecars, &own);
                at_least(&mut peak, &sidecars);
            } else {
                let mut with_sidecars = sidecars.clone();
                add(&mut with_sidecars, &own);
                at_least(&mut peak, &with_sidecars);
            }
        }
        add(&mut running, &sidecars);
        at_least(&mut running, &peak);
        // A wish for the pod as a whole stands above those of its containers.
        running.extend(requests(&pod.value()["spec"]["resources"]));
        add(&mut running, &amounts(&pod.value()["spec"]["overhead"]));
        running.retain(|_, amount| *amount != 0);
        Self { amounts: running }
    }
}

/// The requests; of what has only a limit, the limit.
fn requests(resources: &Value) -> Amounts {
    let mut found = amounts(&resources["limits"]);
    found.extend(amounts(&resources["requests"]));
    found
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

fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        *sum.entry(name.clone()).or_default() += amount;
    }
}

fn at_least(sum: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let entry = sum.entry(name.clone()).or_default();
        *entry = (*entry).max(*amount);
    }
}
