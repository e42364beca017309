//! The garbage collector alone.

use serde_json::json;

use super::super::harness::Harness;
use super::*;
use crate::fake_kube::resource::{CONFIGMAPS, JOBS};

fn harness() -> Harness {
    Harness::new(vec![Box::<GarbageCollector>::default()])
}

fn object(name: &str, owners: &[&Object]) -> Value {
    let references: Vec<Value> =
        owners.iter().map(|owner| super::super::pods::controller_reference(owner)).collect();
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "default", "ownerReferences": references },
    })
}

fn names(harness: &Harness) -> Vec<String> {
    harness.list(&CONFIGMAPS).iter().map(|one| one.name().to_owned()).collect()
}

fn with(propagation: Propagation) -> DeleteOptions {
    DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn dependents_go_after_their_owner_and_theirs_after_them() {
    let mut harness = harness();
    let top = harness.create(object("top", &[]));
    let middle = harness.create(object("middle", &[&top]));
    harness.create(object("leaf", &[&middle]));
    harness.create(object("other", &[]));
    harness.run_to_rest();
    assert_eq!(names(&harness).len(), 4);
    harness.delete(&top, &with(Propagation::Background));
    harness.run_to_rest();
    assert_eq!(names(&harness), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn in_the_foreground_the_owner_goes_last() {
    let mut harness = harness();
    let top = harness.create(object("top", &[]));
    let mut held = object("held", &[&top]);
    held["metadata"]["finalizers"] = json!(["x.example/y"]);
    let held = harness.create(held);
    harness.delete(&top, &with(Propagation::Foreground));
    harness.run_to_rest();
    assert_eq!(names(&harness), ["held", "top"]);
    harness.update(&held, |value| value["metadata"]["finalizers"] = json!([]));
    harness.run_to_rest();
    assert!(names(&harness).is_empty());
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_without_the_owner() {
    let mut harness = harness();
    let top = harness.create(object("top", &[]));
    harness.create(object("child", &[&top]));
    harness.delete(&top, &with(Propagation::Orphan));
    harness.run_to_rest();
    assert_eq!(names(&harness), ["child"]);
    assert_eq!(harness.get(&CONFIGMAPS, "child").owners().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_living_owner_is_enough() {
    let mut harness = harness();
    let (one, two) = (harness.create(object("one", &[])), harness.create(object("two", &[])));
    harness.create(object("child", &[&one, &two]));
    harness.delete(&one, &with(Propagation::Background));
    harness.run_to_rest();
    assert_eq!(names(&harness), ["child", "two"]);
    assert_eq!(harness.get(&CONFIGMAPS, "child").owners().collect::<Vec<_>>(), [two.uid()]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_never_was_or_is_another_one_by_now_counts_as_gone() {
    let mut harness = harness();
    let top = harness.create(object("top", &[]));
    harness.delete(&top, &with(Propagation::Background));
    harness.create(object("top", &[]));
    harness.create(object("late", &[&top]));
    harness.run_to_rest();
    assert_eq!(names(&harness), ["top"]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_of_an_unknown_kind_is_not_judged() {
    let mut harness = harness();
    let mut child = object("child", &[]);
    child["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "x.example/v1", "kind": "Thing", "name": "t", "uid": "u" }]);
    harness.create(child);
    harness.run_to_rest();
    assert_eq!(names(&harness), ["child"]);
    assert!(harness.list(&JOBS).is_empty());
}
