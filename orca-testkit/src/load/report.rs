//! The result of a run: turns, their medians, and how ORCA stands to each peer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::args::Load;
use super::statistics::{Percentiles, median};

mod text;

pub(super) use text::render;

/// The figures of one turn. A figure that could not be had is missing.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn {
    pub(super) contestant: &'static str,
    pub(super) round: u32,
    /// From the contestant's start until its node was Ready.
    pub(super) ready_seconds: Option<f64>,
    /// Pods that came to Running per second, over the middle 80 %.
    pub(super) up_per_second: Option<f64>,
    /// Pods that went away per second, over the middle 80 %.
    pub(super) down_per_second: Option<f64>,
    /// From the first pod's creation to the last one's Running.
    pub(super) up_seconds: Option<f64>,
    /// From the first deletion to the last pod's end.
    pub(super) down_seconds: Option<f64>,
    /// From created and bound to Running.
    pub(super) to_running_ms: Option<Percentiles>,
    /// From created and bound to the launch call.
    pub(super) to_launch_ms: Option<Percentiles>,
    pub(super) writes: Option<Writes>,
    pub(super) cloud_calls: Option<CloudCalls>,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) peak_mib: Option<f64>,
    pub(super) api_server_cpu_seconds: Option<f64>,
    pub(super) steady: Option<Steady>,
    pub(super) restart: Option<Restart>,
    /// Violations, such as a pod with two instances. Without any, the turn counts.
    pub(super) failures: Vec<String>,
}

/// While all pods run and nothing changes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Steady {
    /// Processor time, in percent of one core.
    pub(super) cpu_percent: Option<f64>,
    /// Memory held at the end.
    pub(super) memory_mib: Option<f64>,
    /// To the API server, reads and leases included.
    pub(super) requests_per_minute: Option<f64>,
    /// To the cloud.
    pub(super) cloud_calls_per_minute: Option<f64>,
}

/// Killed while all pods run, and started again.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restart {
    /// From the start until every pod and every instance is known. None: never.
    pub(super) seconds: Option<f64>,
    /// Pages of instances that were read by then.
    pub(super) pages: u32,
    /// Writes to pods until some seconds later.
    pub(super) pod_writes: Option<u32>,
}

/// Writes to the API server.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Writes {
    /// To a pod until all were Running.
    pub(super) up_per_pod: f64,
    /// To a pod from then on, the client's deletion included.
    pub(super) down_per_pod: f64,
    pub(super) events_per_pod: f64,
    /// Everything else of the whole turn, such as leases.
    pub(super) others: u32,
    /// Watches on pods that ended in the whole turn, and were taken up again.
    pub(super) ended_watches: u32,
}

/// Calls to the cloud from the first pod on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CloudCalls {
    pub(super) launches_per_pod: f64,
    pub(super) others_per_pod: f64,
    /// The others by name.
    pub(super) others: BTreeMap<String, usize>,
}

/// The whole result.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pods: u32,
    rounds: u32,
    creators: u32,
    rate: Option<f64>,
    cloud_latency_ms: f64,
    turns: Vec<Turn>,
    /// Medians of each contestant's turns.
    medians: Vec<Medians>,
    /// ORCA's median by each peer's.
    ratios: Vec<Ratios>,
}

/// The medians of one contestant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Medians {
    pub(super) contestant: &'static str,
    #[serde(flatten)]
    pub(super) values: BTreeMap<&'static str, Option<f64>>,
}

/// How many times a peer's figure ORCA's is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ratios {
    pub(super) to: &'static str,
    #[serde(flatten)]
    pub(super) values: BTreeMap<&'static str, Option<f64>>,
}

