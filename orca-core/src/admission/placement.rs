//! The scheduler's rules about node selection, operating system and taints, checked again.
//!
//! Reasons and texts are the kubelet's, because people and tools know them.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, Toleration};

use super::{Rejection, RejectionKind};
use crate::config::{Taint, TaintEffect};

/// What of the node a pod is checked against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The node's name.
    pub name: String,
    /// The live node's labels.
    pub labels: BTreeMap<String, String>,
    /// The taints of ORCA's config. Those that others add keep the scheduler away, not the pods.
    pub taints: Vec<Taint>,
}

/// Checks whether a pod may be on this node, apart from the room.
///
/// # Errors
///
/// The first of the scheduler's rules that the pod breaks on this node.
pub fn place(pod: &Pod, node: &Place) -> Result<(), Rejection> {
    let Some(spec) = &pod.spec else {
        return Ok(());
    };
    if let Some(os) = spec.os.as_ref().map(|os| os.name.as_str()).filter(|name| *name != "linux") {
        let text = format!(
            "Failed to admit pod as the OS field doesn't match node OS: the pod asks for {os}, the node is linux"
        );
        return Err(rejected("PodOSNotSupported".into(), &text));
    }
    if !selects(spec, node) {
        let text = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
        return Err(rejected("NodeAffinity".into(), text));
    }
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let keeps_away = |taint: &&Taint| taint.effect != TaintEffect::PreferNoSchedule;
    let untolerated = |taint: &&Taint| !tolerations.iter().any(|toleration| tolerates(toleration, taint));
    if let Some(taint) = node.taints.iter().filter(keeps_away).find(untolerated) {
        let (key, value, effect) = (&taint.key, &taint.value, taint.effect.as_str());
        let text = format!(
            "Predicate TaintToleration failed: the pod does not tolerate the taint {key}={value}:{effect}; add the \
             toleration if it is meant to run as an instance of its own"
        );
        return Err(rejected("TaintToleration".into(), &text));
    }
    Ok(())
}

fn rejected(reason: String, text: &str) -> Rejection {
    Rejection { kind: RejectionKind::Placement, reason, message: format!("Pod was rejected: {text}") }
}

fn selects(spec: &PodSpec, node: &Place) -> bool {
    let selector = spec.node_selector.iter().flatten();
    if !selector.into_iter().all(|(key, value)| node.labels.get(key) == Some(value)) {
        return false;
    }
    let required = spec
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    required.is_none_or(|required| required.node_selector_terms.iter().any(|term| matches(term, node)))
}

/// A term without any requirement selects nothing (API reference, `NodeSelectorTerm`).
fn matches(term: &NodeSelectorTerm, node: &Place) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    let name = |key: &str| (key == "metadata.name").then_some(node.name.as_str());
    (!expressions.is_empty() || !fields.is_empty())
        && expressions.iter().all(|rule| holds(rule, node.labels.get(&rule.key).map(String::as_str)))
        && fields.iter().all(|rule| holds(rule, name(&rule.key)))
}

fn holds(rule: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = rule.values.as_deref().unwrap_or_default();
    let listed = || value.is_some_and(|value| values.iter().any(|listed| listed == value));
    let number = |text: &str| text.parse::<i64>().ok();
    let ordered = |is: fn(&i64, &i64) -> bool| {
        let limit = values.first().and_then(|text| number(text));
        value.and_then(number).zip(limit).is_some_and(|(value, limit)| is(&value, &limit))
    };
    match rule.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => ordered(i64::gt),
        "Lt" => ordered(i64::lt),
        _ => false,
    }
}

