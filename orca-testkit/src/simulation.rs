//! A whole run in simulated time: a cluster and a cloud from one seed, the real controller between them, and people who
//! create and delete pods.
//!
//! It runs on a runtime of its own whose clock jumps from timer to timer, so that hours take seconds, and everything is
//! drawn from the seed, so that a run can be repeated: the same plan gives the same trace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, PostParams};
use orca_core::clock::Clock;
use orca_core::config::Config;
use orca_kube::{Spawn as _, VirtualNode};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use crate::clock::TokioClock;
use crate::fake_ec2::{Chaos, Ec2Settings, FakeEc2, Span};
use crate::fake_kube::controllers::Controllers;
use crate::fake_kube::{FakeKube, Options, resource};

mod lives;
mod process;
mod trace;

pub use self::lives::Life;
pub use self::process::Process;
use self::trace::Recorder;

/// When a simulated run begins: 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600;
/// How long a run may take to come to rest after the last deletion, in simulated time.
const REST: Duration = Duration::from_hours(4);

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything that is drawn is drawn from it.
    pub seed: u64,
    /// How many pods are created, half of them on spot instances.
    pub pods: usize,
    /// Over what time they are created, each at a drawn moment.
    pub over: Duration,
    /// How long each of them is wanted, drawn from this.
    pub life: Span,
    /// How often the controller is killed without notice and started again, each time at a drawn moment.
    pub crashes: usize,
    /// Before which poll of any of its tasks the controller is killed: a process for each, before those of `crashes`.
    pub dies_at: Vec<u64>,
    /// What the cloud does by chance.
    pub chaos: Chaos,
    /// From a call to the cloud to its answer.
    pub cloud_latency: Span,
}

impl Plan {
    /// So many pods over ten minutes, each wanted for up to half an hour, three crashes, and a cloud at its worst.
    #[must_use]
    pub fn rough(seed: u64, pods: usize) -> Self {
        let minutes = Duration::from_mins;
        Self {
            seed,
            pods,
            over: minutes(10),
            life: Span::between(minutes(1), minutes(30)),
            crashes: 3,
            dies_at: Vec::new(),
            chaos: Chaos {
                insufficient_capacity: 0.1,
                spot_interruptions: 0.2,
                spot_life: Span::between(minutes(2), minutes(20)),
                lost_answers: 0.05,
                throttled: 0.02,
            },
            cloud_latency: Span::between(Duration::from_millis(20), Duration::from_millis(400)),
        }
    }
}

/// What a run was like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Every change of a pod or node and every effect in the cloud, in order, with its simulated time.
    pub trace: Vec<String>,
    /// What must not be, as it was found.
    pub violations: Vec<String>,
    /// How many instances were launched in all.
    pub launched: usize,
    /// What became of each pod, by name.
    pub lives: BTreeMap<String, Life>,
    /// The simulated time that it took.
    pub took: Duration,
}

/// Runs a plan to its end, when every pod was deleted and every instance should be gone.
///
/// Errors: the operating system gives no runtime.
pub fn run(plan: &Plan) -> Result<Outcome, std::io::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(Box::pin(play(plan.clone()))))
}

/// The actors of one run.
struct Stage {
    plan: Plan,
    clock: Arc<dyn Clock>,
    kube: FakeKube,
    ec2: FakeEc2,
}

async fn play(plan: Plan) -> Outcome {
    let began = Instant::now();
    let clock: Arc<dyn Clock> =
        Arc::new(TokioClock::starting_at(Timestamp::from_second(BEGIN).unwrap_or_default()));
    let settings = Ec2Settings {
        seed: plan.seed,
        chaos: plan.chaos,
        latency: plan.cloud_latency,
        ..Ec2Settings::default()
    };
    let kube = FakeKube::new(&Options::new(Arc::clone(&clock), plan.seed));
    let ec2 = FakeEc2::new(settings, Arc::clone(&clock));
    let stage = Stage { plan, clock, kube, ec2 };
    let recorder = Recorder::start(&stage.kube, &stage.ec2, Arc::clone(&stage.clock));
    let _controllers = AbortOnDropHandle::new(tokio::spawn(Controllers::new(stage.kube.store()).run()));
    let mut rng = Rng::with_seed(stage.plan.seed);
    tokio::join!(stage.controller(rng.fork()), stage.people(rng.fork()));
    let (trace, mut violations, lives) = recorder.stop();
    violations.extend(stage.left());
    let launched = stage.ec2.launched().values().map(Vec::len).sum();
    Outcome { trace, violations, launched, lives, took: began.elapsed() }
}

