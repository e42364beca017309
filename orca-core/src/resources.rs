//! What a pod asks for and what the node offers: named amounts, added and compared exactly.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Wire;

use crate::quantity::Quantity;

/// Amounts by resource name, such as `cpu`, `memory` or `nvidia.com/gpu`.
pub type Resources = BTreeMap<String, Quantity>;

/// What the scheduler counts for this pod: the containers' sum or the largest init step, plus overhead.
///
/// Sidecars (init containers with restart policy `Always`) run on, so they count in the sum and in every later
/// init step. A limit without a request counts as the request, as the API server defaults it. Unreadable
/// amounts cannot pass the API server; they count as nothing.
#[must_use]
pub fn requested(pod: &Pod) -> Resources {
    let Some(spec) = &pod.spec else {
        return Resources::new();
    };
    let mut running = Resources::new();
    let mut peak = Resources::new();
    for container in spec.init_containers.iter().flatten() {
        let asked = container_requests(container);
        if container.restart_policy.as_deref() == Some("Always") {
            add(&mut running, &asked);
            raise(&mut peak, &running);
        } else {
            let mut step = running.clone();
            add(&mut step, &asked);
            raise(&mut peak, &step);
        }
    }
    for container in &spec.containers {
        add(&mut running, &container_requests(container));
    }
    raise(&mut peak, &running);
    for (name, amount) in spec.overhead.iter().flatten() {
        add_one(&mut peak, name, amount);
    }
    peak
}

fn container_requests(container: &Container) -> Resources {
    let mut asked = Resources::new();
    let Some(resources) = &container.resources else {
        return asked;
    };
    for (name, amount) in resources.limits.iter().flatten().chain(resources.requests.iter().flatten()) {
        asked.insert(name.clone(), Quantity::try_from(amount).unwrap_or_default());
    }
    asked
}

fn add_one(total: &mut Resources, name: &str, amount: &Wire) {
    let amount = Quantity::try_from(amount).unwrap_or_default();
    let entry = total.entry(name.to_owned()).or_default();
    *entry = *entry + amount;
}

fn add(total: &mut Resources, more: &Resources) {
    for (name, amount) in more {
        let entry = total.entry(name.clone()).or_default();
        *entry = *entry + *amount;
    }
}

fn raise(peak: &mut Resources, to: &Resources) {
    for (name, amount) in to {
        let entry = peak.entry(name.clone()).or_default();
        *entry = (*entry).max(*amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(spec: serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({ "spec": spec })).expect("a pod")
    }

    #[test]
    fn containers_add_up_and_the_largest_init_step_counts() {
        let asked = requested(&pod(serde_json::json!({
            "initContainers": [
                { "name": "big", "resources": { "requests": { "cpu": "8" } } },
                { "name": "side", "restartPolicy": "Always", "resources": { "requests": { "cpu": "1" } } },
                { "name": "late", "resources": { "requests": { "cpu": "2", "memory": "1Gi" } } },
            ],
            "containers": [
                { "name": "a", "resources": { "requests": { "cpu": "500m" }, "limits": { "nvidia.com/gpu": "8" } } },
                { "name": "b", "resources": { "requests": { "cpu": "1" }, "limits": { "cpu": "4" } } },
            ],
            "overhead": { "memory": "64Mi" },
        })));
        assert_eq!(asked["cpu"], Quantity::from_units(8));
        assert_eq!(asked["memory"].units(), (1 << 30) + (64 << 20));
        assert_eq!(asked["nvidia.com/gpu"], Quantity::from_units(8));
    }

    #[test]
    fn a_pod_without_requests_asks_for_nothing() {
        assert!(requested(&pod(serde_json::json!({ "containers": [{ "name": "a" }] }))).is_empty());
    }
}
