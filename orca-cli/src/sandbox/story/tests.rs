//! Each step of a life is told once.

use serde_json::json;

use super::*;

fn told(resource: &str, states: &[Value]) -> Vec<String> {
    let mut before = None;
    let mut lines = Vec::new();
    for after in states.iter().map(Some).chain([None]) {
        lines.extend(tell(resource, before, after));
        before = after;
    }
    lines
        .iter()
        .map(|line| format!("{} {} {}", line.subject, line.what, line.detail).trim_end().to_owned())
        .collect()
}

#[test]
fn a_pods_life_is_shown_step_by_step() {
    let pod = |node: &str, status: Value| {
        json!({
            "metadata": { "name": "train", "namespace": "default" },
            "spec": { "nodeName": node, "containers": [{ "image": "example.com/train" }] },
            "status": status,
        })
    };
    let ready = json!([{ "type": "Ready", "status": "True" }]);
    let mut deleted = pod("n", json!({ "phase": "Running", "conditions": ready }));
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    deleted["metadata"]["deletionGracePeriodSeconds"] = 30.into();
    let states = [
        pod("", json!({ "phase": "Pending" })),
        pod("n", json!({ "phase": "Pending" })),
        pod("n", json!({ "phase": "Pending", "message": "launching t3.micro" })),
        pod("n", json!({ "phase": "Running" })),
        pod("n", json!({ "phase": "Running" })),
        pod("n", json!({ "phase": "Running", "conditions": ready })),
        deleted,
    ];
    let expected = [
        "pod/train created example.com/train",
        "pod/train scheduled to n",
        "pod/train Pending launching t3.micro",
        "pod/train Running",
        "pod/train Ready",
        "pod/train deleting with 30 s of grace",
        "pod/train gone the object is removed",
    ];
    assert_eq!(told("pods", &states), expected);
}

#[test]
fn a_pod_that_nobody_can_place_says_why_once() {
    let unscheduled = json!({
        "metadata": { "name": "big", "namespace": "ml" },
        "status": { "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "message": "0/1 nodes" }] },
    });
    let lines = told("pods", &[unscheduled.clone(), unscheduled]);
    assert_eq!(lines[1..], ["pod/ml/big unschedulable 0/1 nodes", "pod/ml/big gone the object is removed"]);
}

#[test]
fn only_warnings_are_shown_of_events() {
    let event = |kind: &str| {
        json!({
            "type": kind, "reason": "InsufficientInstanceCapacity", "note": "none left",
            "regarding": { "kind": "Pod", "name": "train" },
        })
    };
    assert_eq!(told("events", &[event("Warning")]), ["pod/train InsufficientInstanceCapacity none left"]);
    assert!(told("events", &[event("Normal")]).is_empty());
}

#[test]
fn a_node_tells_when_it_is_ready_and_when_no_more() {
    let node = |status: &str| json!({ "metadata": { "name": "n" }, "status": { "conditions": [{ "type": "Ready", "status": status, "message": "m" }] } });
    let lines = told("nodes", &[node("True"), node("True"), node("Unknown")]);
    assert_eq!(lines, ["node/n registered", "node/n Ready m", "node/n not Ready m", "node/n gone"]);
}

#[test]
fn a_line_is_readable_by_people_and_by_machines() {
    let line = Line::new("pod/train", "Running", "", Tone::Good);
    assert_eq!(
        line.text(Duration::from_millis(1234), false),
        "   1.23s  pod/train                    Running"
    );
    assert!(line.text(Duration::ZERO, true).starts_with("\u{1b}[32m"));
    let object: Value = serde_json::from_str(&line.json(Duration::from_millis(1234))).expect("JSON");
    assert_eq!((&object["elapsedSeconds"], &object["tone"]), (&1.234.into(), &"good".into()));
}
