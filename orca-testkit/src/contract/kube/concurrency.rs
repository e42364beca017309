//! Writers that do not know of each other.

use serde_json::json;

use super::Outcome;
use super::caller::{Caller, ensure, same, text, version};

const STALE: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

pub(super) async fn stale_writes_conflict(caller: &Caller) -> Outcome {
    let old = caller.map("stale", json!({ "a": "1" })).await?;
    let path = caller.path("configmaps/stale");
    let mut new = old.clone();
    new["data"]["a"] = "2".into();
    caller.put(&path, &new).await?.expect(200)?;
    caller.put(&path, &new).await?.refused(409, "Conflict", STALE)?;
    let patch = json!({ "metadata": { "resourceVersion": old["metadata"]["resourceVersion"] }, "data": { "a": "3" } });
    caller.patch("merge", &path, &patch).await?.refused(409, "Conflict", STALE)?;
    // Without a version, the last writer wins.
    if let Some(metadata) = new["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    caller.put(&path, &new).await?.expect(200)?;
    new["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000".into();
    caller.put(&path, &new).await?.refused(409, "Conflict", "UID in precondition")?;
    let patch = json!({ "metadata": { "uid": "00000000-0000-4000-8000-000000000000" } });
    let refused = caller.patch("merge", &path, &patch).await?;
    ensure(matches!(refused.code, 409 | 422), || format!("a patch of the UID: {refused:?}"))
}

pub(super) async fn versions_grow(caller: &Caller) -> Outcome {
    let one = caller.map("grow-one", json!({})).await?;
    let two = caller.map("grow-two", json!({})).await?;
    let list = caller.get(&caller.path("configmaps")).await?.expect(200)?;
    let versions = [version(&one), version(&two), version(&list)];
    ensure(0 < versions[0] && versions[0] < versions[1] && versions[1] <= versions[2], || {
        format!("{versions:?}")
    })
}

pub(super) async fn nothing_changed_writes_nothing(caller: &Caller) -> Outcome {
    let made = caller.map("unchanged", json!({ "a": "1" })).await?;
    let path = caller.path("configmaps/unchanged");
    let put = caller.put(&path, &made).await?.expect(200)?;
    let patched = caller.patch("merge", &path, &json!({ "data": { "a": "1" } })).await?.expect(200)?;
    same("after put", &put["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"].clone())?;
    same("after patch", &patched["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"].clone())
}

pub(super) async fn leases_are_renewed(caller: &Caller) -> Outcome {
    let path = caller.path_of("coordination.k8s.io", "leases");
    let lease = json!({
        "metadata": { "name": "lease" },
        "spec": { "holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-01-01T00:00:00.123456Z" },
    });
    let made = caller.post(&path, &lease).await?.expect(201)?;
    same("renewTime", &made["spec"]["renewTime"], json!("2026-01-01T00:00:00.123456Z"))?;
    let path = format!("{path}/lease");
    let mut renewed = made.clone();
    renewed["spec"]["renewTime"] = "2026-01-01T00:00:10.000000Z".into();
    let written = caller.put(&path, &renewed).await?.expect(200)?;
    ensure(version(&written) > version(&made), || "the version does not grow".to_owned())?;
    caller.put(&path, &renewed).await?.refused(409, "Conflict", STALE)?;
    let patch = json!({ "spec": { "leaseDurationSeconds": 0 } });
    let text = "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0";
    caller.patch("merge", &path, &patch).await?.refused(422, "Invalid", text)
}

pub(super) async fn names_are_taken_once(caller: &Caller) -> Outcome {
    caller.map("taken", json!({})).await?;
    let again = json!({ "metadata": { "name": "taken" } });
    let maps = caller.path("configmaps");
    caller.post(&maps, &again).await?.refused(409, "AlreadyExists", "configmaps \"taken\" already exists")?;
    let drawn = json!({ "metadata": { "generateName": "drawn-" } });
    let one = caller.post(&maps, &drawn).await?.expect(201)?;
    let two = caller.post(&maps, &drawn).await?.expect(201)?;
    let (one, two) = (text(&one, "/metadata/name"), text(&two, "/metadata/name"));
    let is_drawn = |name: &str| name.starts_with("drawn-") && name.len() == "drawn-".len() + 5;
    ensure(is_drawn(one) && is_drawn(two) && one != two, || format!("{one}, {two}"))
}
