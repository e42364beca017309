//! A run of a plan: the real controller between both fakes, on a clock that jumps from timer to timer.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::config::Config;
use orca_core::ids::{CloudIdentity, ClusterId};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use self::clock::ShiftedClock;
use self::line::Holes;
use self::processes::Processes;
use self::recorder::Recorder;
use super::history::{History, ledger};
use super::plan::Plan;
use crate::clock::TokioClock;
use crate::fake_ec2::FakeEc2;
use crate::fake_kube::controllers::Controllers;
use crate::fake_kube::{FakeKube, Options, resource};

mod clock;
mod connect;
mod director;
mod line;
mod orders;
mod people;
mod processes;
mod recorder;
mod rest;
mod server;

pub use self::connect::{Connect, Place};
pub use self::line::Hole;

/// When a simulated run begins: 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600;
/// How long a run may take to come to rest, in simulated time.
const REST: Duration = Duration::from_mins(45);
/// The least that it waits: a notice of the spot market is two minutes.
const LEAST_REST: Duration = Duration::from_mins(3);
/// How long nothing may happen after that.
const QUIET: Duration = Duration::from_mins(10);

/// Everything that a run is made of.
struct Stage {
    plan: Plan,
    clock: Arc<dyn Clock>,
    /// The controller's clock, which can be wrong.
    shifted: Arc<ShiftedClock>,
    kube: FakeKube,
    /// The region that the controller uses as a rule, and another one.
    home: FakeEc2,
    elsewhere: FakeEc2,
    recorder: Recorder,
    holes: Holes,
    /// None: the fakes are used as they are.
    connect: Option<Connect>,
    /// Every name that the node had.
    nodes: std::sync::Mutex<BTreeSet<String>>,
    first_identity: Arc<std::sync::Mutex<Option<CloudIdentity>>>,
}

/// Runs a plan to its end, on a new runtime.
///
/// # Errors
///
/// The operating system gives no runtime.
pub fn run(plan: &Plan, holes: &[Hole]) -> Result<History, std::io::Error> {
    run_on(plan, Holes::of(holes), None)
}

/// The same with another client of EC2 than the fakes themselves.
///
/// # Errors
///
/// The operating system gives no runtime.
pub fn run_with(plan: &Plan, connect: &Connect) -> Result<History, std::io::Error> {
    run_on(plan, Holes::default(), Some(connect.clone()))
}

fn run_on(plan: &Plan, holes: Holes, connect: Option<Connect>) -> Result<History, std::io::Error> {
    // The back-off of kube's watcher draws from the generator of the thread.
    fastrand::seed(plan.seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(Box::pin(play(plan.clone(), holes, connect))))
}

async fn play(plan: Plan, holes: Holes, connect: Option<Connect>) -> History {
    let clock: Arc<dyn Clock> =
        Arc::new(TokioClock::starting_at(Timestamp::from_second(BEGIN).unwrap_or_default()));
    let kube = FakeKube::new(&Options::new(Arc::clone(&clock), plan.seed));
    let home = FakeEc2::new(plan.world.region(plan.seed), Arc::clone(&clock));
    let mut far = plan.world.region(plan.seed ^ 0x6661_7200);
    (far.region, far.account) = ("eu-central-1".into(), "210987654321".into());
    let elsewhere = FakeEc2::new(far, Arc::clone(&clock));
    let stage = Arc::new(Stage {
        shifted: Arc::new(ShiftedClock::over(Arc::clone(&clock))),
        recorder: Recorder::new(Arc::clone(&clock)),
        plan,
        clock,
        kube,
        home,
        elsewhere,
        holes,
        connect,
        nodes: std::sync::Mutex::default(),
        first_identity: Arc::default(),
    });
    let _watch = stage.recorder.watch(stage.kube.store());
    let _controllers = AbortOnDropHandle::new(tokio::spawn(Controllers::new(stage.kube.store()).run()));
    let processes = Processes::new(&stage);
    director::direct(&stage, &processes).await;
    let calm_from = stage.clock.now();
    let quiet_from = stage.come_to_rest().await;
    if quiet_from.is_some() {
        sleep(QUIET).await;
    }
    processes.end();
    stage.history(calm_from, quiet_from)
}

impl Stage {
    async fn come_to_rest(&self) -> Option<Timestamp> {
        // What was held up on its way to EC2 arrives, whatever has become of who sent it.
        sleep(LEAST_REST.max(self.plan.under_way())).await;
        let until = Instant::now() + REST;
        let mut steady = 0;
        while Instant::now() < until {
            steady = if rest::is_at_rest(self) { steady + 1 } else { 0 };
            // Changes come in waves: a pod that is ready is counted by its owner a moment later.
            if steady > 6 {
                return Some(self.clock.now());
            }
            sleep(Duration::from_secs(5)).await;
        }
        None
    }

    fn history(&self, calm_from: Timestamp, quiet_from: Option<Timestamp>) -> History {
        let system = self.kube.store().get(&resource::NAMESPACES, "", "kube-system");
        let cluster = ClusterId::new(system.map(|system| system.uid().to_owned()).unwrap_or_default());
        let mut entries = self.recorder.take();
        for ec2 in [&self.home, &self.elsewhere] {
            entries.extend(ledger::facts(ec2));
        }
        // Calls of one moment stand before what they brought about, and both after what was written before.
        entries.sort_by_key(|entry| entry.at);
        let nodes = self.nodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        History {
            cluster,
            node: Config::default().node.name,
            nodes,
            home: ledger::identity(&self.home),
            calm_from,
            quiet_from,
            end: self.clock.now(),
            // A change is written down at the moment when it happens.
            slack: Duration::ZERO,
            entries,
        }
    }
}
