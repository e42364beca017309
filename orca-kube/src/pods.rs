//! The pod controller: a watch that wakes, a queue of keys, and one decision at a time for each pod UID.

mod apply;
mod custody;
mod lean;
mod observe;
mod owners;
mod queue;
mod store;
mod usage;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use kube::Api;
use orca_core::backoff::Backoff;
use orca_core::clock::Clock;
use orca_core::config::Config;
use orca_core::ids::{Owner, PodUid};
use orca_core::lifecycle::decide;
use orca_core::provider::Provider;
use tokio::sync::{Semaphore, watch as watch_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

pub(crate) use self::custody::standing;
use self::lean::Lean;
use self::owners::Owners;
use self::queue::Queue;
use self::store::{Presence, Store};
use self::usage::Usage;
use crate::call::CallError;
use crate::events::Events;
use crate::metrics::{Outcome, PodMetrics};
use crate::node::Facts;
use crate::random::Random;

/// After a failed call for one pod. It never gives up: the pod exists, and so does its machine.
const RETRY: Backoff = Backoff { first: Duration::from_millis(250), cap: Duration::from_mins(1) };

/// What the controller works with.
pub(crate) struct Parts {
    pub(crate) client: kube::Client,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) owner: Owner,
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
    pub(crate) metrics: PodMetrics,
    pub(crate) random: Random,
    /// The live node, which pods are admitted to.
    pub(crate) node: watch_channel::Receiver<Option<Facts>>,
}

/// The pod controller. Cheap to clone; all clones are the same controller.
#[derive(Clone)]
pub(crate) struct Controller {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    store: Store,
    queue: Arc<Queue>,
    usage: Usage,
    owners: Owners,
    tasks: TaskTracker,
}

impl Controller {
    pub(crate) fn new(parts: Parts) -> Self {
        let queue = Arc::new(Queue::default());
        let waker = Arc::clone(&queue);
        parts.provider.notify_pods(Arc::new(move |pod: &PodUid| waker.wake(pod)));
        let usage = Usage::new(&parts.config);
        let (store, owners, tasks) = (Store::default(), Owners::default(), TaskTracker::new());
        Self { inner: Arc::new(Inner { parts, store, queue, usage, owners, tasks }) }
    }

    /// Watches and works until the token is cancelled, then waits for the looks that are under way.
    pub(crate) async fn run(&self, shutdown: CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = watch::run(&self.inner) => {}
            () = self.work() => {}
        }
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Takes the results of sends into the records, after the loops have stopped.
    pub(crate) async fn settle(&self) {
        for uid in self.inner.store.uids() {
            let Some(entry) = self.inner.store.get(&uid) else { continue };
            if self.inner.parts.provider.get_pod(&entry.reference).answered.is_some() {
                self.inner.reconcile(&uid).await;
            }
        }
    }

    /// Whether the first complete list of pods has arrived.
    pub(crate) fn is_synced(&self) -> bool {
        self.inner.store.is_synced()
    }

    async fn work(&self) {
        // Nobody is admitted before the node and all of its pods are known: their room is taken first.
        let mut node = self.inner.parts.node.clone();
        if node.wait_for(Option::is_some).await.is_err() {
            return;
        }
        self.inner.store.synced().await;
        let limit = usize::try_from(self.inner.parts.config.controller.concurrency.max(1)).unwrap_or(1);
        let workers = Arc::new(Semaphore::new(limit));
        loop {
            let Ok(permit) = Arc::clone(&workers).acquire_owned().await else {
                return;
            };
            let uid = self.inner.queue.next().await;
            let inner = Arc::clone(&self.inner);
            self.inner.tasks.spawn(async move {
                let again = inner.reconcile(&uid).await;
                inner.queue.done(&uid, again);
                drop(permit);
            });
        }
    }
}

impl Inner {
    /// Looks at one pod once. Returns when to look again; None when nothing is left of it.
    async fn reconcile(&self, uid: &PodUid) -> Option<Duration> {
        let entry = self.store.get(uid)?;
        let reference = entry.reference.clone();
        let span = tracing::info_span!("pod", namespace = %reference.namespace, pod = %reference.name, pod_uid = %uid);
        self.look(uid, entry).instrument(span).await
    }

    async fn look(&self, uid: &PodUid, mut entry: store::Entry) -> Option<Duration> {
        if entry.presence == Presence::Doubtful {
            match self.confirm(&entry).await {
                Ok(confirmed) => entry = confirmed,
                Err(error) => return Some(self.failed(uid, &error)),
            }
        }
        let observed = observe::observe(self, &entry);
        let seen = observed.observation();
        let decision = decide(&seen, self.parts.clock.now());
        match apply::apply(self, &entry, &seen, decision).await {
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
    async fn confirm(&self, entry: &store::Entry) -> Result<store::Entry, CallError> {
        let api: Api<Lean> = Api::namespaced(self.parts.client.clone(), &entry.reference.namespace);
        match crate::call::bounded(api.get(&entry.reference.name)).await {
            Ok(Lean(pod)) if pod.metadata.uid.as_deref() == Some(entry.reference.uid.as_str()) => {
                self.store.confirm(&entry.reference.uid, Some(pod));
            }
            Ok(_another) => self.store.confirm(&entry.reference.uid, None),
            Err(CallError::NotFound) => self.store.confirm(&entry.reference.uid, None),
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
}
