//! How the live Node differs from what it should be, field by field. What others own never counts as a difference.

use k8s_openapi::api::core::v1::{Node, NodeCondition, NodeStatus, Taint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use orca_core::admission::is_extended;
use orca_core::resources::Resources;
use orca_core::well_known::taint;
use serde_json::{Value, json};

/// Taints that come and go with what ORCA knows.
pub(super) const OWN_TAINTS: [&str; 2] = [taint::CLOUD_UNREACHABLE, taint::IDENTITY_CHANGED];

pub(super) fn no_schedule(key: &str) -> Taint {
    Taint { key: key.into(), effect: "NoSchedule".into(), ..Taint::default() }
}

pub(super) fn has_taint(live: &Node, key: &str) -> bool {
    live.spec.iter().flat_map(|spec| spec.taints.iter().flatten()).any(|taint| taint.key == key)
}

/// Whether it is Ready, or was Ready before its condition became Unknown.
pub(super) fn was_ready(status: &NodeStatus) -> bool {
    condition(status, "Ready").is_some_and(|ready| ready.status == "True" || ready.status == "Unknown")
}

/// The live taints together with ours. The same key and effect is the same taint (A8).
pub(super) fn with_taints(live: &Node, ours: &[Taint]) -> Vec<Taint> {
    let mut taints = live.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    for own in ours {
        match taints.iter_mut().find(|taint| taint.key == own.key && taint.effect == own.effect) {
            Some(taint) => taint.value.clone_from(&own.value),
            None => taints.push(own.clone()),
        }
    }
    taints
}

pub(super) fn condition<'a>(status: &'a NodeStatus, kind: &str) -> Option<&'a NodeCondition> {
    status.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

/// The transition time changes only with the status (A32).
pub(super) fn keep_transition(new: NodeCondition, old: &NodeStatus) -> NodeCondition {
    let before = condition(old, &new.type_).filter(|before| before.status == new.status);
    let since = before.and_then(|before| before.last_transition_time.clone());
    NodeCondition { last_transition_time: since.or_else(|| new.last_transition_time.clone()), ..new }
}

pub(super) fn differs(new: &NodeCondition, old: &NodeStatus) -> bool {
    condition(old, &new.type_).is_none_or(|old| {
        (&old.status, &old.reason, &old.message) != (&new.status, &new.reason, &new.message)
    })
}

/// The fields apart from conditions that differ. Addresses would merge by type, which is not unique, so they replace the
/// list (A11).
pub(super) fn changed_fields(old: &NodeStatus, new: &NodeStatus) -> Value {
    let mut fields = json!({});
    for (key, old, new) in [
        ("capacity", json!(old.capacity), json!(new.capacity)),
        ("allocatable", json!(old.allocatable), json!(new.allocatable)),
    ] {
        if !contains(&old, &new) {
            fields[key] = new;
        }
    }
    if old.addresses != new.addresses {
        let mut addresses = vec![json!({ "$patch": "replace" })];
        addresses.extend(new.addresses.iter().flatten().map(|address| json!(address)));
        fields["addresses"] = Value::Array(addresses);
    }
    if old.node_info != new.node_info {
        fields["nodeInfo"] = json!(new.node_info);
    }
    fields
}

/// What the live node offers to pods.
pub(super) fn allocatable(live: &Node) -> Resources {
    let status = live.status.as_ref();
    let offered = status.and_then(|status| status.allocatable.as_ref().or(status.capacity.as_ref()));
    let read = |(name, amount): (&String, &Quantity)| Some((name.clone(), amount.try_into().ok()?));
    offered.into_iter().flatten().filter_map(read).collect()
}

/// Pods can use an extended resource that somebody added to the node's capacity, as on a kubelet's node: administrators
/// add it to `capacity` alone (Kubernetes documentation, "Advertise Extended Resources for a Node").
pub(super) fn pass_on(old: &NodeStatus, wanted: &mut NodeStatus) {
    let of_others = old.capacity.iter().flatten().filter(|(name, _)| is_extended(name));
    let given =
        of_others.filter(|(name, _)| old.allocatable.as_ref().is_none_or(|all| !all.contains_key(*name)));
    for (name, amount) in given {
        let offered = wanted.allocatable.get_or_insert_default();
        offered.entry(name.clone()).or_insert_with(|| amount.clone());
    }
}

/// Whether every entry of the new map is in the old one: extended resources of others stay (A6). Quantities are compared
/// by value, because the API server rewrites them.
fn contains(old: &Value, new: &Value) -> bool {
    let amount =
        |value: &Value| value.as_str().and_then(|text| text.parse::<orca_core::quantity::Quantity>().ok());
    new.as_object().is_none_or(|new| {
        new.iter()
            .all(|(key, value)| amount(value).is_some() && old.get(key).and_then(amount) == amount(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(capacity: &Value, allocatable: &Value) -> Node {
        let status = json!({ "capacity": capacity, "allocatable": allocatable });
        serde_json::from_value(json!({ "status": status })).expect("a node")
    }

    #[test]
    fn an_extended_resource_that_others_gave_the_node_can_be_had_by_pods() {
        let mut capacity = json!({ "cpu": "8", "example.com/dongle": "4", "example.com/lent": "2" });
        let old = node(&capacity, &json!({ "cpu": "8", "example.com/lent": "1" })).status.expect("a status");
        let mut wanted = node(&json!({ "cpu": "8" }), &json!({ "cpu": "8" })).status.expect("a status");
        pass_on(&old, &mut wanted);
        assert_eq!(json!(wanted.allocatable), json!({ "cpu": "8", "example.com/dongle": "4" }), "A6");
        let patch = changed_fields(&old, &wanted);
        assert_eq!(patch["allocatable"], json!({ "cpu": "8", "example.com/dongle": "4" }));
        capacity["example.com/lent"] = "1".into();
        let done = node(&capacity, &capacity);
        let mut wanted = node(&json!({ "cpu": "8" }), &json!({ "cpu": "8" })).status.expect("a status");
        let old = done.status.clone().expect("a status");
        pass_on(&old, &mut wanted);
        assert_eq!(changed_fields(&old, &wanted), json!({}), "nothing more is written");
        assert_eq!(allocatable(&done)["example.com/dongle"].units(), 4);
    }
}
