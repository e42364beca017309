//! The virtual node as a whole: built by an embedder, run until its shutdown token is cancelled.

use std::sync::Arc;
use std::time::Duration;

use orca_core::clock::{self, Clock};
use orca_core::cloud::{CloudClient, HealthSource, LeftoverSource};
use orca_core::config::Config;
use orca_core::provider::Provider;
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::health::Health;
use crate::leader::Leader;
use crate::machines::{self, MachineProvider};
use crate::metrics::Metrics;
use crate::node::{self, LEASE_NAMESPACE, NodeController, NodeLease};
use crate::random::Random;
use crate::{events, pods};

mod collection;
mod identity;

/// A send can take this long to be answered; shutdown waits for it, so that no instance id is lost.
const DRAIN: Duration = Duration::from_secs(35);

/// One virtual node over one cloud.
///
/// ```no_run
/// # async fn example(client: kube::Client, cloud: std::sync::Arc<dyn orca_core::cloud::CloudClient>) -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = orca_core::config::Config::default();
/// config.aws.region = "us-west-2".into();
/// let node = orca_kube::VirtualNode::builder(client, cloud).config(config).build()?;
/// let running = tokio::spawn(node.run());
/// running.await??;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct VirtualNode {
    parts: VirtualNodeBuilder,
    metrics: Metrics,
    health: Health,
    random: Random,
}

/// Collects what a virtual node is made from. Everything but client and cloud has a default.
pub struct VirtualNodeBuilder {
    client: kube::Client,
    heartbeat_client: Option<kube::Client>,
    heartbeat_runtime: Option<Handle>,
    cloud: Arc<dyn CloudClient>,
    health_source: Option<Arc<dyn HealthSource>>,
    leftovers: Option<Arc<dyn LeftoverSource>>,
    config: Config,
    namespace: String,
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    shutdown: CancellationToken,
    adopt_foreign: bool,
}

impl std::fmt::Debug for VirtualNodeBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualNodeBuilder")
            .field("cloud", &self.cloud)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl VirtualNodeBuilder {
    /// The config. [`orca_core::config::validate`] is asked by [`build`](Self::build).
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The namespace of the leader lease. Default: `kube-system`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// How the cloud tells whether running machines are healthy. Without it, a running machine is ready.
    #[must_use]
    pub fn health_source(mut self, source: Arc<dyn HealthSource>) -> Self {
        self.health_source = Some(source);
        self
    }

    /// How the cloud tells what instances left behind. Without it, garbage collection ends instances only, and there
    /// is no report of foreign ones.
    #[must_use]
    pub fn leftovers(mut self, source: Arc<dyn LeftoverSource>) -> Self {
        self.leftovers = Some(source);
        self
    }

    /// A client of its own for the leases, and the runtime to renew them on, so that nothing else can hold up the
    /// heartbeat. The client must have been made on that runtime. Default: the common ones.
    #[must_use]
    pub fn heartbeat(mut self, client: kube::Client, runtime: Handle) -> Self {
        self.heartbeat_client = Some(client);
        self.heartbeat_runtime = Some(runtime);
        self
    }

    /// Where the time comes from. Default: the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// What jitter and the leader's name are drawn from. The same seed draws the same, for simulations; two processes that
    /// share a cluster must not share a seed. Default: another in each process.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Cancelled to stop. Default: never.
    #[must_use]
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shutdown = token;
        self
    }

    /// Take over an existing node of that name although ORCA did not make it.
    #[must_use]
    pub fn adopt_foreign_node(mut self) -> Self {
        self.adopt_foreign = true;
        self
    }

    /// Checks the config. Nothing is started, and no call is made.
    pub fn build(self) -> Result<VirtualNode, Error> {
        let warnings = orca_core::config::validate(&self.config).map_err(|errors| {
            Error::Config(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        })?;
        for warning in warnings {
            tracing::warn!(key = warning.key, note = warning.text, "Config key has no effect");
        }
        if self.namespace == LEASE_NAMESPACE {
            let text = format!(
                "the leader lease cannot be kept in {LEASE_NAMESPACE}: the node lease of the same name is there; choose another namespace"
            );
            return Err(Error::Config(text));
        }
        let health = Health::new(Arc::clone(&self.clock));
        let random = Random::new(self.seed);
        Ok(VirtualNode { parts: self, metrics: Metrics::default(), health, random })
    }
}

impl VirtualNode {
    /// Begins a virtual node over this cloud. The client should not retry by itself (`Config::default_retry` off): every
    /// call is retried here, under a time-out.
    pub fn builder(client: kube::Client, cloud: Arc<dyn CloudClient>) -> VirtualNodeBuilder {
        VirtualNodeBuilder {
            client,
            heartbeat_client: None,
            heartbeat_runtime: None,
            cloud,
            health_source: None,
            leftovers: None,
            config: Config::default(),
            namespace: "kube-system".into(),
            clock: clock::system(),
            seed: None,
            shutdown: CancellationToken::new(),
            adopt_foreign: false,
        }
    }

    /// Registers the node's metrics in this registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// What the node says of its own health.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs until the shutdown token is cancelled, or until a failure that no retry can mend.
    ///
    /// On shutdown no new work is taken; sends that are under way are awaited for up to 35 s and recorded; the leader
    /// lease is given back. Node, node lease and instances are left as they are. Dropping the future instead is like a
    /// crash: the next process adopts everything.
    pub async fn run(self) -> Result<(), Error> {
        let shutdown = self.parts.shutdown.clone();
        let leader = self.leader();
        let _holder = leader.holder();
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            () = self.acquire(&leader) => {}
        }
        let loops = shutdown.child_token();
        let result = Box::pin(self.lead(&leader, &loops)).await;
        loops.cancel();
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

