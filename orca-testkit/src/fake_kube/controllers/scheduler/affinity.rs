//! Which nodes a pod wants: node selector and required node affinity.

use serde_json::Value;

use super::super::super::object::Object;
use super::node::Facts;

/// Whether the pod may go to this node.
pub(super) fn matches(pod: &Object, node: &Facts) -> bool {
    let spec = &pod.value()["spec"];
    let selector = spec["nodeSelector"].as_object().into_iter().flatten();
    let selected =
        selector.into_iter().all(|(key, value)| node.labels.get(key).map(String::as_str) == value.as_str());
    let required = &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    selected && (required.is_null() || any_term(required, node))
}

fn any_term(required: &Value, node: &Facts) -> bool {
    required["nodeSelectorTerms"].as_array().into_iter().flatten().any(|term| term_matches(term, node))
}

/// A term without any expression matches no node.
fn term_matches(term: &Value, node: &Facts) -> bool {
    let list = |name: &str| term[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let (expressions, fields) = (list("matchExpressions"), list("matchFields"));
    let label = |key: &str| node.labels.get(key).map(String::as_str);
    // The only field that the API allows.
    let field = |key: &str| (key == "metadata.name").then_some(node.name.as_str());
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|one| requirement(one, label(one["key"].as_str().unwrap_or_default())))
        && fields.iter().all(|one| requirement(one, field(one["key"].as_str().unwrap_or_default())))
}

fn requirement(requirement: &Value, found: Option<&str>) -> bool {
    let values = requirement["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_listed = |found: &str| values.iter().any(|value| value == found);
    match requirement["operator"].as_str().unwrap_or_default() {
        "In" => found.is_some_and(is_listed),
        "NotIn" => !found.is_some_and(is_listed),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => numbers(found, values).is_some_and(|(found, bound)| found > bound),
        "Lt" => numbers(found, values).is_some_and(|(found, bound)| found < bound),
        _ => false,
    }
}

fn numbers(found: Option<&str>, values: &[Value]) -> Option<(i64, i64)> {
    let bound = values.first()?.as_str()?;
    Some((found?.parse().ok()?, bound.parse().ok()?))
}
