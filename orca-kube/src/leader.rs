//! One active process: a Lease in ORCA's namespace, named like the node, with a unique holder.
//!
//! Expiry is judged by how long this process has seen the Lease unchanged, on its own monotonic clock, never by times
//! that another machine wrote. Leadership only saves work. That nothing is launched twice rests on the launch record.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use orca_core::clock::Clock;
use tokio::time::Instant;

use crate::call::{CallError, bounded, bounded_on};
use crate::health::Health;
use crate::rights::explained;
use crate::set_back::SetBack;

/// The lease, and the process that wants to hold it.
#[derive(Debug)]
pub(crate) struct Leader {
    api: Api<Lease>,
    name: String,
    namespace: String,
    holder: String,
    duration: Duration,
    clock: Arc<dyn Clock>,
    /// What this process wrote last.
    written: Mutex<Option<Written>>,
}

/// The lease as it was last read, and since when it has not changed.
#[derive(Debug)]
struct Sighting {
    lease: Lease,
    since: Instant,
}

impl Leader {
    /// `draw` is a random number.
    pub(crate) fn new(
        client: kube::Client,
        (namespace, name): (&str, &str),
        duration: Duration,
        clock: Arc<dyn Clock>,
        draw: u32,
    ) -> Self {
        let api = Api::namespaced(client, namespace);
        // Unique by time and by a random number: a process must never take another one of the same pod name for itself.
        let holder = format!("{name}_{:x}_{:x}", clock.now().as_nanosecond(), draw);
        Self {
            api,
            name: name.into(),
            namespace: namespace.into(),
            holder,
            duration,
            clock,
            written: Mutex::default(),
        }
    }

    pub(crate) fn holder(&self) -> &str {
        &self.holder
    }

    /// Waits until this process holds the lease. Safe to cancel.
    ///
    /// A process counts as standing by only after it has read who leads. Otherwise one without the right to read the lease
    /// would wait for ever, and look ready.
    pub(crate) async fn acquire(&self, health: &Health) {
        let mut sighting: Option<Sighting> = None;
        let mut told = false;
        loop {
            match self.try_acquire(&mut sighting).await {
                Ok(true) => return,
                Ok(false) => {
                    let seen = sighting.as_ref().and_then(|seen| holder(&seen.lease));
                    // A lease without a holder that this process failed to take is read again.
                    if let Some(holder) = seen.filter(|holder| !holder.is_empty()) {
                        health.set_leader(false);
                        if !std::mem::replace(&mut told, true) {
                            tracing::info!(holder, "Standing by: another process holds the leader lease");
                        }
                    }
                }
                Err(error) => {
                    let error = explained(&error, &self.name);
                    tracing::warn!(
                        error,
                        namespace = self.namespace,
                        "Leader lease cannot be read or written; trying again"
                    );
                    health.leader_unknown(error);
                }
            }
            tokio::time::sleep(self.duration / 5).await;
        }
    }

