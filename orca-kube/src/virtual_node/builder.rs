//! What a virtual node is made from, and what it falls back to.

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

/// A virtual node to be that has a cluster and no cloud yet.
#[derive(Clone)]
pub struct CloudMissing(pub(super) kube::Client);

impl CloudMissing {
    /// The cloud that runs the pods. What it can do besides is used as well:
    /// [`CloudClient::capabilities`] says what that is.
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

    /// What the cloud can do besides, instead of what it says itself.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// A client of its own for the leases, and the runtime to renew them on, so that nothing else can hold up the
    /// heartbeat. The client must have been made on that runtime. Default: the common ones.
    #[must_use]
    pub fn heartbeat(mut self, client: kube::Client, runtime: Handle) -> Self {
        self.heartbeat_client = Some(client);
        self.heartbeat_spawn = Some(Arc::new(TokioSpawn::on(runtime)));
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

    /// Where every task of the node is started, the heartbeat's aside if that has a runtime of its own. Default: the runtime
    /// that polls [`VirtualNode::run`].
    #[must_use]
    pub fn spawn(mut self, spawn: Arc<dyn Spawn>) -> Self {
        self.spawn = spawn;
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

    /// What was launched under this identity is looked for under the cloud's identity of now: both name the same place.
    /// Without it, a node whose Node object records another identity does nothing.
    #[must_use]
    pub fn adopt_identity(mut self, was: CloudIdentity) -> Self {
        self.accepted.adopted.push(was);
        self
    }

    /// What was launched under this identity is left to people: its pods fail with the reason `InstanceAbandoned`, and the
    /// node goes on under the identity of now. The id of a cluster can be given up as well.
    #[must_use]
    pub fn abandon(mut self, was: CloudIdentity) -> Self {
        self.accepted.abandoned.push(was);
        self
    }

    /// Checks the config. Nothing is started, and no call is made.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] with all values that are wrong, [`Error::LeaseNamespace`] if the leader lease would stand where the
    /// node lease does.
    pub fn build(self) -> Result<VirtualNode, Error> {
        let cloud_info = self.cloud.info();
        let warnings = orca_core::config::validate(&self.config, &cloud_info).map_err(InvalidConfig)?;
        for warning in warnings {
            tracing::warn!(key = warning.key, note = warning.text, "Config key has no effect");
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
