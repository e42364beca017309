//! The child: ORCA's virtual node as the `orca` program runs it, over a cloud in the same process.
//!
//! It lives until its standard input is closed, which also happens when the driver dies. Its last line on standard
//! output is the record of the cloud's calls, as JSON.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use orca_core::clock;
use orca_core::config::{Config as OrcaConfig, Controller, LaunchRate, Node};
use orca_kube::VirtualNode;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::args::Contestant;
use super::cloud::Cloud;
use super::error::Error;

/// The most that the config takes: no bound on what is measured.
const WIDE_OPEN: LaunchRate = LaunchRate { burst: 1_000_000, per_second: 10_000.0 };

/// Runs the contestant and writes its record.
pub(super) fn run(contestant: &Contestant) -> Result<(), Error> {
    // Log lines cost time, and the program writes them too.
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(std::io::stderr);
    log.with_ansi(false).init();
    let runtime =
        Builder::new_multi_thread().enable_all().build().map_err(Error::system("starting the runtime"))?;
    runtime.block_on(serve(contestant))
}

/// Reads a kubeconfig as the `orca` program does: no call is repeated by the client.
pub(super) async fn kubeconfig(path: &Path) -> Result<Config, Error> {
    let file = Kubeconfig::read_from(path)?;
    let mut config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?;
    config.default_retry = false;
    Ok(config)
}

async fn serve(contestant: &Contestant) -> Result<(), Error> {
    let cluster = kubeconfig(&contestant.kubeconfig).await?;
    let client = Client::try_from(cluster.clone()).map_err(Error::api("making a client"))?;
    let shutdown = CancellationToken::new();
    watch_input(shutdown.clone())?;
    let cloud = Arc::new(Cloud::new(contestant.cloud_latency, clock::system()));
    let (heartbeat_client, heartbeat) = start_heartbeat(cluster, shutdown.clone())?;
    let config = config(&contestant.node);
    let node = VirtualNode::builder(client)
        .cloud(Arc::<Cloud>::clone(&cloud))
        .config(config)
        .heartbeat(heartbeat_client, heartbeat)
        .shutdown(shutdown)
        .build()?;
    node.run().await?;
    let line = serde_json::to_string(&cloud.finish()).unwrap_or_default();
    writeln!(std::io::stdout(), "{line}").map_err(Error::system("writing the record"))
}

fn config(node: &str) -> OrcaConfig {
    OrcaConfig {
        node: Node { name: node.to_owned(), pods: "1000000".into(), ..Node::default() },
        controller: Controller { launch_rate: WIDE_OPEN, ..Controller::default() },
        ..OrcaConfig::default()
    }
}

/// A thread, since a blocked read of standard input cannot be cancelled.
fn watch_input(closed: CancellationToken) -> Result<(), Error> {
    let wait = move || {
        // Whatever ends the reading, the other process is gone.
        let _end = std::io::stdin().read_to_end(&mut Vec::new());
        closed.cancel();
    };
    let thread = std::thread::Builder::new().name("input".into()).spawn(wait);
    thread.map(drop).map_err(Error::system("starting a thread"))
}

/// A separate thread for the leases, as in the program `orca`.
fn start_heartbeat(cluster: Config, shutdown: CancellationToken) -> Result<(Client, Handle), Error> {
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(Error::system("starting a runtime"))?;
    let handle = runtime.handle().clone();
    let client = {
        // The client's own task is spawned where it is made.
        let _entered = runtime.enter();
        Client::try_from(cluster).map_err(Error::api("making a client"))?
    };
    let run = move || {
        runtime.block_on(async {
            shutdown.cancelled().await;
            // The leader lease is given back on this runtime after the shutdown has begun.
            tokio::time::sleep(std::time::Duration::from_mins(1)).await;
        });
    };
    std::thread::Builder::new()
        .name("heartbeat".into())
        .spawn(run)
        .map_err(Error::system("starting a thread"))?;
    Ok((client, handle))
}
