//! [`VirtualNode`]: built by a program, and run until its shutdown token is cancelled.

use std::sync::Arc;
use std::time::Duration;

use orca_core::cloud::{Capabilities, CloudInfo};
use orca_core::config::Config;
use orca_core::ids::{ClusterId, Owner};
use orca_core::provider::Provider;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::health::Health;
use crate::identity::IdentityGuard;
use crate::instances::{self, InstanceProvider};
use crate::leader::Leader;
use crate::metrics::Metrics;
use crate::node::{self, CloudEvents, LeaseParts, NodeController, NodeLease, NodeTemplate};
use crate::random::Random;
use crate::set_back::SetBack;
use crate::spawn::{Life, Panicked, Spawner};
use crate::{events, pods};

mod builder;
mod collection;
mod identity;
mod loops;

pub use builder::{CloudMissing, VirtualNodeBuilder};
use identity::Found;
use loops::Loops;

/// A send can take this long to be answered; shutdown waits for it, so that no instance id is lost.
const DRAIN: Duration = Duration::from_secs(35);
/// How often the pods are counted by phase.
const COUNT: Duration = Duration::from_secs(1);

/// One virtual node over one cloud, ready to [run](Self::run). Nothing has been started, and no call has been made.
///
/// Processes with the same node name, in one cluster and namespace, elect a leader; the others stand by.
///
/// ```no_run
/// # async fn example(client: kube::Client, cloud: std::sync::Arc<dyn orca_core::cloud::CloudClient>) -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = orca_core::config::Config::default();
/// config.node.name = "burst".into();
/// let node = orca_kube::VirtualNode::builder(client).cloud(cloud).config(config).build()?;
/// let running = tokio::spawn(node.run());
/// running.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct VirtualNode {
    parts: VirtualNodeBuilder,
    cloud_info: CloudInfo,
    capabilities: Capabilities,
    metrics: Metrics,
    health: Health,
    random: Random,
}

impl VirtualNode {
    /// Begins a virtual node in the cluster of this client. The client should not retry by itself: set
    /// `kube::Config::default_retry` to false, because the virtual node bounds and retries every call.
    #[must_use]
    pub fn builder(client: kube::Client) -> CloudMissing {
        CloudMissing(client)
    }

    /// Registers the node's metrics in this registry, with the prefix `orca`. Call it once; `docs/operations.md` lists them.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// The health of this node, for probes. It stays valid while the node runs and after it has ended.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs until the shutdown token is cancelled, or until a failure that a retry cannot solve. An outage of the API server
    /// or of the cloud is retried for as long as it lasts.
    ///
    /// On shutdown it starts no new work, waits up to 35 s for launch calls without an answer, records the answers, and gives
    /// the leader lease back. The Node, its lease and all instances stay as they are.
    ///
    /// Dropping the future stops everything at once, like a crash. That is safe: the next process adopts the instances, and
    /// repeats launches without an answer under the same token.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignNode`], [`Error::LostLeadership`], [`Error::LoopEnded`] or [`Error::LoopPanicked`]. After each of them
    /// the process may start again with a new `VirtualNode`.
    pub async fn run(self) -> Result<(), Error> {
        let life = Life::begin();
        let spawners = Spawners {
            work: life.spawner(Arc::clone(&self.parts.spawn)),
            heartbeat: life
                .spawner(Arc::clone(self.parts.heartbeat_spawn.as_ref().unwrap_or(&self.parts.spawn))),
        };
        let leader = self.leader();
        let result = Box::pin(self.follow(&leader, &spawners)).await;
        if let Err(error @ (Error::LoopEnded(_) | Error::LoopPanicked { .. })) = &result {
            self.health.ended(error);
        }
        result
    }

    /// Waits for leadership, and leads.
    async fn follow(&self, leader: &Arc<Leader>, spawners: &Spawners) -> Result<(), Error> {
        tokio::select! {
            biased;
            () = self.parts.shutdown.cancelled() => return Ok(()),
            acquired = self.acquire(leader, &spawners.heartbeat) => acquired?,
        }
        let stop = self.parts.shutdown.child_token();
        let result = Box::pin(self.lead(leader, spawners, &stop)).await;
        stop.cancel();
        leader.release().await;
        self.metrics.node.leader.set(0);
        result
    }

