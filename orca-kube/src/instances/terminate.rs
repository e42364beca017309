//! Terminations, gathered for a moment and sent together.

use std::time::Duration;

use orca_core::cloud::Terminations;
use orca_core::error::Kind;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::Inner;
use crate::crash::{self, Effect};
use crate::rate_limiter::RateLimiter;
use crate::spans;

/// How long to gather at least: a Job's pods are deleted within a few milliseconds of each other.
const WINDOW: Duration = Duration::from_millis(15);
/// What AWS grants terminate requests: burst, and rate a second (EC2 developer guide, "Request
/// throttling").
const BURST: u32 = 100;
const PER_SECOND: f64 = 5.0;
/// A call that takes longer is given up, so that one that hangs does not keep the others back. It may still be executed.
const TIME: Duration = Duration::from_secs(35);
/// At most this many in one call of the back end, which splits further if it has to.
const BATCH: usize = 500;

pub(super) async fn run(inner: &Inner, shutdown: &CancellationToken) {
    let mut limiter = RateLimiter::new(BURST, PER_SECOND);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = inner.terminate_wanted.notified() => {}
        }
        loop {
            // The fewer requests are left, the longer it gathers: they are never used up, and late ones lose little.
            tokio::time::sleep(WINDOW + limiter.spacing(Instant::now())).await;
            // Tags are read before; a cloud that is not this node's would be told to end what they name all the same.
            if inner.parts.identity.mismatch().is_some() {
                break;
            }
            let batch = inner.ledger().next_terminations(BATCH);
            if batch.is_empty() {
                break;
            }
            tokio::time::sleep_until(limiter.reserve(Instant::now())).await;
            terminate(inner, &batch).await;
        }
    }
}

async fn terminate(inner: &Inner, batch: &[orca_core::instance::OwnedInstance]) {
    let call = tokio::time::timeout(TIME, inner.parts.cloud.terminate(batch));
    let Ok(ended) = crash::around(Effect::Terminate, call).await else {
        tracing::warn!(
            instances = batch.len(),
            seconds = TIME.as_secs(),
            "Termination was not answered; it is asked for again"
        );
        return;
    };
    record(inner, ended);
}

/// Records the result for each instance, and wakes the pods.
fn record(inner: &Inner, ended: Terminations) {
    inner.parts.metrics.terminated(&ended);
    let now = inner.now();
    let mut changed = Vec::new();
    for (id, result) in ended {
        let pod = inner.ledger().pod_of(&id);
        let _named = pod.as_ref().map_or_else(Span::none, spans::pod).entered();
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
                // A refusal that passes by itself is no reason to wait for people.
                if error.kind.is_definitive() && error.kind != Kind::Throttled {
                    changed.extend(inner.ledger().refused(&id, error));
                }
            }
        }
    }
    inner.wake(&changed);
    if changed.iter().len() > 0 {
        inner.sweep_wanted.notify_one();
    }
}