/// How one figure is taken from a turn.
type Figure = (&'static str, fn(&Turn) -> Option<f64>);

/// Every figure that has a median, with its name in JSON.
const FIGURES: [Figure; 26] = [
    ("readySeconds", |turn| turn.ready_seconds),
    ("upPerSecond", |turn| turn.up_per_second),
    ("downPerSecond", |turn| turn.down_per_second),
    ("upSeconds", |turn| turn.up_seconds),
    ("downSeconds", |turn| turn.down_seconds),
    ("toRunningP50Ms", |turn| turn.to_running_ms.map(|spans| spans.p50)),
    ("toRunningP90Ms", |turn| turn.to_running_ms.map(|spans| spans.p90)),
    ("toRunningP99Ms", |turn| turn.to_running_ms.map(|spans| spans.p99)),
    ("toLaunchP50Ms", |turn| turn.to_launch_ms.map(|spans| spans.p50)),
    ("toLaunchP90Ms", |turn| turn.to_launch_ms.map(|spans| spans.p90)),
    ("toLaunchP99Ms", |turn| turn.to_launch_ms.map(|spans| spans.p99)),
    ("writesUpPerPod", |turn| turn.writes.as_ref().map(|writes| writes.up_per_pod)),
    ("writesDownPerPod", |turn| turn.writes.as_ref().map(|writes| writes.down_per_pod)),
    ("eventsPerPod", |turn| turn.writes.as_ref().map(|writes| writes.events_per_pod)),
    ("endedWatches", |turn| turn.writes.as_ref().map(|writes| f64::from(writes.ended_watches))),
    ("cloudCallsPerPod", |turn| {
        turn.cloud_calls.as_ref().map(|calls| calls.launches_per_pod + calls.others_per_pod)
    }),
    ("cpuSeconds", |turn| turn.cpu_seconds),
    ("peakMib", |turn| turn.peak_mib),
    ("apiServerCpuSeconds", |turn| turn.api_server_cpu_seconds),
    ("steadyCpuPercent", |turn| turn.steady.as_ref()?.cpu_percent),
    ("steadyMemoryMib", |turn| turn.steady.as_ref()?.memory_mib),
    ("steadyRequestsPerMinute", |turn| turn.steady.as_ref()?.requests_per_minute),
    ("steadyCloudCallsPerMinute", |turn| turn.steady.as_ref()?.cloud_calls_per_minute),
    ("restartSeconds", |turn| turn.restart.as_ref()?.seconds),
    ("restartPages", |turn| Some(f64::from(turn.restart.as_ref()?.pages))),
    ("restartPodWrites", |turn| turn.restart.as_ref()?.pod_writes.map(f64::from)),
];

impl Turn {
    /// A turn that could not be played.
    pub(super) fn not_played(contestant: &'static str, round: u32, why: String) -> Self {
        Self {
            contestant,
            round,
            ready_seconds: None,
            up_per_second: None,
            down_per_second: None,
            up_seconds: None,
            down_seconds: None,
            to_running_ms: None,
            to_launch_ms: None,
            writes: None,
            cloud_calls: None,
            cpu_seconds: None,
            peak_mib: None,
            api_server_cpu_seconds: None,
            steady: None,
            restart: None,
            failures: vec![why],
        }
    }
}

impl Report {
    pub(super) fn new(load: &Load, turns: Vec<Turn>) -> Self {
        let mut names: Vec<&'static str> = Vec::new();
        for turn in &turns {
            if !names.contains(&turn.contestant) {
                names.push(turn.contestant);
            }
        }
        let medians: Vec<Medians> = names.into_iter().map(|name| medians(name, &turns)).collect();
        let ratios = match medians.split_first() {
            Some((orca, peers)) => peers.iter().map(|peer| ratios(orca, peer)).collect(),
            None => Vec::new(),
        };
        Self {
            pods: load.pods,
            rounds: load.rounds,
            creators: load.creators,
            rate: load.rate,
            cloud_latency_ms: load.cloud_latency.as_secs_f64() * 1000.0,
            turns,
            medians,
            ratios,
        }
    }

    /// Whether every turn was as it must be.
    pub(super) fn is_good(&self) -> bool {
        self.turns.iter().all(|turn| turn.failures.is_empty())
    }
}

/// Failed turns have figures too, but none that count.
fn medians(contestant: &'static str, turns: &[Turn]) -> Medians {
    let good = || turns.iter().filter(|turn| turn.contestant == contestant && turn.failures.is_empty());
    let values = FIGURES.iter().map(|(name, figure)| (*name, median(good().filter_map(figure)))).collect();
    Medians { contestant, values }
}

fn ratios(orca: &Medians, peer: &Medians) -> Ratios {
    let ratio = |name: &str| {
        let (own, other) = ((*orca.values.get(name)?)?, (*peer.values.get(name)?)?);
        (other > 0.0).then(|| own / other)
    };
    Ratios { to: peer.contestant, values: FIGURES.iter().map(|(name, _)| (*name, ratio(name))).collect() }
}

#[cfg(test)]
mod tests;
