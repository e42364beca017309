//! The controller's processes: started, killed, frozen, started again with another config.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use orca_core::config::Config as Settings;
use orca_kube::{Spawn as _, VirtualNode};
use tokio::time::sleep;

use super::Stage;
use super::connect::{Place, directly};
use super::line::{CloudLine, Hole};
use super::server::KubeLine;
use crate::fake_ec2::FakeEc2;
use crate::simulation::history::Fact;
use crate::simulation::plan::Config;
use crate::simulation::process::Process;

/// Who the controller is for the API server: faults are for it alone.
pub(super) const USER: &str = "orca";
/// A process that ended by itself is started again after so long, as a kubelet does.
const RESTART: Duration = Duration::from_secs(5);
/// The name that the node has under [`Config::Node`].
const OTHER_NODE: &str = "orca-other-node";
/// The image for pods that name none under [`Config::Image`].
const OTHER_IMAGE: &str = "ami-0aaaaaaaaaaaaaaa3";

/// Up to two processes of the controller.
#[derive(Clone)]
pub(super) struct Processes {
    stage: Arc<Stage>,
    slots: Arc<Mutex<[Slot; 2]>>,
    started: Arc<AtomicU64>,
}

#[derive(Default)]
struct Slot {
    process: Option<Process>,
    config: Config,
    /// Whether it should run.
    is_wanted: bool,
    /// Counts what was done to it: a start that was meant before the latest is void.
    turn: u64,
}

impl Processes {
    pub(super) fn new(stage: &Arc<Stage>) -> Self {
        Self { stage: Arc::clone(stage), slots: Arc::default(), started: Arc::default() }
    }

