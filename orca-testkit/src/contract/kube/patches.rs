//! Patches, and who owns what.

use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Caller, ensure, same, text};

pub(super) async fn three_patches_agree(caller: &Caller) -> Outcome {
    for kind in ["merge", "strategic-merge"] {
        let name = format!("patched-{kind}");
        caller.map(&name, json!({ "a": "1", "b": "1" })).await?;
        let patch = json!({ "data": { "a": null, "c": "1" } });
        let patched =
            caller.patch(kind, &caller.path(&format!("configmaps/{name}")), &patch).await?.expect(200)?;
        same(kind, &patched["data"], json!({ "b": "1", "c": "1" }))?;
    }
    caller.map("patched-json", json!({ "a": "1", "b": "1" })).await?;
    let patch =
        json!([{ "op": "remove", "path": "/data/a" }, { "op": "add", "path": "/data/c", "value": "1" }]);
    let patched = caller.patch("json", &caller.path("configmaps/patched-json"), &patch).await?.expect(200)?;
    same("json", &patched["data"], json!({ "b": "1", "c": "1" }))?;
    let missing = caller.path("configmaps/nothing");
    let refused = caller.patch("merge", &missing, &json!({})).await?;
    refused.refused(404, "NotFound", "configmaps \"nothing\" not found")?;
    let refused = caller.send(http::Method::PATCH, &missing, "text/plain", &json!({})).await?;
    refused.refused(415, "UnsupportedMediaType", "415: Unsupported Media Type")
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [
                    { "name": "a", "image": "example.com/a:1", "env": [{ "name": "X", "value": "1" }, { "name": "Y", "value": "1" }] },
                    { "name": "b", "image": "example.com/b:1" },
                ] },
            },
        },
    })
}

pub(super) async fn lists_merge_by_key(caller: &Caller) -> Outcome {
    let all = caller.path_of("apps", "deployments");
    caller.post(&all, &deployment("merged")).await?.expect(201)?;
    let path = format!("{all}/merged");
    let patch = json!({ "spec": { "template": { "spec": {
        "$setElementOrder/containers": [{ "name": "b" }, { "name": "a" }],
        "containers": [
            { "name": "a", "env": [{ "name": "X", "$patch": "delete" }, { "name": "Z", "value": "2" }] },
        ],
    } } } });
    let patched = caller.patch("strategic-merge", &path, &patch).await?.expect(200)?;
    let containers = &patched["spec"]["template"]["spec"]["containers"];
    let names = json!([containers[0]["name"], containers[1]["name"]]);
    same("order", &names, json!(["b", "a"]))?;
    let env = &containers[1]["env"];
    let found: Vec<&str> = env.as_array().into_iter().flatten().map(|one| text(one, "/name")).collect();
    ensure(found.len() == 2 && found.contains(&"Y") && found.contains(&"Z"), || env.to_string())?;
    let patch = json!({ "spec": { "strategy": { "$retainKeys": ["type"], "type": "Recreate" } } });
    let patched = caller.patch("strategic-merge", &path, &patch).await?.expect(200)?;
    same("strategy", &patched["spec"]["strategy"], json!({ "type": "Recreate" }))?;
    same("generation", &patched["metadata"]["generation"], json!(3))?;
    let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "c", "$patch": "replace" }, { "name": "d", "image": "example.com/d:1" }] } } } });
    let replaced = caller.patch("strategic-merge", &path, &patch).await?.expect(200)?;
    let containers = &replaced["spec"]["template"]["spec"]["containers"];
    same("after replace", &json!([containers[0]["name"], containers[1]["name"]]), json!(["d", null]))?;
    let scale =
        caller.patch("merge", &format!("{path}/scale"), &json!({ "spec": { "replicas": 0 } })).await?;
    same("scale", &scale.expect(200)?["kind"], json!("Scale"))
}

pub(super) async fn failed_tests_refuse(caller: &Caller) -> Outcome {
    caller.map("tested", json!({ "a": "1" })).await?;
    let path = caller.path("configmaps/tested");
    let patch =
        json!([{ "op": "test", "path": "/data/a", "value": "2" }, { "op": "remove", "path": "/data/a" }]);
    let refused = caller.patch("json", &path, &patch).await?;
    refused.refused(422, "Invalid", "the server rejected our request due to an error in our request")?;
    let still = caller.get(&path).await?.expect(200)?;
    same("data", &still["data"], json!({ "a": "1" }))
}

pub(super) async fn apply_owns_fields(caller: &Caller) -> Outcome {
    let path = caller.path("configmaps/applied");
    let map = |data: Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "applied" }, "data": data });
    caller.apply(&path, "one", &map(json!({ "a": "1", "b": "1" }))).await?.expect(201)?;
    let again = caller.apply(&path, "one", &map(json!({ "a": "1" }))).await?.expect(200)?;
    same("what is no longer wanted", &again["data"], json!({ "a": "1" }))?;
    caller.apply(&path, "two", &map(json!({ "a": "1", "c": "1" }))).await?.expect(200)?;
    let refused = caller.apply(&path, "two", &map(json!({ "a": "2", "c": "1" }))).await?;
    let causes = refused.body["details"]["causes"].clone();
    refused.refused(409, "Conflict", "Apply failed with 1 conflict: conflict with \"one\": .data.a")?;
    let wanted =
        json!([{ "reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".data.a" }]);
    same("causes", &causes, wanted)?;
    let forced =
        caller.apply(&format!("{path}?force=true"), "two", &map(json!({ "a": "2", "c": "1" }))).await?;
    same("forced", &forced.expect(200)?["data"], json!({ "a": "2", "c": "1" }))?;
    let patch = json!({ "data": { "a": "3" } });
    let patched = caller.patch("merge", &format!("{path}?fieldManager=hand"), &patch).await?.expect(200)?;
    let refused = caller.apply(&path, "two", &map(json!({ "a": "2", "c": "1" }))).await?;
    refused.refused(
        409,
        "Conflict",
        "Apply failed with 1 conflict: conflict with \"hand\" using v1: .data.a",
    )?;
    let managers: Vec<String> = patched["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| format!("{} {}", text(entry, "/manager"), text(entry, "/operation")))
        .collect();
    ensure(managers.contains(&"hand Update".to_owned()), || format!("{managers:?}"))?;
    let refused =
        caller.send(http::Method::PATCH, &path, "application/apply-patch+yaml", &map(json!({}))).await?;
    refused.refused(422, "Invalid", "fieldManager: Required value: is required for apply patch")
}
