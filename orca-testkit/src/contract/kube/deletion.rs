//! Ends: graceful, conditional, delayed.

use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Caller, ensure, same, text, version};

pub(super) async fn pods_end_gracefully(caller: &Caller) -> Outcome {
    caller.pod("bound", "nowhere").await?;
    let path = caller.path("pods/bound");
    let marked = caller.delete(&path, &Value::Null).await?.expect(200)?;
    same("grace", &marked["metadata"]["deletionGracePeriodSeconds"], json!(30))?;
    same("generation", &marked["metadata"]["generation"], json!(2))?;
    ensure(text(&marked, "/metadata/deletionTimestamp").ends_with('Z'), || marked.to_string())?;
    let again = caller.delete(&path, &Value::Null).await?.expect(200)?;
    same("version after a second deletion", &json!(version(&again)), json!(version(&marked)))?;
    let longer = caller.delete(&path, &json!({ "gracePeriodSeconds": 60 })).await?.expect(200)?;
    same("grace after a longer one", &longer["metadata"]["deletionGracePeriodSeconds"], json!(30))?;
    let shorter = caller.delete(&path, &json!({ "gracePeriodSeconds": 5 })).await?.expect(200)?;
    same("grace after a shorter one", &shorter["metadata"]["deletionGracePeriodSeconds"], json!(5))?;
    caller.delete(&path, &json!({ "gracePeriodSeconds": 0 })).await?.expect(200)?;
    caller.get(&path).await?.refused(404, "NotFound", "pods \"bound\" not found")?;

    let free = caller.pod("free", "").await?;
    let gone = caller.delete(&caller.path("pods/free"), &Value::Null).await?.expect(200)?;
    same("the answer is the pod", &gone["metadata"]["uid"], free["metadata"]["uid"].clone())?;
    same("its grace", &gone["metadata"]["deletionGracePeriodSeconds"], json!(0))?;
    caller.get(&caller.path("pods/free")).await?.expect(404)?;

    caller.pod("ended", "nowhere").await?;
    let status = json!({ "status": { "phase": "Succeeded" } });
    caller.patch("merge", &caller.path("pods/ended/status"), &status).await?.expect(200)?;
    caller.delete(&caller.path("pods/ended"), &Value::Null).await?.expect(200)?;
    caller.get(&caller.path("pods/ended")).await?.expect(404).map(|_| ())
}

pub(super) async fn preconditions_hold(caller: &Caller) -> Outcome {
    let pod = caller.pod("guarded", "nowhere").await?;
    let path = caller.path("pods/guarded");
    let other = "00000000-0000-4000-8000-000000000000";
    let wrong = json!({ "gracePeriodSeconds": 0, "preconditions": { "uid": other } });
    let uid = text(&pod, "/metadata/uid");
    let why = format!("the UID in the precondition ({other}) does not match the UID in record ({uid})");
    caller.delete(&path, &wrong).await?.refused(409, "Conflict", &why)?;
    let stale = json!({ "preconditions": { "resourceVersion": "1" } });
    let refused = caller.delete(&path, &stale).await?;
    refused.refused(409, "Conflict", "the ResourceVersion in the precondition (1) does not match")?;
    let right = json!({ "gracePeriodSeconds": 0, "preconditions": { "uid": uid } });
    caller.delete(&path, &right).await?.expect(200).map(|_| ())
}

pub(super) async fn finalizers_keep(caller: &Caller) -> Outcome {
    let map = json!({ "metadata": { "name": "kept", "finalizers": ["example.com/kept"] } });
    caller.post(&caller.path("configmaps"), &map).await?.expect(201)?;
    let path = caller.path("configmaps/kept");
    let marked = caller.delete(&path, &Value::Null).await?.expect(200)?;
    same("grace", &marked["metadata"]["deletionGracePeriodSeconds"], json!(0))?;
    let more = json!({ "metadata": { "finalizers": ["example.com/kept", "example.com/more"] } });
    let text = "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, \
                found new finalizers []string{\"example.com/more\"}";
    caller.patch("merge", &path, &more).await?.refused(422, "Invalid", text)?;
    caller.patch("merge", &path, &json!({ "metadata": { "finalizers": null } })).await?.expect(200)?;
    caller.get(&path).await?.expect(404)?;

    let mut pod = super::caller::pod("kept", "nowhere");
    pod["metadata"]["finalizers"] = json!(["example.com/kept"]);
    caller.post(&caller.path("pods"), &pod).await?.expect(201)?;
    let path = caller.path("pods/kept");
    caller.delete(&path, &json!({ "gracePeriodSeconds": 0 })).await?.expect(200)?;
    caller.get(&path).await?.expect(200)?;
    caller.patch("merge", &path, &json!({ "metadata": { "finalizers": null } })).await?.expect(200)?;
    caller.get(&path).await?.expect(404).map(|_| ())
}

pub(super) async fn collections_are_deleted(caller: &Caller) -> Outcome {
    for name in ["many-a", "many-b"] {
        let map = json!({ "metadata": { "name": name, "labels": { "many": "yes" } } });
        caller.post(&caller.path("configmaps"), &map).await?.expect(201)?;
    }
    let path = caller.path("configmaps?labelSelector=many%3Dyes");
    caller.delete(&path, &Value::Null).await?.expect(200)?;
    let left = caller.get(&path).await?.expect(200)?;
    same("left", &left["items"], json!([]))
}

pub(super) async fn deletion_of_other_kinds_is_reported(caller: &Caller) -> Outcome {
    let map = caller.map("told", json!({})).await?;
    let path = caller.path("configmaps/told");
    let status = caller.delete(&path, &Value::Null).await?.expect(200)?;
    same("kind", &status["kind"], json!("Status"))?;
    same("status", &status["status"], json!("Success"))?;
    let wanted = json!({ "name": "told", "kind": "configmaps", "uid": map["metadata"]["uid"] });
    same("details", &status["details"], wanted)?;
    caller.delete(&path, &Value::Null).await?.refused(404, "NotFound", "configmaps \"told\" not found")?;

    let map = json!({ "metadata": { "name": "foreground", "finalizers": ["example.com/kept"] } });
    caller.post(&caller.path("configmaps"), &map).await?.expect(201)?;
    let path = caller.path("configmaps/foreground");
    let marked = caller.delete(&path, &json!({ "propagationPolicy": "Foreground" })).await?.expect(200)?;
    same("finalizers", &marked["metadata"]["finalizers"], json!(["example.com/kept", "foregroundDeletion"]))?;
    caller
        .patch("merge", &path, &json!({ "metadata": { "finalizers": null } }))
        .await?
        .expect(200)
        .map(|_| ())
}

pub(super) async fn dry_runs_change_nothing(caller: &Caller) -> Outcome {
    let map = json!({ "metadata": { "name": "dry" } });
    let made = caller.post(&caller.path("configmaps?dryRun=All"), &map).await?.expect(201)?;
    ensure(text(&made, "/metadata/uid").len() == 36, || made.to_string())?;
    caller.get(&caller.path("configmaps/dry")).await?.expect(404)?;
    let made = caller.map("wet", json!({ "a": "1" })).await?;
    let path = caller.path("configmaps/wet?dryRun=All");
    let patched = caller.patch("merge", &path, &json!({ "data": { "a": "2" } })).await?.expect(200)?;
    same("answer", &patched["data"]["a"], json!("2"))?;
    caller.delete(&path, &Value::Null).await?.expect(200)?;
    let still = caller.get(&caller.path("configmaps/wet")).await?.expect(200)?;
    same("version", &still["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"].clone())
}
