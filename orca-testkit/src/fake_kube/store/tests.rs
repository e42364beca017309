//! The store by itself: order, preconditions, deletions, subscriptions.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::fake_kube::FakeKube;
use crate::fake_kube::resource::{CONFIGMAPS, NAMESPACES, PODS};

fn store() -> Arc<Store> {
    let kube = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
    Arc::clone(kube.store())
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "default" },
        "spec": { "containers": [{ "name": "c", "image": "i" }], "terminationGracePeriodSeconds": 30 },
        "status": { "phase": "Pending" },
    })
}

fn bind(store: &Store, name: &str) {
    let bound = store.update(&PODS, "default", name, |pod| {
        pod["spec"]["nodeName"] = "n".into();
        Ok(())
    });
    bound.expect("bound");
}

#[test]
fn the_same_seed_gives_the_same_uids() {
    let uid = || store().create(&PODS, pod("a")).expect("created").uid().to_owned();
    assert_eq!(uid(), uid());
    assert_eq!(uid().len(), 36);
    assert_eq!(uid().as_bytes()[14], b'4');
}

#[test]
fn a_change_of_nothing_writes_nothing() {
    let store = store();
    let created = store.create(&PODS, pod("a")).expect("created");
    let same = store.update(&PODS, "default", "a", |_| Ok(())).expect("updated");
    assert_eq!(created.version(), same.version());
    assert_eq!(store.revision(), same.version());
}

#[test]
fn generation_counts_wishes_and_the_server_keeps_its_fields() {
    let store = store();
    let created = store.create(&PODS, pod("a")).expect("created");
    assert_eq!(created.number("/metadata/generation"), Some(1));
    let changed = store.update(&PODS, "default", "a", |pod| {
        pod["status"]["phase"] = "Running".into();
        pod["metadata"]["uid"] = "other".into();
        Ok(())
    });
    let changed = changed.expect("updated");
    assert_eq!(changed.number("/metadata/generation"), Some(1));
    assert_eq!(changed.uid(), created.uid());
    bind(&store, "a");
    let bound = store.get(&PODS, "default", "a").expect("found");
    assert_eq!(bound.number("/metadata/generation"), Some(1), "the choice of a node is no wish");
    let changed = store.update(&PODS, "default", "a", |pod| {
        pod["spec"]["activeDeadlineSeconds"] = 9.into();
        Ok(())
    });
    assert_eq!(changed.expect("updated").number("/metadata/generation"), Some(2));
}

#[test]
fn a_pod_on_a_node_is_marked_first() {
    let store = store();
    store.create(&PODS, pod("a")).expect("created");
    bind(&store, "a");
    let all = DeleteOptions::default();
    let Deleted::Pending(marked) = store.delete(&PODS, "default", "a", &all).expect("deleted") else {
        panic!("gone at once");
    };
    assert_eq!(marked.number("/metadata/deletionGracePeriodSeconds"), Some(30));
    let again = store.delete(&PODS, "default", "a", &all).expect("deleted");
    assert_eq!(again.object().version(), marked.version());
    let wrong = DeleteOptions { uid: Some("x".to_owned()), ..DeleteOptions::default() };
    assert_eq!(store.delete(&PODS, "default", "a", &wrong).expect_err("refused").code, 409);
    let now = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
    assert!(matches!(store.delete(&PODS, "default", "a", &now), Ok(Deleted::Gone(_))));
    assert_eq!(store.get(&PODS, "default", "a").expect_err("gone").code, 404);
}

#[test]
fn a_pod_without_a_node_goes_at_once() {
    let store = store();
    store.create(&PODS, pod("a")).expect("created");
    assert!(matches!(store.delete(&PODS, "default", "a", &DeleteOptions::default()), Ok(Deleted::Gone(_))));
}

#[test]
fn a_finalizer_keeps_an_object_until_it_is_taken() {
    let store = store();
    let mut object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "default" } });
    object["metadata"]["finalizers"] = json!(["x.example/y"]);
    store.create(&CONFIGMAPS, object).expect("created");
    let deleted = store.delete(&CONFIGMAPS, "default", "a", &DeleteOptions::default()).expect("deleted");
    assert!(matches!(deleted, Deleted::Pending(_)));
    let freed = store.update(&CONFIGMAPS, "default", "a", |object| {
        object["metadata"]["finalizers"] = json!([]);
        Ok(())
    });
    freed.expect("updated");
    assert_eq!(store.get(&CONFIGMAPS, "default", "a").expect_err("gone").code, 404);
}

#[test]
fn an_ending_namespace_takes_nothing_new() {
    let store = store();
    let deleted = store.delete(&NAMESPACES, "", "default", &DeleteOptions::default()).expect("deleted");
    assert_eq!(deleted.object().text("/status/phase"), "Terminating");
    assert_eq!(store.create(&PODS, pod("a")).expect_err("refused").code, 403);
}

#[tokio::test]
async fn a_subscription_sees_every_change_in_order() {
    let store = store();
    let mut changes = store.subscribe(&[&PODS, &CONFIGMAPS]);
    store.create(&PODS, pod("a")).expect("created");
    bind(&store, "a");
    let now = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
    store.delete(&PODS, "default", "a", &now).expect("deleted");
    for kind in [ChangeKind::Added, ChangeKind::Modified, ChangeKind::Deleted] {
        assert_eq!(changes.next().await.expect("not lagged").kind, kind);
    }
    assert!(changes.try_next().expect("not lagged").is_none());
}

#[test]
fn a_slow_reader_learns_that_it_lags() {
    let mut options = Options::new(orca_core::clock::system(), 1);
    options.remembered_changes = 2;
    let store = Arc::clone(FakeKube::new(&options).store());
    let mut changes = store.subscribe(&[&PODS]);
    for name in ["a", "b", "c"] {
        store.create(&PODS, pod(name)).expect("created");
    }
    changes.try_next().expect_err("one change is forgotten");
}

#[test]
fn a_store_that_is_set_back_has_what_it_had_and_tells_those_who_follow_it() {
    let store = store();
    let first = store.create(&PODS, pod("a")).expect("created");
    let snapshot = store.snapshot();
    let mut changes = store.subscribe(&[&PODS]);
    store.create(&PODS, pod("b")).expect("created");
    store.delete(&PODS, "default", "a", &DeleteOptions::default()).expect("deleted");
    let before = store.revision();
    store.restore(&snapshot);
    let names: Vec<String> = store.list(&PODS, None).0.iter().map(|pod| pod.name().to_owned()).collect();
    assert_eq!(names, ["a"]);
    assert_eq!(store.get(&PODS, "default", "a").expect("there").uid(), first.uid());
    assert!(store.revision() == snapshot.revision() && store.revision() < before);
    changes.try_next().expect_err("it has to list anew");
    let mut anew = store.subscribe_after(&[&PODS], before);
    store.create(&PODS, pod("c")).expect("created");
    assert!(anew.try_next().expect("not behind").is_none(), "a version that is not there yet says nothing");
}
