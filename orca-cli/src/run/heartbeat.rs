//! A thread of its own for the leases, so that nothing else in this process can hold up the heartbeat.

use std::io;
use std::thread::JoinHandle;

use kube::Client;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::kubeconfig::{Access, AccessError};

/// The thread, its runtime and a client whose connections live there.
pub(super) struct Heartbeat {
    runtime: Handle,
    client: Client,
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

/// Why the heartbeat cannot be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeartbeatFailure {
    #[error("the heartbeat's thread cannot be started")]
    Thread(#[from] io::Error),
    #[error("the heartbeat's client cannot be made")]
    Client(#[from] AccessError),
}

impl Heartbeat {
    pub(super) fn start(cluster: &Access) -> Result<Self, HeartbeatFailure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let client = {
            // The client's own task is spawned where it is made.
            let _entered = runtime.enter();
            cluster.client()?
        };
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || runtime.block_on(stopped.cancelled()))?;
        Ok(Self { runtime: handle, client, stop, thread })
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) fn runtime(&self) -> Handle {
        self.runtime.clone()
    }

    pub(super) fn stop(self) {
        self.stop.cancel();
        if self.thread.join().is_err() {
            tracing::warn!("The heartbeat's thread ended by a panic");
        }
    }
}
