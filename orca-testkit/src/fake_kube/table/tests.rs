//! Rows as kubectl prints them.

use serde_json::json;

use super::*;
use crate::fake_kube::resource::{NODES, PODS};

#[test]
fn durations_are_human() {
    let cases = [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (660, "11m"),
        (10_860, "3h1m"),
        (36_000, "10h"),
        (180_000, "2d2h"),
        (864_000, "10d"),
        (94_608_000, "3y"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(age::human(seconds), expected);
    }
}

#[test]
fn a_pod_shows_what_says_most() {
    let pod = json!({
        "metadata": { "name": "p", "creationTimestamp": "2026-11-24T10:00:00Z" },
        "spec": { "containers": [{ "name": "c" }], "nodeName": "n" },
        "status": {
            "phase": "Pending",
            "containerStatuses": [{ "ready": false, "restartCount": 0, "state": { "waiting": { "reason": "Booting" } } }],
        },
    });
    let now = "2026-11-24T10:00:07Z".parse().expect("a time");
    let cells = cells(&Object::new(&PODS, pod, 1), now);
    assert_eq!(
        cells[..7],
        [json!("p"), json!("0/1"), json!("Booting"), json!("0"), json!("7s"), json!("<none>"), json!("n")]
    );
}

#[test]
fn a_node_shows_whether_it_takes_pods() {
    let node = json!({
        "metadata": { "name": "n", "labels": { "node-role.kubernetes.io/agent": "" } },
        "spec": { "unschedulable": true },
        "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
    });
    let cells = cells(&Object::new(&NODES, node, 1), Timestamp::UNIX_EPOCH);
    assert_eq!(cells[1..3], [json!("Ready,SchedulingDisabled"), json!("agent")]);
    assert_eq!(cells.len(), node::COLUMNS.len());
}
