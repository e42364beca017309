//! One sweep for all pods: list, describe what is missing, ask for health while somebody waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use orca_core::error::{CloudError, Kind};
use orca_core::ids::{CloudIdentity, InstanceId};
use orca_core::instance::{Health, Instance};
use orca_core::limits;
use orca_core::well_known::reason;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::ledger::Sweep;

/// A list that takes longer is given up. The slowest server known lists 1 000 instances in 8 s.
const LIST_TIME: Duration = Duration::from_secs(45);
/// What a list does not show is asked for by id in this time, or not counted.
const DESCRIBE_TIME: Duration = Duration::from_secs(20);
/// A question about health that takes longer only delays Ready.
const HEALTH_TIME: Duration = Duration::from_secs(15);
/// How often it is asked which instances are impaired, of those that passed their checks before.
const IMPAIRED_EVERY: Duration = Duration::from_mins(1);
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
        let result = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            swept = sweep(inner) => swept,
        };
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
        tracing::warn!(error = %error, code = error.code, "Instances cannot be listed; their pods stay as they are");
    } else {
        tracing::debug!(error = %error, code = error.code, failures, "Instances still cannot be listed");
    }
    let now = inner.now();
    let unconfirmed = {
        let mut ledger = inner.ledger();
        ledger.failed(error);
        ledger.apply_unconfirmed(now)
    };
    inner.wake(&unconfirmed);
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
    let list = parts.metrics.observe("list_owned", parts.cloud.list_owned(&parts.owner));
    let listed = bounded(LIST_TIME, "a complete list", list).await?;
    let found = describe_unlisted(inner, &listed).await;
    if let Some(other) = inner.check_whose(listed.iter().chain(found.iter().flatten())) {
        return Err(CloudError::new(
            Kind::Unknown,
            "ForeignAnswer",
            format!("the cloud listed instances of {other}, which is not whose it said that they are"),
        ));
    }
    let now = inner.now();
    let (changed, unproven, (alive, not_owned), has_any) = {
        let mut ledger = inner.ledger();
        let unproven = ledger.unproven(&listed);
        let mut changed = ledger.apply(Sweep { began, listed, found }, now);
        changed.extend(ledger.apply_unconfirmed(now));
        let counts = (ledger.alive(), ledger.not_owned(&parts.owner));
        (changed, unproven, counts, ledger.has_any())
    };
    let is_launching = inner.launching.load(std::sync::atomic::Ordering::Acquire) > 0;
    parts.identity.has_instances(has_any || is_launching, now);
    parts.metrics.swept(alive, not_owned);
    inner.wake(&changed);
    // What was listed counts already: nothing waits for what is known of health.
    check_health(inner, &unproven).await;
    Ok(())
}

/// Asks for the health of those that have not passed their checks yet, and from time to time who has failed them since. A
/// failure here only delays Ready.
async fn check_health(inner: &Inner, unproven: &[InstanceId]) {
    let parts = &inner.parts;
    let Some(source) = &parts.health else { return };
    let now = inner.now();
    let mut health = BTreeMap::new();
    if inner.ledger().asks_for_impaired(now, IMPAIRED_EVERY) {
        let ask = parts.metrics.observe("impaired", source.impaired());
        match bounded(HEALTH_TIME, "the impaired instances", ask).await {
            Ok(impaired) => health.extend(impaired.into_iter().map(|id| (id, Health::Impaired))),
            Err(error) => tracing::debug!(error = %error, "Impaired instances cannot be listed"),
        }
    }
    if !unproven.is_empty() {
        let ask = parts.metrics.observe("health", source.health(unproven));
        match bounded(HEALTH_TIME, "the instances' health", ask).await {
            Ok(found) => health.extend(found),
            Err(error) => tracing::debug!(error = %error, "Health cannot be asked for"),
        }
    }
    let changed = inner.ledger().apply_health(health);
    inner.wake(&changed);
}

async fn bounded<T>(
    time: Duration,
    what: &str,
    call: impl Future<Output = Result<T, CloudError>> + Send,
) -> Result<T, CloudError> {
    tokio::time::timeout(time, call).await.unwrap_or_else(|_elapsed| {
        let text = format!("{what} did not come within {} s", time.as_secs());
        Err(CloudError::new(Kind::Unknown, "SweepTimeout", text))
    })
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
        None => bounded(LIST_TIME, "the account", ask).await,
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
        return Err(CloudError::new(Kind::Denied, reason::CLOUD_IDENTITY_CHANGED, mismatch.to_string()));
    }
    if known.as_ref() != Some(&identity) {
        tracing::info!(cloud = %identity, "Cloud identified");
    }
    inner.ledger().identified(identity, now);
    Ok(())
}

/// Asks now whose instances the cloud is asked about, and holds the answer against this.
///
/// Errors: it is somebody else's, or the cloud did not say.
pub(super) async fn confirm_identity(inner: &Inner, expected: &CloudIdentity) -> Result<(), CloudError> {
    let ask = inner.parts.metrics.observe("identity", inner.parts.cloud.identity());
    let identity =
        tokio::time::timeout(IDENTITY_TIME, ask).await.unwrap_or_else(|_elapsed| Err(unconfirmed()))?;
    if identity == *expected {
        return Ok(());
    }
    // The next sweep asks first, and then everything stands still.
    inner.ledger().doubt_identity();
    let text = format!(
        "this launch was begun in {expected}, and the credentials and region of now are those of {identity}"
    );
    Err(CloudError::new(Kind::Unknown, reason::CLOUD_IDENTITY_CHANGED, text))
}

fn unconfirmed() -> CloudError {
    let text =
        format!("the cloud did not say whose instances these are within {} s", IDENTITY_TIME.as_secs());
    CloudError::new(Kind::Unknown, "IdentityTimeout", text)
}

/// Instances that should be listed and are not: asked for by id, because a list by tag can lag behind.
async fn describe_unlisted(inner: &Inner, listed: &[Instance]) -> Option<Vec<Instance>> {
    let unlisted = inner.ledger().unlisted(listed);
    if unlisted.is_empty() {
        return Some(Vec::new());
    }
    let parts = &inner.parts;
    let describe = parts.metrics.observe("describe", parts.cloud.describe(&unlisted));
    match bounded(DESCRIBE_TIME, "the unlisted instances", describe).await {
        Ok(found) => Some(found),
        Err(error) => {
            tracing::debug!(error = %error, instances = unlisted.len(), "Unlisted instances could not be described");
            None
        }
    }
}
