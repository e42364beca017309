//! What the server can do: its version, its groups and its resources, in the forms of old and new clients.

use serde_json::{Value, json};

use super::answer::Answer;
use super::error::ApiError;
use super::request::ApiRequest;
use super::resource::{ALL, Resource};
use super::review;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// The groups, in the order in which clients prefer them.
const GROUPS: [&str; 11] = [
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "apps",
    "batch",
    "rbac.authorization.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "scheduling.k8s.io",
    "autoscaling",
    "policy",
];

pub(crate) fn version() -> Answer {
    Answer::json(
        200,
        &json!({
            "major": "1",
            "minor": "37",
            "emulationMajor": "1",
            "emulationMinor": "37",
            "minCompatibilityMajor": "1",
            "minCompatibilityMinor": "36",
            "gitVersion": "v1.37.0",
            "gitCommit": "",
            "gitTreeState": "clean",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "rustc",
            "platform": "linux/amd64",
        }),
    )
}

pub(crate) fn core(request: &ApiRequest) -> Answer {
    if request.accepts("as=APIGroupDiscoveryList") {
        return aggregated(&[""]);
    }
    Answer::json(200, &json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] }))
}

pub(crate) fn groups(request: &ApiRequest) -> Answer {
    if request.accepts("as=APIGroupDiscoveryList") {
        return aggregated(&GROUPS);
    }
    let groups: Vec<Value> = shown().map(plain_group).collect();
    Answer::json(200, &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
}

pub(crate) fn group(group: &str) -> Result<Answer, ApiError> {
    if !shown().any(|known| known == group) {
        return Err(ApiError::no_such_path());
    }
    let mut answer = plain_group(group);
    answer["kind"] = "APIGroup".into();
    answer["apiVersion"] = "v1".into();
    Ok(Answer::json(200, &answer))
}

fn shown() -> impl Iterator<Item = &'static str> {
    GROUPS
        .into_iter()
        .filter(|group| resources_of(group).next().is_some() || !review::of_group(group).is_empty())
}

fn plain_group(group: &str) -> Value {
    let version = json!({ "groupVersion": format!("{group}/v1"), "version": "v1" });
    json!({ "name": group, "versions": [version], "preferredVersion": version })
}

pub(crate) fn resources(group: &str, version: &str) -> Result<Answer, ApiError> {
    let is_known = group.is_empty() || shown().any(|known| known == group);
    if version != "v1" || !is_known {
        return Err(ApiError::no_such_path());
    }
    let mut list = Vec::new();
    for resource in resources_of(group) {
        list.push(plain(resource));
        for below in resource.subresources {
            let (kind, target) = below_kind(resource, below);
            let mut entry = json!({
                "name": format!("{}/{below}", resource.plural),
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": kind,
                "verbs": below_verbs(below),
            });
            if let Some((group, version)) = target {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    for (plural, kind, namespaced) in review::of_group(group) {
        list.push(json!({
            "name": plural, "singularName": kind.to_lowercase(), "namespaced": namespaced, "kind": kind,
            "verbs": ["create"],
        }));
    }
    let name = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let answer =
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": list });
    Ok(Answer::json(200, &answer))
}

fn resources_of(group: &str) -> impl Iterator<Item = &'static Resource> + '_ {
    ALL.iter().copied().filter(move |resource| resource.group == group)
}

fn plain(resource: &Resource) -> Value {
    let mut entry = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": VERBS,
    });
    if !resource.short.is_empty() {
        entry["shortNames"] = json!(resource.short);
    }
    if resource.in_all {
        entry["categories"] = json!(["all"]);
    }
    entry
}

/// The kind behind a subresource, with its group and version when they are others.
fn below_kind(resource: &Resource, below: &str) -> (&'static str, Option<(&'static str, &'static str)>) {
    match below {
        "binding" => ("Binding", None),
        "eviction" => ("Eviction", Some(("policy", "v1"))),
        "exec" => ("PodExecOptions", None),
        "attach" => ("PodAttachOptions", None),
        "portforward" => ("PodPortForwardOptions", None),
        "scale" => ("Scale", Some(("autoscaling", "v1"))),
        "token" => ("TokenRequest", Some(("authentication.k8s.io", "v1"))),
        _ => (resource.kind, None),
    }
}

fn below_verbs(below: &str) -> &'static [&'static str] {
    match below {
        "binding" | "eviction" | "token" => &["create"],
        "exec" | "attach" | "portforward" => &["create", "get"],
        "log" => &["get"],
        "finalize" => &["update"],
        _ => &["get", "patch", "update"],
    }
}

fn aggregated(groups: &[&str]) -> Answer {
    let mut items = Vec::new();
    for group in groups {
        let mut list: Vec<Value> = resources_of(group).map(aggregated_resource).collect();
        for (plural, kind, namespaced) in review::of_group(group) {
            list.push(json!({
                "resource": plural,
                "responseKind": { "group": group, "version": "v1", "kind": kind },
                "scope": scope(*namespaced),
                "singularResource": kind.to_lowercase(),
                "verbs": ["create"],
            }));
        }
        if list.is_empty() {
            continue;
        }
        items.push(json!({
            "metadata": { "name": group, "creationTimestamp": null },
            "versions": [{ "version": "v1", "resources": list, "freshness": "Current" }],
        }));
    }
    let answer = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    });
    Answer::json(200, &answer).media_type(AGGREGATED)
}

fn scope(namespaced: bool) -> &'static str {
    if namespaced { "Namespaced" } else { "Cluster" }
}

fn aggregated_resource(resource: &'static Resource) -> Value {
    let kind = |group: &str, kind: &str| json!({ "group": group, "version": "v1", "kind": kind });
    let below: Vec<Value> = resource
        .subresources
        .iter()
        .map(|below| {
            let (name, target) = below_kind(resource, below);
            json!({
                "subresource": below,
                "responseKind": kind(target.map_or(resource.group, |(group, _)| group), name),
                "verbs": below_verbs(below),
            })
        })
        .collect();
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": kind(resource.group, resource.kind),
        "scope": scope(resource.namespaced),
        "singularResource": resource.singular,
        "verbs": VERBS,
    });
    if !resource.short.is_empty() {
        entry["shortNames"] = json!(resource.short);
    }
    if resource.in_all {
        entry["categories"] = json!(["all"]);
    }
    if !below.is_empty() {
        entry["subresources"] = below.into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_of_a_group_that_clients_can_find() {
        let lost = ALL.iter().filter(|one| !one.group.is_empty() && !GROUPS.contains(&one.group));
        assert_eq!(lost.map(|one| one.kind).collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