    fn slots(&self) -> MutexGuard<'_, [Slot; 2]> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, number: u8, change: impl FnOnce(&mut Slot) -> T) -> T {
        let mut slots = self.slots();
        let [first, second] = &mut *slots;
        change(if number == 0 { first } else { second })
    }

    /// Starts this process, unless it runs.
    pub(super) fn start(&self, number: u8, config: Config) {
        let process = Process::default();
        let turn = self.with(number, |slot| {
            (slot.is_wanted, slot.config) = (true, config);
            slot.turn += 1;
            if let Some(before) = slot.process.replace(process.clone()) {
                before.kill();
            }
            slot.turn
        });
        self.stage.recorder.note(Fact::Started { process: number });
        self.stage.recorder.tell(format!("process {number} has config {config:?}"));
        let count = self.started.fetch_add(1, Ordering::Relaxed);
        let node = self.node(&process, config, self.stage.plan.seed.wrapping_add(count << 32));
        let this = self.clone();
        process.spawn(Box::pin(async move {
            let ended = match node {
                Ok(node) => Box::pin(node.run()).await.err(),
                Err(error) => Some(error),
            };
            let why = ended.map(|error| error.to_string()).unwrap_or_default();
            this.stage.recorder.tell(format!("process {number} ended: {why}"));
            this.again(number, turn, RESTART);
        }));
    }

    /// Starts it in a while, if nothing else is done to it before.
    fn again(&self, number: u8, turn: u64, down: Duration) {
        let this = self.clone();
        tokio::spawn(async move {
            sleep(down).await;
            let config =
                this.with(number, |slot| (slot.is_wanted && slot.turn == turn).then_some(slot.config));
            if let Some(config) = config {
                this.start(number, config);
            }
        });
    }

    /// Kills it, and starts it again in a while.
    pub(super) fn kill(&self, number: u8, down: Duration) {
        let turn = self.with(number, |slot| {
            slot.process.take().inspect(Process::kill)?;
            slot.turn += 1;
            Some(slot.turn)
        });
        if let Some(turn) = turn {
            self.stage.recorder.tell(format!("process {number} is killed"));
            self.again(number, turn, down);
        }
    }

    /// The same, at the poll this many later.
    pub(super) fn kill_at_poll(&self, number: u8, polls: u64, down: Duration) {
        let running = self.with(number, |slot| Some((slot.process.clone()?, slot.turn)));
        let Some((process, turn)) = running else { return };
        process.die_after(polls);
        let this = self.clone();
        tokio::spawn(async move {
            process.died().await;
            let is_this = this.with(number, |slot| slot.turn == turn);
            if is_this {
                this.stage.recorder.tell(format!("process {number} died at its poll"));
                this.again(number, turn, down);
            }
        });
    }

    pub(super) fn freeze(&self, number: u8, is_frozen: bool) {
        let process = self.with(number, |slot| slot.process.clone());
        if let Some(process) = process {
            self.stage.recorder.tell(format!("process {number} frozen: {is_frozen}"));
            if is_frozen { process.freeze() } else { process.thaw() }
        }
    }

    /// Ends the second process for good.
    pub(super) fn leave_one(&self) {
        let process = self.with(1, |slot| {
            slot.is_wanted = false;
            slot.turn += 1;
            slot.process.take()
        });
        if let Some(process) = process {
            process.kill();
            self.stage.recorder.tell("process 1 is killed for good");
        }
    }

    /// One process with the usual config, running.
    pub(super) fn calm(&self) {
        self.leave_one();
        let runs_as_usual = self.with(0, |slot| {
            slot.config == Config::Usual && slot.process.as_ref().is_some_and(Process::is_alive)
        });
        if runs_as_usual {
            self.freeze(0, false);
            self.with(0, |slot| {
                slot.process.as_ref().inspect(|process| process.die_after(u64::MAX)).is_some()
            });
        } else {
            self.start(0, Config::Usual);
        }
    }

    /// Ends everything.
    pub(super) fn end(&self) {
        for number in [0, 1] {
            let process = self.with(number, |slot| {
                slot.is_wanted = false;
                slot.turn += 1;
                slot.process.take()
            });
            if let Some(process) = process {
                process.kill();
            }
        }
    }

    fn node(&self, process: &Process, config: Config, seed: u64) -> Result<VirtualNode, orca_kube::Error> {
        let stage = &self.stage;
        let (region, place, settings) = stage.config(config);
        stage.nodes.lock().unwrap_or_else(PoisonError::into_inner).insert(settings.node.name.clone());
        let cloud = match &stage.connect {
            Some(connect) => connect.to(region, place),
            None => directly(region, place, stage.holes.has(Hole::FirstPageOnly)),
        };
        let cloud = Arc::new(CloudLine {
            cloud,
            is_back_end: stage.connect.is_some(),
            clock: Arc::clone(&stage.shifted),
            holes: stage.holes.clone(),
            store: Arc::clone(stage.kube.store()),
            identity: Arc::clone(&stage.first_identity),
        });
        let server = KubeLine {
            server: stage.kube.service_as(USER),
            delay: crate::simulation::plan::span(stage.plan.world.kube_ms),
            rng: Arc::new(Mutex::new(Rng::with_seed(seed))),
            recorder: stage.recorder.clone(),
            holes: stage.holes.clone(),
        };
        VirtualNode::builder(kube::Client::new(server, "default"))
            .cloud(cloud)
            .config(settings)
            .clock(Arc::<super::ShiftedClock>::clone(&stage.shifted) as _)
            .seed(seed)
            .spawn(Arc::new(process.clone()))
            .build()
    }
}

impl Stage {
    /// The region, what is to be used there, and the settings under this config.
    fn config(&self, config: Config) -> (&FakeEc2, Place, Settings) {
        let mut settings = Settings::default();
        let region = if config == Config::Elsewhere { &self.elsewhere } else { &self.home };
        let subnets = region.settings().subnets;
        let subnet = if config == Config::Subnet { subnets.last() } else { subnets.first() };
        if config == Config::Node {
            OTHER_NODE.clone_into(&mut settings.node.name);
        }
        let place = Place {
            subnet: subnet.map(|subnet| subnet.id.clone()),
            image: (config == Config::Image).then(|| OTHER_IMAGE.to_owned()),
            page: self.plan.world.page,
            clock: Arc::<super::ShiftedClock>::clone(&self.shifted) as _,
        };
        (region, place, settings)
    }
}
