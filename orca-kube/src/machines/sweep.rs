//! One sweep for all pods: list, describe what is missing, ask for health while somebody waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use orca_core::error::CloudError;
use orca_core::instance::Instance;
use orca_core::limits;
use orca_core::well_known::reason;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::ledger::Sweep;

/// A sweep that takes longer is given up. The slowest server known lists 1 000 instances in 8 s.
const TIMEOUT: Duration = Duration::from_secs(45);
/// After which time it is asked again whose instances these are …
const IDENTITY_KEPT: Duration = Duration::from_mins(1);
/// … how long the question may take while the answer is known …
const IDENTITY_TIME: Duration = Duration::from_secs(5);
/// … and after which time without an answer no list says anything. It is shorter than an absence takes to count: so an
/// instance is never concluded to be gone from lists of an account that nobody has confirmed since.
const IDENTITY_TRUSTED: Duration = Duration::from_mins(2);
const _: () = assert!(IDENTITY_TRUSTED.as_secs() < limits::ABSENT_FOR.as_secs());
/// Between sweeps that somebody asks for, at least this.
const LEAST: Duration = Duration::from_millis(50);

/// Sweeps until the token is cancelled: often while something changes, rarely while nothing does, at once when asked.
pub(super) async fn run(inner: &Inner, shutdown: &CancellationToken) {
    let mut failures: u32 = 0;
    loop {
        let swept = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            swept = tokio::time::timeout(TIMEOUT, sweep(inner)) => swept,
        };
        let result = swept.unwrap_or_else(|_elapsed| {
            Err(CloudError::new(
                orca_core::Kind::Unknown,
                "SweepTimeout",
                format!("no complete list within {} s", TIMEOUT.as_secs()),
            ))
        });
        failures = if result.is_ok() { 0 } else { failures.saturating_add(1) };
        report(inner, result, failures);
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            () = pause(inner, failures) => {}
        }
    }
}

fn report(inner: &Inner, result: Result<(), CloudError>, failures: u32) {
    let Err(error) = result else {
        return;
    };
    if failures == 1 {
        tracing::warn!(error = %error, code = error.code, "Sweep failed; nothing is concluded from it");
    } else {
        tracing::debug!(error = %error, code = error.code, failures, "Sweep failed again");
    }
    inner.ledger().failed(error);
}

/// Waits for the next sweep's time, or for somebody who needs one earlier.
async fn pause(inner: &Inner, failures: u32) {
    let settings = &inner.parts.settings;
    let fast = Duration::from_secs_f64(settings.fast_sweep_seconds.max(0.05));
    let slow = Duration::from_secs_f64(settings.sweep_seconds.max(0.05));
    if failures > 0 {
        let backoff = orca_core::backoff::Backoff { first: fast, cap: Duration::from_secs(30).max(fast) };
        return tokio::time::sleep(backoff.delay(failures)).await;
    }
    let interval = if inner.is_changing() { fast } else { slow };
    let asked = async {
        inner.sweep_wanted.notified().await;
        // Those who ask at the same time share one sweep; nobody makes it more frequent than while something changes.
        tokio::time::sleep(fast.min(Duration::from_secs(1)).max(LEAST)).await;
    };
    tokio::select! {
        biased;
        () = tokio::time::sleep(interval) => {}
        () = asked => {}
    }
}

async fn sweep(inner: &Inner) -> Result<(), CloudError> {
    let parts = &inner.parts;
    identify(inner).await?;
    let began = inner.now();
    let listed = parts.metrics.observe("list_owned", parts.cloud.list_owned(&parts.owner)).await?;
    let found = describe_unlisted(inner, &listed).await;
    if let Some(other) = inner.check_whose(listed.iter().chain(found.iter().flatten())) {
        return Err(CloudError::new(
            orca_core::Kind::Unknown,
            "ForeignAnswer",
            format!("the cloud listed instances of {other}, which is not whose it said that they are"),
        ));
    }
    let unproven = inner.ledger().unproven(&listed);
    let health = match &parts.health {
        Some(source) if !unproven.is_empty() => {
            // A failure here only delays Ready.
            parts.metrics.observe("health", source.health(&unproven)).await.unwrap_or_default()
        }
        Some(_) | None => BTreeMap::new(),
    };
    let now = inner.now();
    let (changed, alive) = {
        let mut ledger = inner.ledger();
        let changed = ledger.take(Sweep { began, listed, found, health }, now);
        (changed, ledger.alive())
    };
    parts.metrics.swept(alive);
    inner.wake(&changed);
    Ok(())
}

/// Asks whose instances the cloud is asked about: before the first list, which says nothing without it, and again from
/// time to time, because credentials can change under a running process.
async fn identify(inner: &Inner) -> Result<(), CloudError> {
    let now = inner.now();
    let known = inner.ledger().identity().cloned();
    if known.is_some() && inner.ledger().is_identified(now, IDENTITY_KEPT) {
        return Ok(());
    }
    let parts = &inner.parts;
    let ask = parts.metrics.observe("identity", parts.cloud.identity());
    // A question that hangs must not hold up the lists while the answer of a moment ago still counts.
    let answer = match &known {
        Some(_) => {
            tokio::time::timeout(IDENTITY_TIME, ask).await.unwrap_or_else(|_elapsed| Err(unconfirmed()))
        }
        None => ask.await,
    };
    let identity = match answer {
        Ok(identity) => identity,
        Err(error) if known.is_some() && inner.ledger().is_identified(now, IDENTITY_TRUSTED) => {
            tracing::debug!(error = %error, "Cloud identity not confirmed; it is asked for again");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    if let Err(mismatch) = parts.identity.answered(&identity) {
        inner.ledger().doubt_identity();
        return Err(CloudError::new(
            orca_core::Kind::Denied,
            reason::CLOUD_IDENTITY_CHANGED,
            mismatch.to_string(),
        ));
    }
    if known.as_ref() != Some(&identity) {
        tracing::info!(cloud = %identity, "Cloud identified");
    }
    inner.ledger().identified(identity, now);
    Ok(())
}

fn unconfirmed() -> CloudError {
    let text =
        format!("the cloud did not say whose instances these are within {} s", IDENTITY_TIME.as_secs());
    CloudError::new(orca_core::Kind::Unknown, "IdentityTimeout", text)
}

/// Machines that should be listed and are not: asked for by id, because a list by tag can lag behind.
async fn describe_unlisted(inner: &Inner, listed: &[Instance]) -> Option<Vec<Instance>> {
    let unlisted = inner.ledger().unlisted(listed);
    if unlisted.is_empty() {
        return Some(Vec::new());
    }
    let parts = &inner.parts;
    match parts.metrics.observe("describe", parts.cloud.describe(&unlisted)).await {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::debug!(error = %error, instances = unlisted.len(), "Unlisted instances could not be described");
            None
        }
    }
}
