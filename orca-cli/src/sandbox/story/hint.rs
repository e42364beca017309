//! What to add to a first pod that no node takes: the node has a taint, so that only pods come that ask for it.

use orca_core::well_known::{annotation, taint};
use serde_json::Value;

use super::super::object::text;

/// What is missing, if it is what a plain `kubectl run` lacks. `why` is what the scheduler says.
pub(super) fn of(pod: &Value, why: &str) -> Option<String> {
    let tolerations = pod["spec"]["tolerations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_tolerated = |one: &Value| {
        let (key, operator) = (text(one, "/key"), text(one, "/operator"));
        key == taint::BURST_NODE || (key.is_empty() && operator == "Exists")
    };
    if !why.contains("taint") || tolerations.iter().any(is_tolerated) {
        return None;
    }
    let toleration = format!(
        "--overrides='{{\"spec\":{{\"tolerations\":[{{\"key\":\"{}\",\"operator\":\"Exists\"}}]}}}}'",
        taint::BURST_NODE
    );
    let wishes = &pod["metadata"]["annotations"];
    let has_type =
        [annotation::INSTANCE_TYPE, annotation::WORKLOAD_TEMPLATE].iter().any(|key| wishes[*key].is_string());
    let instance_type = format!(" --annotations={}=t3.small", annotation::INSTANCE_TYPE);
    let and_type = if has_type { "" } else { &*instance_type };
    Some(format!("a toleration of the node's taint; with kubectl run: {toleration}{and_type}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const WHY: &str = "0/1 nodes are available: 1 node(s) had untolerated taint(s)";

    #[test]
    fn a_plain_pod_learns_of_the_taint_and_of_the_instance_type() {
        let default =
            json!([{ "key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute" }]);
        let mut pod = json!({ "metadata": { "name": "p" }, "spec": { "tolerations": default } });
        let said = of(&pod, WHY).expect("a hint");
        assert!(said.contains(r#"{"key":"orca.research/burst-node","operator":"Exists"}"#), "{said}");
        assert!(said.contains("--annotations=orca.research/instance-type=t3.small"), "{said}");
        pod["metadata"]["annotations"] = json!({ "orca.research/instance-type": "t3.nano" });
        assert!(!of(&pod, WHY).expect("a hint").contains("--annotations"));
    }

    #[test]
    fn a_pod_that_tolerates_the_taint_waits_for_something_else() {
        for toleration in [
            json!({ "key": "orca.research/burst-node", "operator": "Exists" }),
            json!({ "operator": "Exists" }),
        ] {
            assert_eq!(of(&json!({ "spec": { "tolerations": [toleration] } }), WHY), None);
        }
        assert_eq!(of(&json!({}), "0/1 nodes are available: 1 Insufficient cpu"), None);
    }
}