    async fn acquire(&self, leader: &Arc<Leader>) {
        self.health.set_leader(false);
        let acquired = {
            let leader = Arc::clone(leader);
            self.on_heartbeat_runtime(async move { leader.acquire().await })
        };
        let mut beat = tokio::time::interval(Duration::from_secs(5));
        let mut acquired = std::pin::pin!(acquired);
        loop {
            tokio::select! {
                biased;
                _done = &mut acquired => break,
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
    }

    /// Spawns on the runtime of the heartbeat; aborted when the handle is dropped.
    fn on_heartbeat_runtime<F>(&self, task: F) -> tokio_util::task::AbortOnDropHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let handle = match &self.parts.heartbeat_runtime {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        };
        tokio_util::task::AbortOnDropHandle::new(handle)
    }

    /// Everything that the active process does.
    async fn lead(&self, leader: &Arc<Leader>, loops: &CancellationToken) -> Result<(), Error> {
        let name = &self.parts.config.node.name;
        let leader_since = self.parts.clock.now();
        let holds = {
            let leader = Arc::clone(leader);
            self.on_heartbeat_runtime(async move { leader.hold().await })
        };
        let (owner, server_minor) = tokio::select! {
            biased;
            () = loops.cancelled() => return Ok(()),
            found = self.identify() => found?,
        };
        tracing::info!(node_name = %name, cluster = %owner.cluster, "Starting ORCA virtual node");
        let provider = MachineProvider::new(machines::Parts {
            cloud: Arc::clone(&self.parts.cloud),
            health: self.parts.health_source.clone(),
            owner: owner.clone(),
            clock: Arc::clone(&self.parts.clock),
            settings: self.parts.config.controller.clone(),
            metrics: self.metrics.cloud.clone(),
        });
        let shared: Arc<dyn Provider> = Arc::new(provider.clone());
        let config = Arc::new(self.parts.config.clone());
        let node = self.node_controller(&config, &shared, server_minor);
        let (events, event_loop) = events::channel(
            self.parts.client.clone(),
            Arc::clone(&self.parts.clock),
            leader.holder().to_owned(),
            self.metrics.pods.events.clone(),
        );
        let pods = pods::Controller::new(pods::Parts {
            client: self.parts.client.clone(),
            provider: shared,
            owner: owner.clone(),
            config,
            clock: Arc::clone(&self.parts.clock),
            events: events.clone(),
            metrics: self.metrics.pods.clone(),
            random: self.random.clone(),
            node: node.facts(),
        });
        let garbage = self.garbage((owner, leader_since), &provider, &pods, events);
        let lease = self.node_lease();
        let uid = node.facts();
        let _lease = self.on_heartbeat_runtime(async move { lease.run(uid).await });
        let result = tokio::select! {
            biased;
            () = loops.cancelled() => Ok(()),
            _lost = holds => Err(Error::LostLeadership(name.clone())),
            failed = self.keep_node(&node) => Err(failed),
            () = provider.run(loops.clone()) => Err(Error::LoopEnded("sweep")),
            () = pods.run(loops.clone()) => Err(Error::LoopEnded("pod")),
            () = garbage.run(loops.clone()) => Err(Error::LoopEnded("garbage collection")),
            () = event_loop.run(loops.clone()) => Err(Error::LoopEnded("event")),
            () = self.report(&pods) => Err(Error::LoopEnded("report")),
        };
        self.drain(&provider, &pods, loops).await;
        // A shutdown can be seen by the loops before it is seen here.
        if self.parts.shutdown.is_cancelled() { Ok(()) } else { result }
    }

    async fn keep_node(&self, node: &NodeController) -> Error {
        match node.register().await {
            Ok(live) => {
                node.run(live).await;
                Error::LoopEnded("node")
            }
            Err(error) => error,
        }
    }

    async fn report(&self, pods: &pods::Controller) {
        while !pods.is_synced() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.health.set_synced();
        std::future::pending::<()>().await;
    }

    /// Lets the sends finish and records what they brought.
    async fn drain(&self, provider: &MachineProvider, pods: &pods::Controller, loops: &CancellationToken) {
        loops.cancel();
        let drained = async {
            pods.run(loops.clone()).await;
            provider.drain().await;
            pods.settle().await;
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
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

    fn node_controller(
        &self,
        config: &Arc<Config>,
        provider: &Arc<dyn Provider>,
        server_minor: String,
    ) -> NodeController {
        NodeController::new(node::Parts {
            client: self.parts.client.clone(),
            config: Arc::clone(config),
            provider: Arc::clone(provider),
            clock: Arc::clone(&self.parts.clock),
            health: self.health.clone(),
            metrics: self.metrics.node.clone(),
            adopt_foreign: self.parts.adopt_foreign,
            server_minor,
        })
    }

    fn node_lease(&self) -> NodeLease {
        let client = self.parts.heartbeat_client.clone().unwrap_or_else(|| self.parts.client.clone());
        NodeLease::new(
            client,
            &self.parts.config.node.name,
            Arc::clone(&self.parts.clock),
            self.health.clone(),
            self.metrics.node.clone(),
        )
    }
}
