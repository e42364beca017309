//! Builds every part and runs the virtual node until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use orca_aws::config::Document;
use orca_core::clock;
use orca_core::cloud::CloudClient;
use orca_kube::{Health, Unhealthy, VirtualNode};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::args::{Globals, Takeover};
use crate::config::Loaded;
use crate::environment::Environment;
use crate::kubeconfig::{self, Access};
use crate::process;
use crate::report::Failure;
use crate::server::{Check, Pages, Server};

mod cloud;
mod heartbeat;
mod reach;
pub(crate) mod signals;

pub(crate) use self::cloud::connect;
use self::heartbeat::Heartbeat;
use self::reach::{described, reach};

/// Runs the controller. Ends when a signal asks for it, or with the failure that no retry can mend.
pub(crate) async fn run(loaded: Loaded, globals: Globals, environment: Environment) -> Result<(), Failure> {
    let shutdown = signals::shutdown().map_err(Failure::new)?;
    #[cfg(feature = "crash-points")]
    if let Some(point) = environment.get("ORCA_CRASH_AT") {
        orca_kube::crash::arm(point).map_err(Failure::usage)?;
    }
    let request = kubeconfig::Request::new(&globals, &environment);
    let (cluster, source) = kubeconfig::resolve(&request).map_err(Failure::new)?;
    let server = described(&cluster.config.cluster_url, cluster.config.proxy_url.as_ref());
    tracing::info!(kubernetes = %source, server, "Cluster found");
    let client = cluster.client().map_err(Failure::new)?;
    tokio::select! {
        biased;
        () = shutdown.cancelled() => return Ok(()),
        reached = reach(&client, &cluster, &source) => reached.map_err(Failure::new)?,
    }
    let Document { config, backend } = loaded.document;
    let cloud = connect(&backend, clock::system(), &request.proxies).await?;
    let parts = NodeParts {
        cluster,
        client,
        cloud,
        metrics_address: globals.metrics_address(&config.metrics),
        config,
        namespace: environment.namespace(globals.namespace.as_deref()),
        takeover: globals.takeover,
        shutdown,
    };
    operate(parts).await
}

/// What a virtual node of this program is made from.
pub(crate) struct NodeParts {
    pub(crate) cluster: Access,
    pub(crate) client: Client,
    pub(crate) cloud: Arc<dyn CloudClient>,
    pub(crate) config: orca_core::config::Config,
    /// Of the leader lease.
    pub(crate) namespace: String,
    pub(crate) takeover: Takeover,
    pub(crate) metrics_address: SocketAddr,
    pub(crate) shutdown: CancellationToken,
}

/// Runs one virtual node, its heartbeat and its pages until the token is cancelled or no retry can help.
pub(crate) async fn operate(parts: NodeParts) -> Result<(), Failure> {
    let heartbeat = Heartbeat::start(&parts.cluster).map_err(Failure::new)?;
    let metrics = parts.config.metrics.clone();
    let builder = VirtualNode::builder(parts.client)
        .cloud(parts.cloud)
        .config(parts.config)
        .namespace(parts.namespace)
        .heartbeat(heartbeat.client(), heartbeat.runtime())
        .shutdown(parts.shutdown);
    let node = parts.takeover.apply(builder).build().map_err(Failure::usage)?;
    let server = serve(&node, parts.metrics_address, metrics).await?;
    let stop_serving = CancellationToken::new();
    let serving = tokio::spawn(server.serve(stop_serving.clone()));
    let result = node.run().await;
    stop_serving.cancel();
    // The answer to a last request is awaited; whether it arrived changes nothing.
    let _served = tokio::time::timeout(Duration::from_secs(2), serving).await;
    heartbeat.stop();
    result.map_err(Failure::new)
}

async fn serve(
    node: &VirtualNode,
    address: SocketAddr,
    metrics: orca_core::config::Metrics,
) -> Result<Server, Failure> {
    let mut registry = Registry::default();
    node.register_metrics(&mut registry);
    process::register(&mut registry);
    let pages = Pages {
        live: vec![check("loops", node.health(), Health::live)],
        ready: vec![
            check("leader", node.health(), Health::leader),
            check("node", node.health(), Health::node),
            check("identity", node.health(), Health::identity),
            check("pods", node.health(), Health::pods),
        ],
        metrics: metrics.enabled.then(|| (metrics.path, Arc::new(registry))),
    };
    let server = Server::bind(address, pages).await.map_err(Failure::new)?;
    tracing::info!(address = %server.address(), "Serving health and metrics");
    Ok(server)
}

fn check(name: &'static str, health: Health, ask: fn(&Health) -> Result<(), Unhealthy>) -> Check {
    Check::new(name, move || ask(&health).map_err(|why| why.to_string()))
}

#[cfg(all(test, feature = "aws"))]
mod tests;
