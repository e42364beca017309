//! [`VirtualNodeBuilder`]: what a virtual node is made from, with defaults.

use std::sync::Arc;

use orca_core::clock::{self, Clock};
use orca_core::cloud::{Capabilities, CloudClient};
use orca_core::config::Config;
use orca_core::ids::CloudIdentity;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::VirtualNode;
use crate::error::{Error, InvalidConfig};
use crate::health::Health;
use crate::identity::Accepted;
use crate::metrics::Metrics;
use crate::node::LEASE_NAMESPACE;
use crate::random::Random;
use crate::spawn::{Spawn, TokioSpawn};

/// The first step of the builder: it has a cluster, and needs a [cloud](Self::cloud).
#[derive(Clone)]
pub struct CloudMissing(pub(super) kube::Client);

impl CloudMissing {
    /// The cloud that runs the pods. Its optional abilities are used too: see [`CloudClient::capabilities`].
    #[must_use]
    pub fn cloud(self, cloud: Arc<dyn CloudClient>) -> VirtualNodeBuilder {
        VirtualNodeBuilder::new(self.0, cloud)
    }
}

impl std::fmt::Debug for CloudMissing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloudMissing").finish_non_exhaustive()
    }
}

/// Collects what a virtual node is made from. Everything but client and cloud has a default.
pub struct VirtualNodeBuilder {
    pub(super) client: kube::Client,
    pub(super) heartbeat_client: Option<kube::Client>,
    pub(super) heartbeat_spawn: Option<Arc<dyn Spawn>>,
    pub(super) cloud: Arc<dyn CloudClient>,
    pub(super) capabilities: Option<Capabilities>,
    pub(super) config: Config,
    pub(super) namespace: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) seed: Option<u64>,
    pub(super) shutdown: CancellationToken,
    pub(super) spawn: Arc<dyn Spawn>,
    pub(super) adopt_foreign: bool,
    pub(super) accepted: Accepted,
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
    pub(super) fn new(client: kube::Client, cloud: Arc<dyn CloudClient>) -> Self {
        Self {
            client,
            heartbeat_client: None,
            heartbeat_spawn: None,
            cloud,
            capabilities: None,
            config: Config::default(),
            namespace: "kube-system".into(),
            clock: clock::system(),
            seed: None,
            shutdown: CancellationToken::new(),
            spawn: Arc::new(TokioSpawn::default()),
            adopt_foreign: false,
            accepted: Accepted::default(),
        }
    }

    /// The config. [`build`](Self::build) validates it. Default: `Config::default()`.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// The namespace of the leader lease. Default: `kube-system`. `kube-node-lease` is refused by [`build`](Self::build).
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Abilities to use instead of those that [`CloudClient::capabilities`] returns.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// A separate client for the two leases, and a separate runtime to renew them on, so that no other work can delay the
    /// heartbeat. Make the client on that runtime. Default: the same client and the same runtime as for everything else.
    #[must_use]
    pub fn heartbeat(mut self, client: kube::Client, runtime: Handle) -> Self {
        self.heartbeat_client = Some(client);
        self.heartbeat_spawn = Some(Arc::new(TokioSpawn::on(runtime)));
        self
    }

    /// The source of wall-clock time. Durations come from tokio's clock. Default: the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The seed of jitter and of this process's name in the leader lease. Set it only in simulations, where a run must be
    /// repeatable: two processes in one cluster must not have the same seed. Default: a different one in each process.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Where every task of the node is started, except for the tasks of the heartbeat if [`heartbeat`](Self::heartbeat) is
    /// set. Default: the runtime that polls [`VirtualNode::run`].
    #[must_use]
    pub fn spawn(mut self, spawn: Arc<dyn Spawn>) -> Self {
        self.spawn = spawn;
        self
    }

    /// The token that stops the node when it is cancelled. Default: a token that is never cancelled.
    #[must_use]
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shutdown = token;
        self
    }

    /// Takes over an existing Node of that name even if ORCA did not make it. Without it, such a Node ends
    /// [`run`](VirtualNode::run) with [`Error::ForeignNode`].
    #[must_use]
    pub fn adopt_foreign_node(mut self) -> Self {
        self.adopt_foreign = true;
        self
    }

    /// Says that this identity, under which the node launched earlier instances, and the current one name the same place, so
    /// that those instances are looked for under the current one. Can be called several times.
    ///
    /// The Node object records the identity that its instances were launched under. While the current one is another, and it
    /// is neither adopted nor [abandoned](Self::abandon), the node launches and ends nothing and writes no pod.
    #[must_use]
    pub fn adopt_identity(mut self, was: CloudIdentity) -> Self {
        self.accepted.adopted.push(was);
        self
    }

    /// Gives up the instances that were launched under this identity, and works under the current one. Their pods fail with
    /// the reason `InstanceAbandoned`; people have to end the instances. An earlier id of the cluster can be given too. Can be
    /// called several times.
    #[must_use]
    pub fn abandon(mut self, was: CloudIdentity) -> Self {
        self.accepted.abandoned.push(was);
        self
    }

    /// Checks the config, and logs its warnings. Starts nothing, and makes no call.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with all values that are wrong; [`Error::LeaseNamespace`] if the leader lease would have the name
    /// and the namespace of the node lease.
    pub fn build(self) -> Result<VirtualNode, Error> {
        let cloud_info = self.cloud.info();
        let warnings = orca_core::config::validate(&self.config, &cloud_info).map_err(InvalidConfig)?;
        for warning in warnings {
            tracing::warn!(key = warning.key, note = %warning, "Config warning");
        }
        if self.namespace == LEASE_NAMESPACE {
            return Err(Error::LeaseNamespace(LEASE_NAMESPACE));
        }
        let health = Health::new(Arc::clone(&self.clock));
        let random = Random::new(self.seed);
        let capabilities =
            self.capabilities.clone().unwrap_or_else(|| Arc::clone(&self.cloud).capabilities());
        Ok(VirtualNode { parts: self, cloud_info, capabilities, metrics: Metrics::default(), health, random })
    }
}
