//! Patches against values, as kubectl sends them.

use serde_json::{Value, json};

use super::*;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::CONFIGMAPS;

#[test]
fn merge_patch_removes_with_null() {
    let value = json!({ "a": { "b": 1, "c": 2 }, "d": [1, 2] });
    let patched = merge::patch(value, &json!({ "a": { "b": null, "e": 3 }, "d": [3] }));
    assert_eq!(patched, json!({ "a": { "c": 2, "e": 3 }, "d": [3] }));
}

#[test]
fn json_patch_stops_at_a_failed_test() {
    let operations = json!([{ "op": "test", "path": "/a", "value": 2 }, { "op": "remove", "path": "/a" }]);
    assert_eq!(json::patch(json!({ "a": 1 }), &operations).expect_err("refused").code, 422);
}

#[track_caller]
fn strategic(value: Value, patch: Value, expected: Value) {
    assert_eq!(strategic::patch(value, &patch).expect("patched"), expected);
}

#[test]
fn strategic_patch_merges_lists_by_their_key() {
    let value = json!({ "containers": [{ "name": "a", "image": "1" }, { "name": "b", "image": "1" }] });
    let patch = json!({
        "$setElementOrder/containers": [{ "name": "b" }, { "name": "a" }],
        "containers": [{ "name": "b", "image": "2" }],
    });
    let expected = json!({ "containers": [{ "name": "b", "image": "2" }, { "name": "a", "image": "1" }] });
    strategic(value, patch, expected);
}

#[test]
fn strategic_patch_knows_its_directives() {
    let env = json!({ "env": [{ "name": "a", "value": "1" }, { "name": "b", "value": "1" }] });
    let patch = json!({ "env": [{ "name": "a", "$patch": "delete" }] });
    strategic(env.clone(), patch, json!({ "env": [{ "name": "b", "value": "1" }] }));
    let patch = json!({ "env": [{ "$patch": "replace" }, { "name": "c", "value": "1" }] });
    strategic(env, patch, json!({ "env": [{ "name": "c", "value": "1" }] }));
    let finalizers = json!({ "finalizers": ["a", "b"] });
    strategic(
        finalizers.clone(),
        json!({ "$deleteFromPrimitiveList/finalizers": ["a"] }),
        json!({ "finalizers": ["b"] }),
    );
    strategic(finalizers, json!({ "finalizers": ["c"] }), json!({ "finalizers": ["a", "b", "c"] }));
    let volume = json!({ "volumes": [{ "name": "v", "emptyDir": {} }] });
    let patch = json!({ "volumes": [{ "name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": { "path": "/" } }] });
    strategic(volume, patch, json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/" } }] }));
    let taints = json!({ "taints": [{ "key": "a" }, { "key": "b" }] });
    strategic(taints, json!({ "taints": [{ "key": "c" }] }), json!({ "taints": [{ "key": "c" }] }));
    strategic::patch(json!({}), &json!({ "env": [{ "value": "1" }] })).expect_err("no key");
}

fn owned(manager: &str, data: Value) -> Object {
    let value = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": data });
    let now = jiff::Timestamp::UNIX_EPOCH;
    Object::new(&CONFIGMAPS, managers::created(&CONFIGMAPS, value, manager, now), 1)
}

fn apply_as(
    manager: &str,
    force: bool,
    object: &Object,
    data: Value,
) -> Result<Value, crate::fake_kube::ApiError> {
    let wish = managers::Wish { manager: manager.to_owned(), force };
    let config =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": data });
    apply::patch(&CONFIGMAPS, object, &config, &wish)
}

#[test]
fn apply_conflicts_with_other_owners_of_other_values() {
    let object = owned("kubectl-create", json!({ "a": "1", "b": "1" }));
    let refused = apply_as("me", false, &object, json!({ "a": "2", "b": "1" })).expect_err("a conflict");
    let text = "Apply failed with 1 conflict: conflict with \"kubectl-create\" using v1: .data.a";
    assert_eq!((refused.code, refused.message.as_str()), (409, text));
    let forced = apply_as("me", true, &object, json!({ "a": "2" })).expect("forced");
    assert_eq!(forced["data"], json!({ "a": "2", "b": "1" }));
}

#[test]
fn apply_removes_what_its_manager_no_longer_wants() {
    let value = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": { "a": "1", "b": "1" },
    });
    let wish = managers::Wish { manager: "me".to_owned(), force: false };
    let value = managers::applied(&CONFIGMAPS, value.clone(), &value, &wish, jiff::Timestamp::UNIX_EPOCH);
    let object = Object::new(&CONFIGMAPS, value, 1);
    let applied = apply_as("me", false, &object, json!({ "b": "1" })).expect("applied");
    assert_eq!(applied["data"], json!({ "b": "1" }));
}

#[test]
fn fields_survive_their_written_form() {
    let pod = json!({ "spec": { "containers": [{ "name": "c", "ports": [{ "containerPort": 1 }] }] } });
    let fields = fields::of_object(&crate::fake_kube::resource::PODS, &pod);
    assert_eq!(fields::from_json(&fields::to_json(&fields)), fields);
    let shown: Vec<String> = fields.iter().map(|path| fields::display(path)).collect();
    assert!(shown.contains(&".spec.containers[name=\"c\"].name".to_owned()), "{shown:?}");
    assert!(fields.iter().all(|path| fields::at(&pod, path).is_some()));
}
