//! The result as tables for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{FIGURES, Report};

/// A column: its head, its figure's name, and how many digits stand behind the point.
type Column = (&'static str, &'static str, usize);

const SPEED: [Column; 11] = [
    ("ready s", "readySeconds", 2),
    ("up/s", "upPerSecond", 1),
    ("down/s", "downPerSecond", 1),
    ("up s", "upSeconds", 2),
    ("down s", "downSeconds", 2),
    ("Running p50 ms", "toRunningP50Ms", 1),
    ("p90", "toRunningP90Ms", 1),
    ("p99", "toRunningP99Ms", 1),
    ("launch p50 ms", "toLaunchP50Ms", 1),
    ("p90", "toLaunchP90Ms", 1),
    ("p99", "toLaunchP99Ms", 1),
];

const COST: [Column; 8] = [
    ("writes up", "writesUpPerPod", 2),
    ("writes down", "writesDownPerPod", 2),
    ("events", "eventsPerPod", 2),
    ("watches", "endedWatches", 0),
    ("cloud calls", "cloudCallsPerPod", 2),
    ("CPU s", "cpuSeconds", 2),
    ("peak MiB", "peakMib", 1),
    ("API server CPU s", "apiServerCpuSeconds", 2),
];

const STANDING: [Column; 7] = [
    ("CPU %", "steadyCpuPercent", 2),
    ("MiB", "steadyMemoryMib", 1),
    ("requests/min", "steadyRequestsPerMinute", 1),
    ("cloud calls/min", "steadyCloudCallsPerMinute", 1),
    ("restart s", "restartSeconds", 2),
    ("pages", "restartPages", 0),
    ("pod writes", "restartPodWrites", 0),
];

/// A row: what it is about, and its figures by name.
type Row<'a> = (String, BTreeMap<&'a str, Option<f64>>);

/// All tables, and what went wrong.
pub(in crate::load) fn render(report: &Report) -> String {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for turn in &report.turns {
        let mark = if turn.failures.is_empty() { "" } else { " (failed)" };
        let values = FIGURES.iter().map(|(name, figure)| (*name, figure(turn))).collect();
        rows.push((format!("{} {}{mark}", turn.contestant, turn.round), values));
    }
    for medians in &report.medians {
        rows.push((format!("{}, median", medians.contestant), medians.values.clone()));
    }
    for ratios in &report.ratios {
        rows.push((format!("orca / {}", ratios.to), ratios.values.clone()));
    }
    let offered =
        report.rate.map_or_else(|| "as fast as they are taken".to_owned(), |rate| format!("{rate}/s"));
    let mut text = format!(
        "{} pods a turn, created by {} at a time, {offered}; cloud latency {} ms\n\n",
        report.pods, report.creators, report.cloud_latency_ms
    );
    text.push_str(&table(&SPEED, &rows));
    text.push_str("\nPer pod, and for the whole turn:\n");
    text.push_str(&table(&COST, &rows));
    if report.turns.iter().any(|turn| turn.steady.is_some() || turn.restart.is_some()) {
        text.push_str("\nWhile nothing changes, and after a kill:\n");
        text.push_str(&table(&STANDING, &rows));
    }
    for turn in &report.turns {
        for failure in &turn.failures {
            // Writing to a string cannot fail.
            let _ = write!(text, "\nFailed: {} {}: {failure}", turn.contestant, turn.round);
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn table(columns: &[Column], rows: &[Row<'_>]) -> String {
    let first = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let mut text = " ".repeat(first);
    for (head, _, _) in columns {
        let _ = write!(text, "  {head:>7}");
    }
    text.push('\n');
    for (name, values) in rows {
        let _ = write!(text, "{name:first$}");
        for (head, figure, digits) in columns {
            let width = head.len().max(7);
            let cell = values.get(figure).copied().flatten();
            let cell = cell.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
    text
}