    fn leader(&self) -> Arc<Leader> {
        let parts = &self.parts;
        let client = parts.heartbeat_client.clone().unwrap_or_else(|| parts.client.clone());
        let lasts = Duration::from_secs(u64::from(parts.config.controller.leader_lease_seconds));
        Arc::new(Leader::new(
            client,
            (&parts.namespace, &parts.config.node.name),
            lasts,
            Arc::clone(&parts.clock),
            self.random.number(),
        ))
    }

    async fn acquire(&self, leader: &Arc<Leader>, heartbeat: &Spawner) -> Result<(), Error> {
        let mut acquired = {
            let (leader, health) = (Arc::clone(leader), self.health.clone());
            heartbeat.start(async move { leader.acquire(&health).await })
        };
        let mut beat = tokio::time::interval(Duration::from_secs(5));
        loop {
            tokio::select! {
                biased;
                done = &mut acquired => match done {
                    Ok(()) => break,
                    Err(Panicked(message)) => return Err(Error::LoopPanicked { name: "leader", message }),
                },
                _tick = beat.tick() => self.health.beat(),
            }
        }
        self.health.set_leader(true);
        self.metrics.node.leader.set(1);
        tracing::info!(
            node_name = self.parts.config.node.name,
            holder = leader.holder(),
            "Leader lease acquired"
        );
        Ok(())
    }

    /// Everything that the active process does.
    async fn lead(
        &self,
        leader: &Arc<Leader>,
        spawners: &Spawners,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let leader_since = self.parts.clock.now();
        let mut loops = Loops::default();
        let set_back = SetBack::default();
        self.start_leader(&loops, leader, &spawners.heartbeat, set_back.clone());
        let found = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            failed = loops.first_end() => return Err(failed),
            found = self.identify() => found,
        };
        let identity = self.guard(&found);
        let is_recorded = found.recorded.cluster.is_some();
        set_back.recall(found.set_back);
        let Found { owner, server_minor, .. } = found;
        tracing::info!(node_name = %owner.node, cluster = %owner.cluster, "Starting ORCA virtual node");
        let provider = self.provider(&owner, &identity);
        let shared: Arc<dyn Provider> = Arc::new(provider.clone());
        let config = Arc::new(self.parts.config.clone());
        let (events, event_loop) = events::channel(
            self.parts.client.clone(),
            Arc::clone(&self.parts.clock),
            leader.holder().to_owned(),
            self.metrics.pods.events.clone(),
        );
        let who = (server_minor, owner.cluster.clone());
        let cloud_events = CloudEvents::new(events.clone(), owner.node.clone());
        let node =
            Arc::new(self.node_controller(&config, &shared, who, (&identity, &set_back, cloud_events)));
        let pods = pods::Controller::new(pods::ControllerParts {
            client: self.parts.client.clone(),
            provider: shared,
            owner: owner.clone(),
            config,
            user_tags: self.cloud_info.tags.clone(),
            devices: self.cloud_info.devices.clone(),
            clock: Arc::clone(&self.parts.clock),
            events: events.clone(),
            metrics: self.metrics.pods.clone(),
            random: self.random.clone(),
            spawner: spawners.work.clone(),
            node: node.facts(),
            identity: identity.clone(),
            set_back: set_back.clone(),
        });
        let guards = (identity, set_back.clone());
        let garbage = self.garbage((owner, leader_since, is_recorded), guards, (&provider, &pods), events);
        let work = &spawners.work;
        self.start_node(&loops, &node, spawners, set_back);
        start_instances(&loops, &provider, work, stop);
        start_pods(&loops, &pods, work, stop);
        let token = stop.clone();
        loops.start(work, "garbage collection", async move {
            garbage.run(token).await;
            Ok(())
        });
        let token = stop.clone();
        loops.start(work, "event", async move {
            event_loop.run(token).await;
            Ok(())
        });
        loops.start(work, "report", report(pods.clone(), self.health.clone()));
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            failed = loops.first_end() => Err(failed),
        };
        drain(&provider, &pods, stop).await;
        // The loops can notice a shutdown before this does.
        if self.parts.shutdown.is_cancelled() { Ok(()) } else { result }
    }

    fn provider(&self, owner: &Owner, identity: &IdentityGuard) -> InstanceProvider {
        InstanceProvider::new(instances::ProviderParts {
            cloud: Arc::clone(&self.parts.cloud),
            health: self.capabilities.health.clone(),
            owner: owner.clone(),
            clock: Arc::clone(&self.parts.clock),
            settings: self.parts.config.controller.clone(),
            metrics: self.metrics.cloud.clone(),
            identity: identity.clone(),
            release: usize::try_from(self.parts.config.gc.release_brake).unwrap_or(usize::MAX),
            check_fit: self.parts.config.instances.check_fit,
        })
    }

    fn start_leader(&self, loops: &Loops, leader: &Arc<Leader>, heartbeat: &Spawner, set_back: SetBack) {
        let (leader, name) = (Arc::clone(leader), self.parts.config.node.name.clone());
        let health = self.health.clone();
        loops.start(heartbeat, "leader", async move {
            leader.hold(&health, &set_back).await;
            Err(Error::LostLeadership(name))
        });
    }

    fn start_node(&self, loops: &Loops, node: &Arc<NodeController>, spawners: &Spawners, set_back: SetBack) {
        let (lease, facts) = (self.node_lease(set_back), node.facts());
        loops.start(&spawners.heartbeat, "node lease", async move {
            lease.run(facts).await;
            Ok(())
        });
        let node = Arc::clone(node);
        loops.start(&spawners.work, "node", async move {
            let live = node.register().await?;
            node.run(live).await;
            Ok(())
        });
    }

    fn node_controller(
        &self,
        config: &Arc<Config>,
        provider: &Arc<dyn Provider>,
        (server_minor, cluster): (String, ClusterId),
        (identity, set_back, events): (&IdentityGuard, &SetBack, CloudEvents),
    ) -> NodeController {
        NodeController::new(node::NodeParts {
            client: self.parts.client.clone(),
            template: NodeTemplate {
                config: Arc::clone(config),
                cloud: self.cloud_info.clone(),
                cluster,
                server_minor,
            },
            provider: Arc::clone(provider),
            clock: Arc::clone(&self.parts.clock),
            health: self.health.clone(),
            metrics: self.metrics.node.clone(),
            adopt_foreign: self.parts.adopt_foreign,
            identity: identity.clone(),
            set_back: set_back.clone(),
            events,
        })
    }

    fn node_lease(&self, set_back: SetBack) -> NodeLease {
        let client = self.parts.heartbeat_client.clone().unwrap_or_else(|| self.parts.client.clone());
        let parts = LeaseParts {
            node: self.parts.config.node.name.clone(),
            clock: Arc::clone(&self.parts.clock),
            health: self.health.clone(),
            metrics: self.metrics.node.clone(),
            set_back,
        };
        NodeLease::new(client, parts)
    }
}

