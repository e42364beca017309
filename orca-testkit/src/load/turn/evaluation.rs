//! From what was seen of a turn to its figures, and to what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use super::Measurements;
use super::sightings::Times;
use crate::load::cloud::Record;
use crate::load::contestant::Contestant;
use crate::load::moment::Moment;
use crate::load::report::{CloudCalls, Turn, Writes};
use crate::load::statistics::{Percentiles, middle_rate};

pub(super) fn evaluate(contestant: Contestant, round: u32, pods: u32, measured: &Measurements) -> Turn {
    let moments = |pick: fn(&Times) -> Option<Moment>| -> Vec<Moment> {
        measured.pods.iter().filter_map(pick).collect()
    };
    let spans = measured.pods.iter().filter_map(|times| Some(times.running?.since(times.created?)));
    let (running, gone) = (moments(|times| times.running), moments(|times| times.gone));
    let first = moments(|times| times.created).into_iter().min();
    let lasted = |from: Option<Moment>, to: &[Moment]| {
        let last = to.iter().max().filter(|_| to.len() == measured.pods.len());
        Some(last?.since(from?).as_secs_f64())
    };
    let all = f64::from(pods);
    Turn {
        contestant: contestant.name(),
        round,
        up_per_second: middle_rate(&running),
        down_per_second: middle_rate(&gone),
        up_seconds: lasted(first, &running),
        down_seconds: lasted(Some(measured.turned), &gone),
        to_running_ms: Percentiles::of(spans.collect()),
        to_launch_ms: measured.record.as_ref().and_then(|record| to_launch(&measured.pods, record)),
        writes: measured.writes.map(|[up, down]| Writes {
            up_per_pod: f64::from(up.pods) / all,
            // The client's own deletion is one of them, as it is of every pod that ends.
            down_per_pod: f64::from(down.pods) / all + 1.0,
            events_per_pod: f64::from(up.events + down.events) / all,
            others: up.others + down.others,
            ended_watches: up.ended_watches + down.ended_watches,
        }),
        cloud_calls: measured
            .record
            .as_ref()
            .map(|record| cloud_calls(&measured.pods, record, measured.turned)),
        cpu_seconds: measured.used.map(|used| used.cpu_seconds),
        peak_mib: measured.used.map(|used| used.peak_mib),
        api_server_cpu_seconds: measured.api_server_cpu,
        ready_seconds: measured.ready_seconds,
        steady: measured.steady.clone(),
        restart: measured.restart.clone(),
        failures: failures(measured),
    }
}

/// From a pod's creation to the first launch call for it.
fn to_launch(pods: &[Times], record: &Record) -> Option<Percentiles> {
    let mut sent: BTreeMap<&str, Moment> = BTreeMap::new();
    for launch in &record.launches {
        sent.entry(&launch.pod).or_insert(launch.sent);
    }
    let spans =
        pods.iter().filter_map(|times| Some(sent.get(times.uid.as_str())?.since(times.created?))).collect();
    Percentiles::of(spans)
}

fn cloud_calls(pods: &[Times], record: &Record, turned: Moment) -> CloudCalls {
    let began = pods.iter().filter_map(|times| times.created).min().unwrap_or(turned);
    let all = pods.len().max(1);
    let launches = record.launches.iter().filter(|launch| launch.sent >= began).count();
    let mut others: BTreeMap<String, usize> = BTreeMap::new();
    for (name, moments) in &record.calls {
        others.insert(name.clone(), moments.iter().filter(|moment| **moment >= began).count());
    }
    let per_pod = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / as_f64(all);
    CloudCalls { launches_per_pod: per_pod(launches), others_per_pod: per_pod(others.values().sum()), others }
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// What must not be, besides what the phases themselves said.
fn failures(measured: &Measurements) -> Vec<String> {
    let mut failures = measured.failures.clone();
    let ended =
        measured.pods.iter().filter(|times| times.ended.is_some_and(|at| at < measured.turned)).count();
    if ended > 0 {
        failures.push(format!("{ended} pods failed or ended by themselves"));
    }
    let Some(record) = &measured.record else {
        return failures;
    };
    let mut instances: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for launch in &record.launches {
        instances.entry(&launch.pod).or_default().extend(launch.instance.as_deref());
    }
    let twice = instances.values().filter(|instances| instances.len() > 1).count();
    if twice > 0 {
        failures.push(format!("{twice} pods got more than one instance"));
    }
    if record.alive > 0 {
        failures.push(format!("{} instances are left", record.alive));
    }
    failures
}

#[cfg(test)]
mod tests;
