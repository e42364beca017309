//! Terminations, gathered for a moment and sent together.

use std::time::Duration;

use orca_core::error::Kind;
use tokio_util::sync::CancellationToken;

use super::Inner;

/// How long to gather: a Job's pods are deleted within a few milliseconds of each other.
const WINDOW: Duration = Duration::from_millis(50);
/// Between calls: AWS refills five terminate requests a second (EC2 developer guide, "Request throttling").
const BETWEEN: Duration = Duration::from_millis(200);
/// At most so many in one call of the back end, which splits further if it has to.
const BATCH: usize = 500;

pub(super) async fn run(inner: &Inner, shutdown: &CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = inner.terminate_wanted.notified() => {}
        }
        tokio::time::sleep(WINDOW).await;
        loop {
            let batch = inner.ledger().take_terminations(BATCH);
            if batch.is_empty() {
                break;
            }
            terminate(inner, &batch).await;
            tokio::time::sleep(BETWEEN).await;
        }
    }
}

async fn terminate(inner: &Inner, batch: &[orca_core::instance::OwnedInstance]) {
    let ended = inner.parts.cloud.terminate(batch).await;
    inner.parts.metrics.terminated(&ended);
    let now = inner.now();
    let mut changed = Vec::new();
    for (id, result) in ended {
        match result {
            Ok(state) => {
                tracing::info!(instance_id = %id, state = state.as_str(), "Instance terminating");
                changed.extend(inner.ledger().ended(&id, state, now));
            }
            // It may not be visible yet, or be gone: the sweep tells.
            Err(error) if error.kind == Kind::NotFound => {
                tracing::debug!(instance_id = %id, error = %error, "Instance to terminate not found");
            }
            Err(error) => {
                tracing::warn!(instance_id = %id, error = %error, "Instance not terminated; it is asked for again");
            }
        }
    }
    inner.wake(&changed);
    if changed.iter().len() > 0 {
        inner.sweep_wanted.notify_one();
    }
}