impl Stage {
    /// The controller, killed and started again as often as planned.
    async fn controller(&self, mut rng: Rng) {
        let mut moments: Vec<Duration> =
            (0..self.plan.crashes).map(|_| self.plan.over.mul_f64(rng.f64())).collect();
        moments.sort();
        let began = Instant::now();
        for poll in &self.plan.dies_at {
            let process = Process::dying_at(*poll);
            self.start(&process, rng.u64(..));
            // A number that is never reached is no kill.
            if tokio::time::timeout(self.plan.over, process.died()).await.is_err() {
                process.kill();
            }
            sleep(Duration::from_secs(rng.u64(1..60))).await;
        }
        for (number, moment) in moments.into_iter().enumerate() {
            let process = Process::default();
            self.start(&process, rng.u64(..) ^ u64::try_from(number).unwrap_or_default());
            tokio::time::sleep_until(began + moment).await;
            process.kill();
            sleep(Duration::from_secs(rng.u64(1..60))).await;
        }
        let last = Process::default();
        self.start(&last, rng.u64(..));
        self.rest().await;
        last.kill();
    }

    /// Starts a controller in this process.
    fn start(&self, process: &Process, seed: u64) {
        let mut config = Config::default();
        config.aws.region = self.ec2.settings().region;
        let cloud = Arc::new(self.ec2.cloud());
        let node =
            VirtualNode::builder(self.kube.client(), Arc::<crate::fake_ec2::FakeCloud>::clone(&cloud) as _)
                .health_source(Arc::<crate::fake_ec2::FakeCloud>::clone(&cloud) as _)
                .leftovers(cloud)
                .config(config)
                .clock(Arc::clone(&self.clock))
                .seed(seed)
                .spawn(Arc::new(process.clone()))
                .build();
        process.spawn(Box::pin(async move {
            match node {
                Ok(node) => {
                    if let Err(error) = node.run().await {
                        tracing::error!(error = %error, "The simulated controller ended");
                    }
                }
                Err(error) => tracing::error!(error = %error, "The simulated controller cannot be built"),
            }
        }));
    }

    /// Creates every pod at its moment and deletes it at its other.
    async fn people(&self, mut rng: Rng) {
        let mut deeds: Vec<(Duration, usize, bool)> = Vec::new();
        for number in 0..self.plan.pods {
            let from = self.plan.over.mul_f64(rng.f64());
            let life = self.plan.life.draw(&mut rng);
            deeds.push((from, number, true));
            deeds.push((from + life, number, false));
        }
        deeds.sort();
        let pods: Api<Pod> = Api::default_namespaced(self.kube.client());
        let began = Instant::now();
        for (moment, number, is_birth) in deeds {
            tokio::time::sleep_until(began + moment).await;
            let name = format!("pod-{number}");
            if is_birth {
                let created = pods.create(&PostParams::default(), &pod(&name, number)).await;
                if let Err(error) = created {
                    tracing::error!(error = %error, name, "A simulated pod is refused");
                }
            } else if let Err(error) = pods.delete(&name, &DeleteParams::default()).await {
                // Garbage collection of failed pods may have been quicker.
                tracing::debug!(error = %error, name, "A simulated pod is gone already");
            }
        }
    }

    /// Waits until no pod is left and no instance alive, or the patience is over.
    async fn rest(&self) {
        let until = Instant::now() + self.plan.over + self.plan.life.most() + REST;
        sleep(self.plan.over + self.plan.life.most()).await;
        while Instant::now() < until {
            if self.kube.store().count(&resource::PODS) == 0 && self.ec2.alive().is_empty() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    fn left(&self) -> Vec<String> {
        let (pods, _) = self.kube.store().list(&resource::PODS, None);
        let pods = pods.iter().map(|pod| format!("pod {} is still there", pod.name()));
        let machines = self.ec2.alive();
        let machines = machines.iter().map(|machine| format!("instance {} is still alive", machine.id));
        pods.chain(machines).collect()
    }
}

fn pod(name: &str, number: usize) -> Pod {
    // Several types, so that one that is scarce does not hold up everybody.
    let types = ["t3.micro", "t3.small", "t3.medium", "t3.large", "m7i.large", "c7i.large", "r7i.large"];
    let instance_type = types[number % types.len()];
    let market = if number.is_multiple_of(2) { "spot" } else { "on-demand" };
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "annotations": {
                orca_core::well_known::annotation::INSTANCE_TYPE: instance_type,
                orca_core::well_known::annotation::LAUNCH_TYPE: market,
            },
        },
        "spec": {
            "restartPolicy": "Never",
            "nodeSelector": { orca_core::well_known::label::PROVIDER: "aws" },
            "tolerations": [{ "key": orca_core::well_known::taint::BURST_NODE, "operator": "Exists" }],
            "containers": [{ "name": "main", "image": "example.com/main" }],
        },
    });
    serde_json::from_value(pod).unwrap_or_default()
}
