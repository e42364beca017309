//! Figures and failures of turns that are written down by hand.

use super::*;
use crate::load::audit;

fn moment(milliseconds: u64) -> Moment {
    serde_json::from_value(serde_json::json!(milliseconds * 1_000_000)).expect("a moment")
}

fn record(value: serde_json::Value) -> Record {
    serde_json::from_value(value).expect("a record")
}

/// Ten pods, one every 10 ms, each running after 4 ms and gone at 1 000 ms and later.
fn measured(record: Option<Record>) -> Measurements {
    let pods = (0..10).map(|number| Times {
        uid: format!("u{number}"),
        created: Some(moment(100 + number * 10)),
        running: Some(moment(104 + number * 10)),
        gone: Some(moment(1000 + number * 5)),
        ended: Some(moment(990 + number * 5)),
    });
    Measurements {
        pods: pods.collect(),
        failures: Vec::new(),
        used: None,
        api_server_cpu: None,
        writes: Some([
            audit::Writes { pods: 20, events: 10, others: 1, requests: 40, ended_watches: 2 },
            audit::Writes { pods: 20, events: 0, others: 1, requests: 30, ended_watches: 2 },
        ]),
        turned: moment(900),
        ready_seconds: None,
        steady: None,
        restart: None,
        record,
    }
}

#[test]
fn rates_spans_and_writes_are_those_of_the_pods() {
    let turn = evaluate(Contestant::Kwok, 2, 10, &measured(None));
    assert_eq!((turn.contestant, turn.round), ("kwok", 2));
    let rounded = |rate: Option<f64>| rate.map(f64::round);
    assert_eq!((rounded(turn.up_per_second), rounded(turn.down_per_second)), (Some(100.0), Some(200.0)));
    assert_eq!(turn.to_running_ms.map(|spans| (spans.p50, spans.p99)), Some((4.0, 4.0)));
    let writes = turn.writes.expect("counted");
    assert_eq!((writes.up_per_pod, writes.down_per_pod, writes.events_per_pod), (2.0, 3.0, 1.0));
    assert_eq!(turn.failures, Vec::<String>::new());
    assert!(turn.cloud_calls.is_none() && turn.to_launch_ms.is_none());
}

#[test]
fn the_first_launch_of_a_pod_counts_and_calls_before_the_pods_do_not() {
    let launches: Vec<_> = (0..10)
        .flat_map(|number| [(102 + number * 10, "i-1"), (500, "i-1")].map(|(at, id)| (number, at, id)))
        .map(|(number, at, id)| {
            serde_json::json!({ "pod": format!("u{number}"), "sent": moment(at), "instance": id })
        })
        .collect();
    let calls = serde_json::json!({ "list": [moment(50), moment(950)] });
    let value = serde_json::json!({ "launches": launches, "calls": calls, "alive": 0 });
    let turn = evaluate(Contestant::Orca, 1, 10, &measured(Some(record(value))));
    assert_eq!(turn.to_launch_ms.map(|spans| spans.p99), Some(2.0));
    let calls = turn.cloud_calls.expect("recorded");
    assert_eq!((calls.launches_per_pod, calls.others_per_pod), (2.0, 0.1));
    assert_eq!(turn.failures, Vec::<String>::new(), "one instance, asked for twice");
}

#[test]
fn a_second_instance_an_instance_that_is_left_and_a_failed_pod_are_failures() {
    let value = serde_json::json!({
        "launches": [
            { "pod": "u1", "sent": 1, "instance": "i-1" },
            { "pod": "u1", "sent": 2, "instance": "i-2" },
        ],
        "calls": {},
        "alive": 1,
    });
    let mut measured = measured(Some(record(value)));
    measured.pods[3].ended = Some(moment(300));
    let turn = evaluate(Contestant::Orca, 1, 10, &measured);
    let expected =
        ["1 pods failed or ended by themselves", "1 pods got more than one instance", "1 instances are left"];
    assert_eq!(turn.failures, expected);
}
