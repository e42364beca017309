//! Watches: from a list on, nothing is missed.

use serde_json::{Value, json};

use super::Outcome;
use super::caller::{Caller, ensure, same, text};

fn told(events: &[(String, Value)]) -> Vec<String> {
    events.iter().map(|(kind, object)| format!("{kind} {}", text(object, "/metadata/name"))).collect()
}

pub(super) async fn nothing_is_missed(caller: &Caller) -> Outcome {
    let maps = caller.path("configmaps");
    let list = caller.get(&maps).await?.expect(200)?;
    let from = text(&list, "/metadata/resourceVersion").to_owned();
    caller.map("seen", json!({ "a": "1" })).await?;
    let path = caller.path("configmaps/seen");
    caller.patch("merge", &path, &json!({ "data": { "a": "2" } })).await?.expect(200)?;
    caller.delete(&path, &Value::Null).await?.expect(200)?;
    let events = caller.watch(&format!("{maps}?resourceVersion={from}"), 3).await?;
    same("events", &json!(told(&events)), json!(["ADDED seen", "MODIFIED seen", "DELETED seen"]))?;
    let numbers: Vec<u64> = events.iter().map(|(_, object)| super::caller::version(object)).collect();
    ensure(numbers.is_sorted() && numbers.iter().all(|number| *number > 0), || format!("{numbers:?}"))
}

pub(super) async fn selectors_have_transitions(caller: &Caller) -> Outcome {
    let maps = caller.path("configmaps");
    let list = caller.get(&maps).await?.expect(200)?;
    let from = text(&list, "/metadata/resourceVersion").to_owned();
    caller.map("moved", json!({})).await?;
    let path = caller.path("configmaps/moved");
    for label in [json!("in"), json!("in"), json!("out")] {
        let patch = json!({ "metadata": { "labels": { "place": label } }, "data": { "a": label } });
        caller.patch("merge", &path, &patch).await?.expect(200)?;
    }
    let patch = json!({ "metadata": { "labels": { "place": "in" } } });
    caller.patch("merge", &path, &patch).await?.expect(200)?;
    caller.patch("merge", &path, &json!({ "data": { "a": "in" } })).await?.expect(200)?;
    caller.delete(&path, &Value::Null).await?.expect(200)?;
    let events = caller.watch(&format!("{maps}?labelSelector=place%3Din&resourceVersion={from}"), 5).await?;
    let wanted = ["ADDED moved", "DELETED moved", "ADDED moved", "MODIFIED moved", "DELETED moved"];
    same("events", &json!(told(&events)), json!(wanted))?;
    // Who leaves is shown as it was last selected.
    same("label of the first farewell", &events[1].1["metadata"]["labels"]["place"], json!("in"))
}

pub(super) async fn initial_events_end_with_a_bookmark(caller: &Caller) -> Outcome {
    caller.map("initial", json!({})).await?;
    let selector = "fieldSelector=metadata.name%3Dinitial";
    let options = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let maps = caller.path("configmaps");
    let events = caller.watch(&format!("{maps}?{selector}&{options}"), 2).await?;
    same("events", &json!(told(&events)), json!(["ADDED initial", "BOOKMARK "]))?;
    let mark = &events[1].1["metadata"]["annotations"]["k8s.io/initial-events-end"];
    same("mark", mark, json!("true"))?;
    let refused =
        caller.get(&format!("{maps}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true")).await?;
    refused.refused(422, "Invalid", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
}
