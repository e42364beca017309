//! Amounts of resources.

use orca_core::quantity::Quantity;
use serde_json::Value;

use crate::fake_kube::error::Cause;

/// Requests and limits of a container.
pub(super) fn resources(path: &str, resources: &Value, found: &mut Vec<Cause>) {
    let (limits, requests) = (&resources["limits"], &resources["requests"]);
    for (key, amounts) in [("limits", limits), ("requests", requests)] {
        for (name, amount) in amounts.as_object().into_iter().flatten() {
            if amount.as_str().is_some_and(|text| text.starts_with('-')) {
                let field = format!("{path}.{key}[{name}]");
                found.push(Cause::invalid(field, amount, "must be greater than or equal to 0"));
            }
        }
    }
    for (name, amount) in requests.as_object().into_iter().flatten() {
        let limit = &limits[name.as_str()];
        if let (Some(asked), Some(most)) = (read(amount), read(limit))
            && asked > most
        {
            let detail = format!(
                "must be less than or equal to {name} limit of {}",
                limit.as_str().unwrap_or_default()
            );
            found.push(Cause::invalid(format!("{path}.requests"), amount, &detail));
        }
    }
}

fn read(amount: &Value) -> Option<Quantity> {
    amount.as_str()?.parse().ok()
}
