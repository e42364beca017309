//! One look at one pod: confirm, admit, observe, decide, render, apply, always in this order and with one `now`.

use std::time::Duration;

use kube::Api;
use orca_core::ids::PodUid;
use orca_core::lifecycle::{decide, deletion_held, render};
use tracing::Instrument as _;

use super::apply::{self, Step};
use super::store::{Entry, Presence};
use super::trimmed::TrimmedPod;
use super::{Inner, RETRY, admit, observe, vanished};
use crate::absence::Absence;
use crate::call::{CallError, bounded_on};
use crate::metrics::{Outcome, TaskKind};
use crate::spans;
use crate::spawn::{Panicked, caught};

/// How soon to look again while cluster or cloud are not those of this node.
const FROZEN: Duration = Duration::from_secs(5);

impl Inner {
    /// Looks at one pod once, and survives a panic. Returns when to look again; None when nothing is left of it.
    pub(super) async fn reconcile(&self, uid: &PodUid) -> Option<Duration> {
        let entry = self.store.get(uid)?;
        if let Some(mismatch) = self.parts.identity.mismatch() {
            self.say_held(&entry, &mismatch);
            return Some(FROZEN);
        }
        let reference = entry.reference.clone();
        let look = async {
            match caught(self.look(uid, entry)).await {
                Ok(again) => again,
                Err(panic) => Some(self.panicked(uid, &panic)),
            }
        };
        look.instrument(spans::pod(&reference)).await
    }

    async fn look(&self, uid: &PodUid, mut entry: Entry) -> Option<Duration> {
        if entry.presence == Presence::Doubtful {
            // This future is rare and large. Boxed, it does not make every look large.
            match Box::pin(self.confirm(&entry)).await {
                Ok(Some(confirmed)) => entry = confirmed,
                // Too many pods have vanished, so nothing is concluded about this one yet.
                Ok(None) => return Some(vanished::HELD),
                Err(error) => {
                    self.say_held(&entry, &error);
                    return Some(self.failed(uid, &error));
                }
            }
        }
        let now = self.parts.clock.now();
        let request = admit::admit(self, &entry);
        let observed = observe::observe(self, &entry, request, now);
        let seen = observed.observation();
        let decision = decide(&seen, now);
        let patch = render(&seen, &decision, now);
        match apply::apply(self, &entry, Step { decision, patch, now }).await {
            Ok(again) => {
                self.store.succeeded(uid);
                self.parts.metrics.reconciles.get_or_create(&Outcome::of(true)).inc();
                again
            }
            // Somebody else wrote in between. Nothing was done; the object is read again.
            Err(CallError::Conflict | CallError::NotFound(_)) => {
                self.store.doubt(uid);
                Some(self.conflicted(uid))
            }
            Err(error) => {
                self.say_held(&entry, &error);
                Some(self.failed(uid, &error))
            }
        }
    }

    /// Publishes an event with what a deletion waits for, once it takes long: no decision is made in this case.
    fn say_held(&self, entry: &Entry, why: &dyn std::fmt::Display) {
        if let Some(note) = deletion_held(&entry.pod, &why.to_string(), self.parts.clock.now()) {
            self.parts.events.publish(&entry.reference, &note);
        }
    }

    /// Reads the pod from the API server, after a conflict or when a list no longer shows it. None: the API server does not have
    /// it, and that is not believed yet.
    async fn confirm(&self, entry: &Entry) -> Result<Option<Entry>, CallError> {
        let reference = &entry.reference;
        let api: Api<TrimmedPod> = Api::namespaced(self.parts.client.clone(), &reference.namespace);
        let absence = match bounded_on(("pods", &reference.name), api.get(&reference.name)).await {
            Ok(TrimmedPod(pod)) if pod.metadata.uid.as_deref() == Some(reference.uid.as_str()) => {
                self.apply_confirmed(entry, pod);
                return Ok(self.store.get(&reference.uid));
            }
            Ok(TrimmedPod(pod)) => Absence::by_successor(&pod, reference),
            Err(CallError::NotFound(not_found)) => Absence::by_registry(&not_found, reference),
            Err(error) => return Err(error),
        };
        let absence = absence.ok_or(CallError::Incomplete("UID"))?;
        let is_taken = self.confirm_vanished(entry, &absence).await;
        Ok(self.store.get(&reference.uid).filter(|_| is_taken))
    }

    /// After a first conflict, a write in between, the next look is at once. After several in a row it is later.
    fn conflicted(&self, uid: &PodUid) -> Duration {
        match self.store.failed(uid) {
            0 | 1 => Duration::ZERO,
            more => RETRY.jittered(more - 1, self.parts.random.fraction()),
        }
    }

    fn failed(&self, uid: &PodUid, error: &CallError) -> Duration {
        let failures = self.store.failed(uid);
        self.parts.metrics.reconciles.get_or_create(&Outcome::of(false)).inc();
        tracing::warn!(error = %error, failures, "Pod could not be brought up to date; it is tried again");
        RETRY.jittered(failures, self.parts.random.fraction())
    }

    fn panicked(&self, uid: &PodUid, panic: &Panicked) -> Duration {
        let failures = self.store.failed(uid);
        self.parts.metrics.reconciles.get_or_create(&Outcome::of(false)).inc();
        self.parts.metrics.panicked(TaskKind::Look);
        tracing::error!(panic = %panic, failures, "A look at a pod panicked, which is a bug; it is looked at again");
        RETRY.jittered(failures, self.parts.random.fraction())
    }
}