/// Whether the toleration covers the taint (API reference, `Toleration`).
fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let effect = toleration.effect.as_deref().unwrap_or_default();
    let key = toleration.key.as_deref().unwrap_or_default();
    let value = toleration.value.as_deref().unwrap_or_default();
    let same_effect = effect.is_empty() || effect == taint.effect.as_str();
    match toleration.operator.as_deref().unwrap_or("Equal") {
        "Exists" => same_effect && (key.is_empty() || key == taint.key),
        "Equal" => same_effect && key == taint.key && value == taint.value,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(spec: Value) -> Result<(), String> {
        let pod = serde_json::from_value(json!({ "spec": spec })).expect("a pod");
        let burst = Taint {
            key: "orca.research/burst-node".into(),
            value: "true".into(),
            effect: TaintEffect::NoSchedule,
        };
        let soft = Taint { key: "soft".into(), value: String::new(), effect: TaintEffect::PreferNoSchedule };
        let labels = [("type", "virtual-kubelet"), ("zone", "a"), ("gen", "7")];
        let node = Place {
            name: "orca-aws-node".into(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            taints: vec![burst, soft],
        };
        place(&pod, &node).map_err(|rejection| rejection.reason)
    }

    fn tolerating(extra: Value) -> Value {
        let mut spec = json!({
            "containers": [],
            "tolerations": [{ "key": "orca.research/burst-node", "operator": "Exists", "effect": "NoSchedule" }],
        });
        for (key, value) in extra.as_object().expect("an object") {
            spec[key] = value.clone();
        }
        spec
    }

    fn requires(rules: Value) -> Value {
        let terms = json!({ "nodeSelectorTerms": [{ "matchExpressions": rules }] });
        json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": terms } } })
    }

    #[test]
    fn a_pod_that_bypassed_the_scheduler_meets_its_rules_here() {
        let burst = "orca.research/burst-node";
        let tolerated = |toleration: Value| json!({ "containers": [], "tolerations": [toleration] });
        let untolerated = || Err("TaintToleration".to_owned());
        for (spec, expected) in [
            (tolerating(json!({})), Ok(())),
            (json!({ "containers": [] }), Err("TaintToleration".to_owned())),
            (json!({ "containers": [], "tolerations": [{ "operator": "Exists" }] }), Ok(())),
            (tolerated(json!({ "key": burst, "value": "true" })), Ok(())),
            (tolerated(json!({ "key": burst, "value": "true", "effect": "NoSchedule" })), Ok(())),
            (tolerated(json!({ "key": burst, "value": "false" })), untolerated()),
            (tolerated(json!({ "key": "other", "value": "true" })), untolerated()),
            (tolerated(json!({ "key": burst, "operator": "Exists", "effect": "NoExecute" })), untolerated()),
            (tolerated(json!({ "operator": "Exists", "effect": "NoExecute" })), untolerated()),
            (tolerated(json!({ "key": "other", "operator": "Exists" })), untolerated()),
            (tolerated(json!({ "key": burst, "operator": "Like", "value": "true" })), untolerated()),
            (tolerated(json!({ "key": burst, "value": "true", "effect": "NoExecute" })), untolerated()),
            (tolerating(json!({ "nodeSelector": { "type": "virtual-kubelet" } })), Ok(())),
            (tolerating(json!({ "nodeSelector": { "type": "metal" } })), Err("NodeAffinity".to_owned())),
            (tolerating(json!({ "os": { "name": "windows" } })), Err("PodOSNotSupported".to_owned())),
            (tolerating(json!({ "os": { "name": "linux" } })), Ok(())),
        ] {
            assert_eq!(check(spec.clone()), expected, "B27: {spec}");
        }
    }

    #[test]
    fn every_operator_of_node_affinity_is_known() {
        for (rule, holds) in [
            (json!({ "key": "zone", "operator": "In", "values": ["a", "b"] }), true),
            (json!({ "key": "zone", "operator": "In", "values": ["b"] }), false),
            (json!({ "key": "type", "operator": "NotIn", "values": ["virtual-kubelet"] }), false),
            (json!({ "key": "none", "operator": "NotIn", "values": ["x"] }), true),
            (json!({ "key": "zone", "operator": "Exists" }), true),
            (json!({ "key": "none", "operator": "DoesNotExist" }), true),
            (json!({ "key": "gen", "operator": "Gt", "values": ["6"] }), true),
            (json!({ "key": "gen", "operator": "Gt", "values": ["7"] }), false),
            (json!({ "key": "gen", "operator": "Lt", "values": ["8"] }), true),
            (json!({ "key": "gen", "operator": "Lt", "values": ["7"] }), false),
            (json!({ "key": "zone", "operator": "Lt", "values": ["8"] }), false),
            (json!({ "key": "zone", "operator": "DoesNotExist" }), false),
            (json!({ "key": "none", "operator": "Exists" }), false),
            (json!({ "key": "zone", "operator": "Like", "values": ["a"] }), false),
        ] {
            assert_eq!(check(tolerating(requires(json!([rule])))).is_ok(), holds, "{rule}");
        }
    }

    #[test]
    fn one_term_that_holds_in_every_rule_is_enough_and_an_empty_one_selects_nothing() {
        let zone = |name: &str| json!({ "key": "zone", "operator": "In", "values": [name] });
        let named = |key: &str, name: &str| json!({ "key": key, "operator": "In", "values": [name] });
        let node = "orca-aws-node";
        for (terms, holds) in [
            (json!([{}]), false),
            (json!([{}, { "matchExpressions": [zone("a")] }]), true),
            (json!([{ "matchExpressions": [zone("a"), zone("b")] }]), false),
            (json!([{ "matchFields": [named("metadata.name", node)] }]), true),
            (json!([{ "matchFields": [named("metadata.name", "other")] }]), false),
            (json!([{ "matchFields": [named("metadata.uid", node)] }]), false),
            (
                json!([{ "matchExpressions": [zone("b")], "matchFields": [named("metadata.name", node)] }]),
                false,
            ),
        ] {
            let required =
                json!({ "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } });
            let spec = tolerating(json!({ "affinity": { "nodeAffinity": required } }));
            assert_eq!(check(spec).is_ok(), holds, "{terms}");
        }
    }
}
