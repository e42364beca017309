//! One turn: one contestant, started afresh, gets all pods and gives them back.

use std::time::Duration;

use kube::Client;

use super::args::Load;
use super::audit::{Log, Writes};
use super::cloud::Record;
use super::contestant::{Contestant, Running};
use super::error::Error;
use super::nodes;
use super::plane::Plane;
use super::profile;
use super::report::{Restart, Steady, Turn};
use super::usage::Usage;

mod evaluation;
mod pods;
mod sightings;
mod standing;
mod traffic;

use self::sightings::{Pods, Sightings};
use self::traffic::Traffic;

pub(super) use self::traffic::Progress;

/// Pods that come and go before anything is measured: connections, code paths and caches are warm then.
const WARM_UP: u32 = 20;
/// What is still written after the last pod was seen belongs to what came before.
const SETTLE: Duration = Duration::from_secs(2);
/// The slowest contestant known takes a quarter of a second a pod.
const PER_POD: Duration = Duration::from_millis(500);
const AT_LEAST: Duration = Duration::from_mins(1);

/// What all turns of a run have in common.
pub(super) struct Ground<'a> {
    pub(super) plane: &'a Plane,
    pub(super) client: Client,
    pub(super) load: &'a Load,
    pub(super) progress: Progress,
}

/// What was seen of one turn, before anything is computed from it.
#[derive(Debug)]
struct Measurements {
    pods: Pods,
    /// Phases that did not end in time, or calls that failed.
    failures: Vec<String>,
    used: Option<Usage>,
    api_server_cpu: Option<f64>,
    writes: Option<[Writes; 2]>,
    /// When the deletions began.
    turned: super::moment::Moment,
    ready_seconds: Option<f64>,
    steady: Option<Steady>,
    restart: Option<Restart>,
    record: Option<Record>,
}

/// Plays a turn. A pod that does not come or go is a failure in the result, and no error.
pub(super) async fn play(ground: &Ground<'_>, contestant: Contestant, round: u32) -> Result<Turn, Error> {
    let node = format!("orca-load-{}-{}-{round}", std::process::id(), contestant.name());
    if contestant.needs_node() {
        nodes::create(&ground.client, &node).await?;
    }
    let result = run(ground, contestant, &node).await;
    let tidied = tidy(ground, &node).await;
    let measured = result?;
    tidied?;
    Ok(evaluation::evaluate(contestant, round, ground.load.pods, &measured))
}

async fn run(ground: &Ground<'_>, contestant: Contestant, node: &str) -> Result<Measurements, Error> {
    let began = tokio::time::Instant::now();
    let mut running = contestant.start(ground.plane, node, ground.load).await?;
    nodes::wait_ready(&ground.client, node, contestant, &mut running).await?;
    let ready_seconds = began.elapsed().as_secs_f64();
    warm_up(ground, node).await?;
    let measured = measure(ground, contestant, node, &running).await;
    let (record, faults) = running.stop().await?;
    let mut measured = measured?;
    measured.record = record;
    measured.ready_seconds = Some(ready_seconds);
    measured.failures.extend(faults);
    Ok(measured)
}

async fn warm_up(ground: &Ground<'_>, node: &str) -> Result<(), Error> {
    let sightings = Sightings::watch(&ground.client, node, "warm", WARM_UP).await?;
    let traffic = Traffic::new(ground, node, "warm", WARM_UP, "warming up");
    let mut failures = traffic.up(&sightings, AT_LEAST, None).await;
    failures.extend(traffic.down(&sightings, AT_LEAST).await);
    // An error here concerns every pod, and is reported with the measured ones.
    if failures.is_empty() {
        tokio::time::sleep(SETTLE).await;
    }
    Ok(())
}

async fn measure(
    ground: &Ground<'_>,
    contestant: Contestant,
    node: &str,
    running: &Running,
) -> Result<Measurements, Error> {
    let load = ground.load;
    let sightings = Sightings::watch(&ground.client, node, "pod", load.pods).await?;
    let traffic = Traffic::new(ground, node, "pod", load.pods, contestant.name());
    let offered = load.rate.map_or(0.0, |rate| f64::from(load.pods) / rate);
    let limit = AT_LEAST + PER_POD * load.pods + Duration::from_secs_f64(offered);
    let log = ground.plane.audit();
    let end = || log.as_ref().map_or(0, Log::end);
    let usage = |pid: Option<u32>| pid.and_then(Usage::of);
    let (before, server_before) = (usage(running.pid()), usage(ground.plane.api_server_pid()));
    let from = end();
    let profiled = async {
        match &load.profile {
            Some(folder) => profile::take(&ground.client, folder, node, load.pods).await.map(drop),
            None => Ok(()),
        }
    };
    let (mut failures, profiled) = tokio::join!(traffic.up(&sightings, limit, load.rate), profiled);
    profiled?;
    tokio::time::sleep(SETTLE).await;
    let steady = match load.steady {
        Some(seconds) => Some(standing::steady(ground, contestant, running, seconds).await?),
        None => None,
    };
    let restart = match running {
        Running::Program(program) if load.restart => {
            Some(standing::restart(ground, contestant, program).await?)
        }
        Running::Program(_) | Running::Orca(_) | Running::Peer(_) => None,
    };
    if restart.as_ref().is_some_and(|restart| restart.seconds.is_none()) {
        failures.push("after it was started again it never knew all pods and instances".to_owned());
    }
    let (between, turned) = (end(), super::moment::Moment::now());
    failures.extend(traffic.down(&sightings, limit).await);
    tokio::time::sleep(SETTLE).await;
    let to = end();
    let (after, server_after) = (usage(running.pid()), usage(ground.plane.api_server_pid()));
    if after.is_none() {
        failures.push(format!("{} is gone; the end of its log:\n{}", contestant.name(), running.log_tail()));
    }
    let count = |log: &Log, from, to| log.writes(&contestant.user(), from, to);
    let writes = match &log {
        Some(log) => {
            let both = count(log, from, between).and_then(|up| Ok([up, count(log, between, to)?]));
            Some(both.map_err(Error::system("reading the audit log"))?)
        }
        None => None,
    };
    Ok(Measurements {
        pods: sightings.finish(),
        failures,
        used: used(before, after),
        api_server_cpu: used(server_before, server_after).map(|used| used.cpu_seconds),
        writes,
        turned,
        ready_seconds: None,
        steady,
        restart,
        record: None,
    })
}

/// The processor time in between, and the peak of memory up to the second look.
fn used(before: Option<Usage>, after: Option<Usage>) -> Option<Usage> {
    let (before, after) = (before?, after?);
    Some(Usage { cpu_seconds: after.cpu_seconds - before.cpu_seconds, ..after })
}

/// Removes what a turn may have left: its pods and its node.
async fn tidy(ground: &Ground<'_>, node: &str) -> Result<(), Error> {
    pods::remove_all(&ground.client, node).await?;
    nodes::delete(&ground.client, node).await
}