    /// Renews until another process holds the lease. Safe to cancel.
    ///
    /// While the API server does not answer, no process can take the lease over, and none can write anything. So this one
    /// stays, and finds out who holds the lease when the API server is back (A50).
    pub(crate) async fn hold(&self, health: &Health, set_back: &SetBack) {
        let mut failures: u32 = 0;
        loop {
            tokio::time::sleep(self.duration / 5).await;
            let renewed = tokio::time::timeout(self.duration / 2, self.renew(set_back)).await;
            match renewed.unwrap_or(Err(CallError::Timeout)) {
                Ok(true) => {
                    failures = 0;
                    health.leader_failing(None);
                }
                Ok(false) => return,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let text = explained(&error, &self.name);
                    if failures == 1 {
                        tracing::warn!(error = text, "Leader lease not renewed; trying again");
                    }
                    // `Health::node` shows an outage. A missing right is shown here: it lasts until people act.
                    if matches!(error, CallError::Forbidden(_)) {
                        health.leader_failing(Some(text));
                    }
                }
            }
        }
    }

    /// Gives the lease back, so that the next process need not wait for its end. Best effort.
    pub(crate) async fn release(&self) {
        let Ok(mut lease) = self.get().await else {
            return;
        };
        if holder(&lease) != Some(&self.holder) {
            return;
        }
        lease.spec =
            Some(LeaseSpec { holder_identity: Some(String::new()), ..lease.spec.unwrap_or_default() });
        if let Err(error) = self.replace(&lease).await {
            tracing::debug!(error = %error, "Leader lease not given back");
        }
    }

    async fn renew(&self, set_back: &SetBack) -> Result<bool, CallError> {
        let lease = match self.get().await {
            // Somebody deleted the lease: made again, unless another process was faster.
            Err(CallError::NotFound(_)) => return self.create().await,
            other => other?,
        };
        let is_ours = holder(&lease) == Some(&self.holder);
        if !is_ours && !self.is_older(&lease) {
            return Ok(false);
        }
        // A restored API server may show a holder from before this process led. Had another process really taken over, it
        // would have written the lease, and that would be a conflict.
        if !is_ours {
            set_back.notice(self.clock.now());
            self.wrote(&lease);
        }
        match self.write(lease, !is_ours).await {
            // A conflict: another process wrote in between. The next read shows who holds the lease.
            Ok(_) | Err(CallError::Conflict) => Ok(true),
            Err(error) => Err(error),
        }
    }

    async fn try_acquire(&self, sighting: &mut Option<Sighting>) -> Result<bool, CallError> {
        let lease = match self.get().await {
            Ok(lease) => lease,
            Err(CallError::NotFound(_)) => return self.create().await,
            Err(error) => return Err(error),
        };
        if holder(&lease) == Some(&self.holder) {
            return Ok(true);
        }
        let is_unchanged = sighting.as_ref().is_some_and(|seen| seen.lease.spec == lease.spec);
        if !is_unchanged {
            *sighting = Some(Sighting { lease: lease.clone(), since: Instant::now() });
        }
        let is_free = holder(&lease).is_none_or(str::is_empty);
        let lasts = lease
            .spec
            .as_ref()
            .and_then(|spec| spec.lease_duration_seconds)
            .and_then(|seconds| u64::try_from(seconds).ok());
        let lasts = lasts.map_or(self.duration, Duration::from_secs);
        let has_expired = sighting.as_ref().is_some_and(|seen| seen.since.elapsed() >= lasts);
        if !is_free && !has_expired {
            return Ok(false);
        }
        match self.write(lease, true).await {
            Ok(_) => Ok(true),
            Err(CallError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn create(&self) -> Result<bool, CallError> {
        let metadata = ObjectMeta {
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.clone()),
            ..ObjectMeta::default()
        };
        let lease = Lease { metadata, spec: Some(self.spec(None, true)) };
        match bounded(self.api.create(&PostParams::default(), &lease)).await {
            Ok(made) => {
                self.wrote(&made);
                Ok(true)
            }
            Err(CallError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, mut lease: Lease, acquired: bool) -> Result<Lease, CallError> {
        lease.spec = Some(self.spec(lease.spec.as_ref(), acquired));
        self.replace(&lease).await
    }

    async fn get(&self) -> Result<Lease, CallError> {
        bounded_on(("leases", &self.name), self.api.get(&self.name)).await
    }

    async fn replace(&self, lease: &Lease) -> Result<Lease, CallError> {
        let params = PostParams::default();
        let written =
            bounded_on(("leases", &self.name), self.api.replace(&self.name, &params, lease)).await?;
        self.wrote(&written);
        Ok(written)
    }

    fn wrote(&self, lease: &Lease) {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(Written::of(lease));
    }

    /// Whether this is an older state of the lease that this process wrote. The number of takeovers only ever grows.
    fn is_older(&self, lease: &Lease) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Written::of(lease);
        written.as_ref().is_some_and(|ours| ours.uid == found.uid && found.transitions < ours.transitions)
    }

    fn spec(&self, before: Option<&LeaseSpec>, acquired: bool) -> LeaseSpec {
        let now = MicroTime(to_micros(self.clock.now()));
        let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or_default();
        let acquire_time =
            if acquired { Some(now.clone()) } else { before.and_then(|spec| spec.acquire_time.clone()) };
        LeaseSpec {
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
            acquire_time,
            renew_time: Some(now),
            lease_transitions: Some(transitions.saturating_add(i32::from(acquired && before.is_some()))),
            ..LeaseSpec::default()
        }
    }
}

/// The parts of the lease that never go back.
#[derive(Debug)]
struct Written {
    uid: Option<String>,
    transitions: i32,
}

impl Written {
    fn of(lease: &Lease) -> Self {
        let transitions = lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or_default();
        Self { uid: lease.metadata.uid.clone(), transitions }
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}

/// The API stores microseconds and refuses anything finer.
pub(crate) fn to_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
