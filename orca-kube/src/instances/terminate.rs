//! Terminations, gathered for a moment and sent together.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use orca_core::cloud::Terminations;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::PodUid;
use orca_core::instance::OwnedInstance;
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
/// Calls under way at a time: one that hangs holds up only what it names.
const AT_ONCE: usize = 8;

pub(super) async fn run(inner: &Inner, shutdown: &CancellationToken) {
    let mut limiter = RateLimiter::new(BURST, PER_SECOND);
    let mut calls = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            Some(()) = calls.next() => {
                // What found no place before has one now.
                inner.terminate_wanted.notify_one();
            }
            () = inner.terminate_wanted.notified(), if calls.len() < AT_ONCE => {
                // The fewer requests are left, the longer it gathers: they are never used up, and late ones lose little.
                tokio::time::sleep(WINDOW + limiter.spacing(Instant::now())).await;
                // Tags are read before; a cloud that is not this node's would be told to end what they name all the same.
                while calls.len() < AT_ONCE && inner.parts.identity.mismatch().is_none() {
                    let batch = inner.ledger().next_terminations(BATCH);
                    if batch.is_empty() {
                        break;
                    }
                    inner.ledger().begin(&batch);
                    let turn = limiter.reserve(Instant::now());
                    calls.push(async move {
                        tokio::time::sleep_until(turn).await;
                        terminate(inner, &batch).await;
                        inner.ledger().finish(&batch);
                    });
                }
            }
        }
    }
}

async fn terminate(inner: &Inner, batch: &[OwnedInstance]) {
    let call = tokio::time::timeout(TIME, inner.parts.cloud.terminate(batch));
    let Ok(ended) = crash::around(Effect::Terminate, call).await else {
        tracing::warn!(
            instances = batch.len(),
            seconds = TIME.as_secs(),
            "Termination was not answered; it is asked for again"
        );
        let unanswered = |owned: &OwnedInstance| {
            let text = format!("no answer within {} s", TIME.as_secs());
            let error = CloudError::new(Kind::Unknown, "NoAnswer", text);
            inner.ledger().unanswered(owned.id(), error, batch.len())
        };
        let changed: Vec<PodUid> = batch.iter().filter_map(unanswered).collect();
        inner.wake(&changed);
        return;
    };
    record(inner, ended);
}

/// Records the result for each instance, and wakes the pods.
fn record(inner: &Inner, ended: Terminations) {
    inner.parts.metrics.terminated(&ended);
    let (now, named) = (inner.now(), ended.len());
    let (mut changed, mut waiting) = (Vec::new(), Vec::new());
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
                } else {
                    waiting.extend(inner.ledger().unanswered(&id, error, named));
                }
            }
        }
    }
    inner.wake(&waiting);
    inner.wake(&changed);
    if changed.iter().len() > 0 {
        inner.sweep_wanted.notify_one();
    }
}
