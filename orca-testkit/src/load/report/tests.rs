//! Medians, ratios, and the two forms of a result.

use clap::Parser as _;

use super::*;
use crate::load::args::Args;

fn turn(contestant: &'static str, round: u32, up: f64, failures: &[&str]) -> Turn {
    Turn {
        contestant,
        round,
        up_per_second: Some(up),
        down_per_second: None,
        up_seconds: Some(4.0),
        down_seconds: None,
        to_running_ms: Some(Percentiles { p50: 3.0, p90: 5.0, p99: 9.0 }),
        to_launch_ms: None,
        writes: Some(Writes {
            up_per_pod: 2.0,
            down_per_pod: 3.0,
            events_per_pod: 0.5,
            others: 4,
            ended_watches: 1,
        }),
        cloud_calls: None,
        cpu_seconds: Some(2.5),
        peak_mib: Some(40.0),
        api_server_cpu_seconds: None,
        ready_seconds: None,
        steady: None,
        restart: None,
        failures: failures.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn report(turns: Vec<Turn>) -> Report {
    let load = Args::try_parse_from(["orca-load", "--rate=100"]).expect("a command line").load;
    Report::new(&load, turns)
}

#[test]
fn ratios_are_of_medians_and_failed_turns_do_not_count() {
    let turns = vec![
        turn("orca", 1, 300.0, &[]),
        turn("kwok", 1, 200.0, &[]),
        turn("orca", 2, 1.0, &["only 5 of 1000 pods were running within 60 s"]),
        turn("kwok", 2, 100.0, &[]),
    ];
    let report = report(turns);
    assert!(!report.is_good());
    let value = serde_json::to_value(&report).expect("JSON");
    assert_eq!(value["medians"][0]["upPerSecond"], 300.0);
    assert_eq!(value["medians"][1]["upPerSecond"], 150.0);
    assert_eq!(value["ratios"][0]["to"], "kwok");
    assert_eq!(value["ratios"][0]["upPerSecond"], 2.0);
    assert_eq!(value["ratios"][0]["downPerSecond"], serde_json::Value::Null);
}

#[test]
fn the_tables_show_turns_medians_ratios_and_failures() {
    let turns = vec![turn("orca", 1, 300.0, &[]), turn("kwok", 1, 200.0, &["2 instances are left"])];
    let text = render(&report(turns));
    for part in ["1000 pods a turn", "100/s", "orca, median", "kwok 1 (failed)", "2 instances are left"] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(text.lines().all(|line| line.len() <= 140), "{text}");
}
