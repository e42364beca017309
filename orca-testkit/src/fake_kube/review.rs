//! Reviews: questions about rights and identities. RBAC is not enforced, so that everything is allowed.

use http::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::cluster::Cluster;
use super::error::ApiError;
use super::request::ApiRequest;

/// The reviews of a group: plural, kind, and whether they live in a namespace.
pub(crate) fn of_group(group: &str) -> &'static [(&'static str, &'static str, bool)] {
    match group {
        "authorization.k8s.io" => &[
            ("selfsubjectaccessreviews", "SelfSubjectAccessReview", false),
            ("selfsubjectrulesreviews", "SelfSubjectRulesReview", false),
            ("subjectaccessreviews", "SubjectAccessReview", false),
        ],
        "authentication.k8s.io" => {
            &[("selfsubjectreviews", "SelfSubjectReview", false), ("tokenreviews", "TokenReview", false)]
        }
        _ => &[],
    }
}

pub(crate) fn answer(
    cluster: &Cluster,
    request: &ApiRequest,
    group: &str,
    plural: &str,
) -> Result<Answer, ApiError> {
    let found = of_group(group).iter().find(|(known, _, _)| *known == plural);
    let (_, kind, _) = found.ok_or_else(ApiError::no_such_path)?;
    if request.method != Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let spec = request.json()?["spec"].take();
    let status = status(cluster, request, kind, &spec);
    let mut review = json!({
        "kind": kind,
        "apiVersion": format!("{group}/v1"),
        "metadata": { "creationTimestamp": null },
        "status": status,
    });
    if !spec.is_null() {
        review["spec"] = spec;
    }
    Ok(Answer::json(201, &review))
}

fn status(cluster: &Cluster, request: &ApiRequest, kind: &str, spec: &Value) -> Value {
    let user = |name: &str| json!({ "username": name, "groups": ["system:authenticated"] });
    match kind {
        "SelfSubjectReview" => json!({ "userInfo": user(&request.user) }),
        "TokenReview" => match cluster.user_of(spec["token"].as_str().unwrap_or_default()) {
            Some(name) => json!({ "authenticated": true, "user": user(&name) }),
            None => json!({ "authenticated": false, "user": {}, "error": "unknown token" }),
        },
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }],
            "nonResourceRules": [{ "verbs": ["*"], "nonResourceURLs": ["*"] }],
            "incomplete": false,
        }),
        _ => json!({ "allowed": true, "reason": "rights are not enforced here" }),
    }
}
