//! The garbage collector alone.

use serde_json::json;

use super::super::bench::Bench;
use super::*;
use crate::fake_kube::resource::{CONFIGMAPS, JOBS};

fn bench() -> Bench {
    Bench::new(vec![Box::<GarbageCollector>::default()])
}

fn object(name: &str, owners: &[&Object]) -> Value {
    let references: Vec<Value> =
        owners.iter().map(|owner| super::super::pods::controller_reference(owner)).collect();
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": "default", "ownerReferences": references },
    })
}

fn names(bench: &Bench) -> Vec<String> {
    bench.list(&CONFIGMAPS).iter().map(|one| one.name().to_owned()).collect()
}

fn with(propagation: Propagation) -> DeleteOptions {
    DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() }
}

#[tokio::test(start_paused = true)]
async fn dependents_go_after_their_owner_and_theirs_after_them() {
    let mut bench = bench();
    let top = bench.create(object("top", &[]));
    let middle = bench.create(object("middle", &[&top]));
    bench.create(object("leaf", &[&middle]));
    bench.create(object("other", &[]));
    bench.settle();
    assert_eq!(names(&bench).len(), 4);
    bench.delete(&top, &with(Propagation::Background));
    bench.settle();
    assert_eq!(names(&bench), ["other"]);
}

#[tokio::test(start_paused = true)]
async fn in_the_foreground_the_owner_goes_last() {
    let mut bench = bench();
    let top = bench.create(object("top", &[]));
    let mut held = object("held", &[&top]);
    held["metadata"]["finalizers"] = json!(["x.example/y"]);
    let held = bench.create(held);
    bench.delete(&top, &with(Propagation::Foreground));
    bench.settle();
    assert_eq!(names(&bench), ["held", "top"]);
    bench.update(&held, |value| value["metadata"]["finalizers"] = json!([]));
    bench.settle();
    assert!(names(&bench).is_empty());
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_without_the_owner() {
    let mut bench = bench();
    let top = bench.create(object("top", &[]));
    bench.create(object("child", &[&top]));
    bench.delete(&top, &with(Propagation::Orphan));
    bench.settle();
    assert_eq!(names(&bench), ["child"]);
    assert_eq!(bench.get(&CONFIGMAPS, "child").owners().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_living_owner_is_enough() {
    let mut bench = bench();
    let (one, two) = (bench.create(object("one", &[])), bench.create(object("two", &[])));
    bench.create(object("child", &[&one, &two]));
    bench.delete(&one, &with(Propagation::Background));
    bench.settle();
    assert_eq!(names(&bench), ["child", "two"]);
    assert_eq!(bench.get(&CONFIGMAPS, "child").owners().collect::<Vec<_>>(), [two.uid()]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_never_was_or_is_another_one_by_now_counts_as_gone() {
    let mut bench = bench();
    let top = bench.create(object("top", &[]));
    bench.delete(&top, &with(Propagation::Background));
    bench.create(object("top", &[]));
    bench.create(object("late", &[&top]));
    bench.settle();
    assert_eq!(names(&bench), ["top"]);
}

#[tokio::test(start_paused = true)]
async fn an_owner_of_an_unknown_kind_is_not_judged() {
    let mut bench = bench();
    let mut child = object("child", &[]);
    child["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "x.example/v1", "kind": "Thing", "name": "t", "uid": "u" }]);
    bench.create(child);
    bench.settle();
    assert_eq!(names(&bench), ["child"]);
    assert!(bench.list(&JOBS).is_empty());
}
