//! The defaults of pods and of their templates.

use orca_core::resources::requested;
use serde_json::{Map, Value, json};

use super::{container, each, set, volume};

/// What pods and templates have in common.
pub(crate) fn spec(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    set(spec, "restartPolicy", "Always");
    set(spec, "dnsPolicy", "ClusterFirst");
    set(spec, "terminationGracePeriodSeconds", 30);
    set(spec, "schedulerName", "default-scheduler");
    set(spec, "securityContext", json!({}));
    // The last gate that is taken away takes the list with it.
    if spec["schedulingGates"].as_array().is_some_and(Vec::is_empty)
        && let Some(spec) = spec.as_object_mut()
    {
        spec.remove("schedulingGates");
    }
    // Both names of the account are kept in step.
    let account = spec["serviceAccountName"].as_str().or(spec["serviceAccount"].as_str()).map(str::to_owned);
    if let Some(account) = account.filter(|account| !account.is_empty()) {
        spec["serviceAccountName"] = account.clone().into();
        spec["serviceAccount"] = account.into();
    }
    each(spec, "volumes").for_each(volume::volume);
    for list in ["initContainers", "containers"] {
        each(spec, list).for_each(container::container);
    }
}

/// What only a new pod gets.
pub(crate) fn created(pod: &mut Value) {
    let spec = &mut pod["spec"];
    if !spec.is_object() {
        return;
    }
    set(spec, "enableServiceLinks", true);
    for list in ["initContainers", "containers"] {
        each(spec, list).for_each(container::requests_from_limits);
    }
    pod_level(spec);
}

/// What is limited for the pod as a whole and not requested: what its containers request together, else the limit.
fn pod_level(spec: &mut Value) {
    let limits = spec["resources"]["limits"].as_object().cloned().unwrap_or_default();
    if limits.is_empty() {
        return;
    }
    let containers = json!({ "spec": {
        "containers": spec["containers"].clone(), "initContainers": spec["initContainers"].clone(),
    } });
    let counted = serde_json::from_value(containers).map(|pod| requested(&pod)).unwrap_or_default();
    let counted = counted.iter().map(|(name, amount)| (name.clone(), amount.to_string().into()));
    let can_be_shared = |name: &str| matches!(name, "cpu" | "memory");
    let is_known = |name: &str| can_be_shared(name) || name.starts_with("hugepages-");
    let counted = counted.filter(|(name, _)| can_be_shared(name));
    for (name, amount) in counted.chain(limits.into_iter().filter(|(name, _)| is_known(name))) {
        if spec["resources"]["requests"].get(&name).is_none() {
            spec["resources"]["requests"][name] = amount;
        }
    }
}

/// The class of service: how sure the pod is of its resources.
pub(crate) fn quality(pod: &Value) -> &'static str {
    let whole = &pod["spec"]["resources"];
    let is_whole = ["requests", "limits"].iter().any(|half| {
        let names = whole[half].as_object().into_iter().flat_map(|amounts| amounts.keys());
        names
            .into_iter()
            .any(|name| matches!(name.as_str(), "cpu" | "memory") || name.starts_with("hugepages-"))
    });
    // What is set for the pod as a whole decides alone.
    let whole = json!({ "resources": whole });
    let containers = || {
        if is_whole {
            return vec![&whole].into_iter().chain(Vec::new());
        }
        let list = |key: &str| pod["spec"][key].as_array().into_iter().flatten().collect::<Vec<_>>();
        list("containers").into_iter().chain(list("initContainers"))
    };
    let amounts = |container: &Value, key: &str| -> Map<String, Value> {
        let all = container["resources"][key].as_object().cloned().unwrap_or_default();
        let counts =
            |(name, amount): &(String, Value)| matches!(name.as_str(), "cpu" | "memory") && !is_zero(amount);
        all.into_iter().filter(counts).collect()
    };
    let asks = |container: &Value| {
        !amounts(container, "requests").is_empty() || !amounts(container, "limits").is_empty()
    };
    if !containers().any(asks) {
        return "BestEffort";
    }
    let is_sure = |container: &Value| {
        let (requests, limits) = (amounts(container, "requests"), amounts(container, "limits"));
        limits.len() == 2 && (requests.is_empty() || requests == limits)
    };
    if containers().all(is_sure) { "Guaranteed" } else { "Burstable" }
}

fn is_zero(amount: &Value) -> bool {
    match amount {
        Value::String(text) => {
            let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            digits.parse::<f64>().is_ok_and(|number| number == 0.0)
        }
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => true,
    }
}
