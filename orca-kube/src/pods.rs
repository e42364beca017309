//! The pod controller: a watch that wakes, a queue of keys, and workers. At most one worker looks at a pod UID at a time.
//!
//! ```text
//!  watch, GET, answers to writes ─► intake ─► store ─► queue ─► look: admit, observe, decide, render, apply
//!                                                      ▲                                         │
//!                          results of tasks: facts ────┴──────────── prepare, send ◄─────────────┘
//! ```

mod admit;
mod allocated;
mod apply;
mod gc_queries;
mod intake;
mod launch_backoff;
mod look;
mod observe;
mod queue;
mod store;
mod tasks;
mod trimmed;
mod vanished;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use orca_core::backoff::Backoff;
use orca_core::clock::Clock;
use orca_core::config::Config;
use orca_core::ids::{ClusterId, Owner, PodUid};
use orca_core::provider::Provider;
use tokio::sync::{Semaphore, watch as watch_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::allocated::Allocated;
pub(crate) use self::gc_queries::standing;
use self::launch_backoff::LaunchBackoff;
use self::queue::Queue;
use self::store::Store;
use self::tasks::Tasks;
use crate::brake::Brake;
use crate::events::Events;
use crate::identity::IdentityGuard;
use crate::metrics::PodMetrics;
use crate::node::Facts;
use crate::random::Random;
use crate::set_back::SetBack;
use crate::spawn::Spawner;

/// After a failed call for one pod. There is no last try: the pod exists, and so does its instance.
const RETRY: Backoff = Backoff { first: Duration::from_millis(250), cap: Duration::from_mins(1) };

/// What the controller works with.
pub(crate) struct ControllerParts {
    pub(crate) client: kube::Client,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) owner: Owner,
    pub(crate) config: Arc<Config>,
    /// Tags for every instance, from the back end's config.
    pub(crate) user_tags: BTreeMap<String, String>,
    /// The extended resources that are devices of the back end's instances.
    pub(crate) devices: Vec<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
    pub(crate) metrics: PodMetrics,
    pub(crate) random: Random,
    pub(crate) spawner: Spawner,
    /// The live node, which admission checks pods against.
    pub(crate) node: watch_channel::Receiver<Option<Facts>>,
    pub(crate) identity: IdentityGuard,
    pub(crate) set_back: SetBack,
}

/// The pod controller. Cheap to clone; all clones are the same controller.
#[derive(Clone)]
pub(crate) struct Controller {
    inner: Arc<Inner>,
}

struct Inner {
    parts: ControllerParts,
    store: Store,
    queue: Arc<Queue>,
    allocated: Allocated,
    launch_backoff: LaunchBackoff,
    tasks: Tasks,
    brake: Brake,
    /// When the config names the cluster: the first UID of `kube-system` that was read.
    system: OnceLock<ClusterId>,
    /// The looks that are under way.
    looks: TaskTracker,
}

impl Controller {
    pub(crate) fn new(parts: ControllerParts) -> Self {
        let queue = Arc::new(Queue::default());
        let waker = Arc::clone(&queue);
        parts.provider.notify_pods(Arc::new(move |pod: &PodUid| waker.wake(pod)));
        let tasks = Tasks::new(
            Arc::clone(&parts.provider),
            Arc::clone(&parts.clock),
            Arc::clone(&queue),
            parts.spawner.clone(),
            parts.metrics.clone(),
        );
        let allocated = Allocated::new(&parts.config, parts.devices.clone());
        let inner = Inner {
            parts,
            store: Store::default(),
            queue,
            allocated,
            launch_backoff: LaunchBackoff::default(),
            tasks,
            brake: Brake::default(),
            system: OnceLock::new(),
            looks: TaskTracker::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Watches until the token is cancelled.
    pub(crate) async fn watch(&self, shutdown: CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = watch::run(&self.inner) => {}
            () = watch::list(&self.inner) => {}
        }
    }

    /// Looks at pods until the token is cancelled.
    pub(crate) async fn work(&self, shutdown: CancellationToken) {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.turn() => {}
        }
    }

    /// After both have stopped: waits for looks and sends to finish, and writes the answers into the records.
    pub(crate) async fn drain(&self) {
        self.inner.looks.close();
        self.inner.looks.wait().await;
        self.inner.tasks.drain().await;
        for uid in self.inner.tasks.answered() {
            self.inner.reconcile(&uid).await;
        }
    }

    /// Whether some known pod is in doubt: it has to be read to know whether it still exists.
    pub(crate) fn has_doubts(&self) -> bool {
        self.inner.store.doubts() > 0
    }

    /// Counts the pods by phase, for the metrics.
    pub(crate) fn count(&self) {
        self.inner.parts.metrics.count(self.inner.store.in_phases());
    }

    /// Whether the first complete list of pods has arrived.
    pub(crate) fn is_synced(&self) -> bool {
        self.inner.store.is_synced()
    }

    async fn turn(&self) {
        // No pod is admitted before the node and all of its pods are known, because pods with an instance take their room first.
        let mut node = self.inner.parts.node.clone();
        if node.wait_for(Option::is_some).await.is_err() {
            return;
        }
        self.inner.store.synced().await;
        let limit = usize::try_from(self.inner.parts.config.controller.concurrency.max(1)).unwrap_or(1);
        let workers = Arc::new(Semaphore::new(limit));
        loop {
            let Ok(worker) = Arc::clone(&workers).acquire_owned().await else {
                return;
            };
            let uid = self.inner.queue.next().await;
            let inner = Arc::clone(&self.inner);
            let look = async move {
                let again = inner.reconcile(&uid).await;
                inner.queue.done(&uid, again);
                drop(worker);
            };
            self.inner.parts.spawner.detach(self.inner.looks.track_future(look));
        }
    }
}

impl Inner {
    /// Forgets a pod without an object and without an instance.
    fn forget(&self, uid: &PodUid) {
        self.parts.provider.forget(uid);
        self.store.forget(uid);
        self.allocated.release(uid);
    }
}
