//! One look at one pod: confirm, admit, observe, decide, render, apply. One way through, and one time for all of it.

use std::time::Duration;

use kube::Api;
use orca_core::ids::PodUid;
use orca_core::lifecycle::{decide, render};
use tracing::Instrument as _;

use super::apply::{self, Step};
use super::lean::Lean;
use super::store::{Entry, Presence};
use super::{Inner, RETRY, admit, observe};
use crate::call::{CallError, bounded};
use crate::metrics::{Outcome, TaskKind};
use crate::spawn::{Panicked, caught};

impl Inner {
    /// Looks at one pod once, and survives a panic. Returns when to look again; None when nothing is left of it.
    pub(super) async fn reconcile(&self, uid: &PodUid) -> Option<Duration> {
        let entry = self.store.get(uid)?;
        let reference = entry.reference.clone();
        let span = tracing::info_span!("pod", namespace = %reference.namespace, pod = %reference.name, pod_uid = %uid);
        let look = async {
            match caught(self.look(uid, entry)).await {
                Ok(again) => again,
                Err(panic) => Some(self.panicked(uid, &panic)),
            }
        };
        look.instrument(span).await
    }

    async fn look(&self, uid: &PodUid, mut entry: Entry) -> Option<Duration> {
        if entry.presence == Presence::Doubtful {
            match self.confirm(&entry).await {
                Ok(confirmed) => entry = confirmed,
                Err(error) => return Some(self.failed(uid, &error)),
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
            // Somebody else wrote in between. The object is read anew, and nothing was done meanwhile.
            Err(CallError::Conflict | CallError::NotFound) => {
                self.store.doubt(uid);
                Some(Duration::ZERO)
            }
            Err(error) => Some(self.failed(uid, &error)),
        }
    }

    /// Asks the API server itself what there is: after a conflict, and when a list no longer shows a pod.
    async fn confirm(&self, entry: &Entry) -> Result<Entry, CallError> {
        let api: Api<Lean> = Api::namespaced(self.parts.client.clone(), &entry.reference.namespace);
        match bounded(api.get(&entry.reference.name)).await {
            Ok(Lean(pod)) if pod.metadata.uid.as_deref() == Some(entry.reference.uid.as_str()) => {
                self.take_confirmed(&entry.reference.uid, Some(pod));
            }
            Ok(_another) => self.take_confirmed(&entry.reference.uid, None),
            Err(CallError::NotFound) => self.take_confirmed(&entry.reference.uid, None),
            Err(error) => return Err(error),
        }
        self.store.get(&entry.reference.uid).ok_or(CallError::NotFound)
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