/// Where tasks are started: those of the heartbeat, and all others.
struct Spawners {
    work: Spawner,
    heartbeat: Spawner,
}

fn start_instances(loops: &Loops, provider: &InstanceProvider, work: &Spawner, stop: &CancellationToken) {
    let (sweeper, token) = (provider.clone(), stop.clone());
    loops.start(work, "sweep", async move {
        sweeper.sweep(token).await;
        Ok(())
    });
    let (ender, token) = (provider.clone(), stop.clone());
    loops.start(work, "termination", async move {
        ender.terminate(token).await;
        Ok(())
    });
}

fn start_pods(loops: &Loops, pods: &pods::Controller, work: &Spawner, stop: &CancellationToken) {
    let (watcher, token) = (pods.clone(), stop.clone());
    loops.start(work, "pod watch", async move {
        watcher.watch(token).await;
        Ok(())
    });
    let (worker, token) = (pods.clone(), stop.clone());
    loops.start(work, "pod", async move {
        worker.work(token).await;
        Ok(())
    });
}

async fn report(pods: pods::Controller, health: Health) -> Result<(), Error> {
    while !pods.is_synced() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    health.set_synced();
    loop {
        pods.count();
        tokio::time::sleep(COUNT).await;
    }
}

/// Waits for launch calls without an answer, and records the answers.
async fn drain(provider: &InstanceProvider, pods: &pods::Controller, stop: &CancellationToken) {
    stop.cancel();
    if tokio::time::timeout(DRAIN, pods.drain()).await.is_err() {
        tracing::warn!(
            seconds = DRAIN.as_secs(),
            "Some launch calls were not answered before shutdown; the next process asks again"
        );
    }
    tracing::info!(
        last_sweep = provider.last_sweep().map(tracing::field::display),
        "Stopped; instances keep running"
    );
}
