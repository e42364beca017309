//! What to do when the API server refuses a call by RBAC: which of the shipped Roles lacks what.

use orca_core::config::Config;

use crate::call::CallError;

/// The error, and after a refusal by RBAC the remedy.
pub(crate) fn explained(error: &CallError, node: &str) -> String {
    match error {
        CallError::Forbidden(message) if message.contains("is forbidden") => {
            format!("{error}; {}", remedy(node))
        }
        CallError::NotFound(_)
        | CallError::Incomplete(_)
        | CallError::Conflict
        | CallError::Refused(_)
        | CallError::Forbidden(_)
        | CallError::Timeout
        | CallError::Other(_) => error.to_string(),
    }
}

fn remedy(node: &str) -> String {
    let shipped = Config::default().node.name;
    if node == shipped {
        "apply examples/kubernetes/rbac.yaml, and run ORCA as the service account that it is for".into()
    } else {
        format!(
            "the shipped Roles name the node {shipped}, and this one is called {node}: change the name in every place of \
             rbac.yaml"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_the_shipped_roles_do_not_name_is_explained() {
        let error = CallError::Forbidden("leases \"a\" is forbidden: User \"u\" cannot get".into());
        let text = explained(&error, "a");
        assert!(text.contains("name the node orca-aws-node, and this one is called a"), "{text}");
        assert!(explained(&error, "orca-aws-node").contains("apply examples/kubernetes/rbac.yaml"));
        let unknown = CallError::Forbidden("Unauthorized".into());
        assert_eq!(explained(&unknown, "a"), "forbidden: Unauthorized");
        assert_eq!(explained(&CallError::Conflict, "a"), CallError::Conflict.to_string());
    }
}
