//! The tasks of a pod: getting an offer, and sending a launch. Their results are facts that wake the pod.
//!
//! Each kind has its own bound and time-out, and no look at a pod ever waits for one. So a cloud that hangs does not delay
//! deletions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::AbortHandle;
use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::cloud::LaunchOutcome;
use orca_core::ids::{PodRef, PodUid};
use orca_core::launch::LaunchRecord;
use orca_core::lifecycle::{Facts, Preparation, PrepareKey, Task, TaskFailure, TaskKey, TaskState};
use orca_core::provider::{Permit, Prepared, Provider};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::queue::Queue;
use crate::metrics::{PodMetrics, TaskKind};
use crate::spans;
use crate::spawn::{Panicked, Spawner, caught};

/// How many offers are made at the same time. Others wait.
const PREPARES: usize = 64;
/// How long making an offer may take. Back ends ask for an image or a price, and answer within seconds or not at all.
const PREPARE_TIME: Duration = Duration::from_mins(1);
/// How many launch calls may be waiting for an answer at the same time. A call usually takes half a minute at most, so this
/// is far above any launch rate.
const SENDS: usize = 1_024;
/// How long a launch call may take: longer than a back end's own time-outs. When it is dropped after that, its outcome is
/// unknown.
const SEND_TIME: Duration = Duration::from_mins(2);
/// When there are that many launch calls, how soon to try again.
const SENDS_FULL: Duration = Duration::from_secs(1);

/// The tasks of all pods, and their results until they are used.
#[derive(Clone)]
pub(super) struct Tasks {
    shared: Arc<Shared>,
}

struct Shared {
    slots: Mutex<BTreeMap<PodUid, Slot>>,
    prepares: Semaphore,
    sends: Arc<Semaphore>,
    sending: TaskTracker,
    provider: Arc<dyn Provider>,
    clock: Arc<dyn Clock>,
    queue: Arc<Queue>,
    spawner: Spawner,
    metrics: PodMetrics,
}

/// The tasks of one pod.
#[derive(Default)]
struct Slot {
    prepare: Option<Preparing>,
    send: Option<Task<Timestamp, LaunchOutcome>>,
}

/// A preparation, and what it holds until the send.
struct Preparing {
    task: Task<PrepareKey, Prepared>,
    abort: AbortHandle,
    /// A place among the launch calls.
    place: Option<OwnedSemaphorePermit>,
    /// Tells this preparation apart from a later one.
    number: u64,
}

impl Drop for Preparing {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl Tasks {
    pub(super) fn new(
        provider: Arc<dyn Provider>,
        clock: Arc<dyn Clock>,
        queue: Arc<Queue>,
        spawner: Spawner,
        metrics: PodMetrics,
    ) -> Self {
        let shared = Shared {
            slots: Mutex::default(),
            prepares: Semaphore::new(PREPARES),
            sends: Arc::new(Semaphore::new(SENDS)),
            sending: TaskTracker::new(),
            provider,
            clock,
            queue,
            spawner,
            metrics,
        };
        Self { shared: Arc::new(shared) }
    }

    /// What is known of a pod's tasks.
    pub(super) fn facts(&self, uid: &PodUid) -> Facts {
        let slots = self.shared.slots();
        slots.get(uid).map_or_else(Facts::default, |slot| Facts {
            prepare: slot.prepare.as_ref().map(|preparing| preparing.task.clone()),
            send: slot.send.clone(),
        })
    }

    /// Starts to get what a launch needs, and drops what an earlier preparation got. Safe to repeat while it is running.
    pub(super) fn prepare(&self, pod: &PodRef, preparation: Preparation) {
        let Preparation { key, what } = preparation;
        let mut slots = self.shared.slots();
        let slot = slots.entry(pod.uid.clone()).or_default();
        let before = slot.prepare.as_ref();
        if before.is_some_and(|before| before.task.key == key && before.task.is_under_way()) {
            return;
        }
        let number = before.map_or(0, |before| before.number.wrapping_add(1));
        let (abort, registration) = AbortHandle::new_pair();
        let task = Task { key, since: self.shared.clock.now(), state: TaskState::UnderWay };
        slot.prepare = Some(Preparing { task, abort, place: None, number });
        drop(slots);
        let span = spans::pod(pod);
        let (shared, pod) = (Arc::clone(&self.shared), pod.clone());
        let run = async move {
            // Nobody closes the semaphore.
            let Ok(_turn) = shared.prepares.acquire().await else { return };
            let ask = tokio::time::timeout(PREPARE_TIME, shared.provider.prepare_pod(&pod, &what));
            let result =
                ended(caught(ask).await, PREPARE_TIME).and_then(|asked| asked.map_err(TaskFailure::Cloud));
            shared.prepared(&pod.uid, number, result);
        };
        self.shared.spawner.detach(async move {
            // An aborted preparation has no result, and none is needed.
            let _aborted = futures::future::Abortable::new(run.instrument(span), registration).await;
        });
    }

    /// Sends the launch that this record announces, and uses up its preparation.
    pub(super) fn send(&self, pod: &PodRef, record: LaunchRecord) {
        let send_at = record.send_at;
        let place = {
            let mut slots = self.shared.slots();
            let slot = slots.entry(pod.uid.clone()).or_default();
            let since = self.shared.clock.now();
            slot.send = Some(Task { key: send_at, since, state: TaskState::UnderWay });
            slot.prepare.take().and_then(|mut preparing| preparing.place.take())
        };
        let span = spans::pod(pod);
        let (shared, pod) = (Arc::clone(&self.shared), pod.clone());
        let run = async move {
            let call = tokio::time::timeout(SEND_TIME, shared.provider.create_pod(&pod, &record));
            let result = ended(caught(call).await, SEND_TIME);
            drop(place);
            shared.sent(&pod.uid, send_at, result);
        };
        // Never aborted, whatever happens to the pod meanwhile: the answer names an instance that costs money.
        self.shared.spawner.detach(self.shared.sending.track_future(run.instrument(span)));
    }

    /// Drops a fact that was used, or that is not needed. A preparation that is running is aborted; a send is not.
    pub(super) fn consume(&self, uid: &PodUid, key: &TaskKey) {
        let mut slots = self.shared.slots();
        let Some(slot) = slots.get_mut(uid) else { return };
        match key {
            TaskKey::Prepare(key) => {
                if slot.prepare.as_ref().is_some_and(|preparing| preparing.task.key == *key) {
                    slot.prepare = None;
                }
            }
            TaskKey::Send(at) => {
                if slot.send.as_ref().is_some_and(|send| send.key == *at && !send.is_under_way()) {
                    slot.send = None;
                }
            }
        }
        if slot.prepare.is_none() && slot.send.is_none() {
            slots.remove(uid);
        }
    }

    /// The pods whose sends were answered and are not recorded yet.
    pub(super) fn answered(&self) -> Vec<PodUid> {
        let slots = self.shared.slots();
        let is_answered = |slot: &Slot| slot.send.as_ref().is_some_and(|send| !send.is_under_way());
        slots.iter().filter(|(_, slot)| is_answered(slot)).map(|(uid, _)| uid.clone()).collect()
    }

    /// Waits until every send that is under way is over.
    pub(super) async fn drain(&self) {
        self.shared.sending.close();
        self.shared.sending.wait().await;
    }
}

impl Shared {
    fn slots(&self) -> MutexGuard<'_, BTreeMap<PodUid, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn prepared(&self, uid: &PodUid, number: u64, mut result: Result<Prepared, TaskFailure>) {
        self.count(TaskKind::Prepare, result.as_ref().err());
        let at = self.clock.now();
        let mut slots = self.slots();
        let slot = slots.get_mut(uid).and_then(|slot| slot.prepare.as_mut());
        let Some(preparing) = slot.filter(|preparing| preparing.number == number) else { return };
        if let Ok(prepared) = &mut result
            && prepared.permit == Permit::Granted
        {
            preparing.place = Arc::clone(&self.sends).try_acquire_owned().ok();
            if preparing.place.is_none() {
                prepared.permit = Permit::Until(at.saturating_add(SENDS_FULL).unwrap_or(Timestamp::MAX));
            }
        }
        preparing.task.state = TaskState::Done { at, result };
        drop(slots);
        self.queue.wake(uid);
    }

    fn sent(&self, uid: &PodUid, send_at: Timestamp, result: Result<LaunchOutcome, TaskFailure>) {
        self.count(TaskKind::Send, result.as_ref().err());
        let at = self.clock.now();
        let mut slots = self.slots();
        let slot = slots.entry(uid.clone()).or_default();
        if let Some(send) = slot.send.as_mut().filter(|send| send.key == send_at) {
            send.state = TaskState::Done { at, result };
        }
        drop(slots);
        self.queue.wake(uid);
    }

    fn count(&self, kind: TaskKind, failure: Option<&TaskFailure>) {
        match failure {
            Some(TaskFailure::Panicked(message)) => {
                self.metrics.panicked(kind);
                tracing::error!(
                    task = kind.as_str(),
                    panic = message,
                    "A task panicked, which is a bug; its pod is looked at again"
                );
            }
            Some(TaskFailure::TimedOut(after)) => {
                tracing::warn!(task = kind.as_str(), seconds = after.as_secs(), "A task was given up");
            }
            Some(TaskFailure::Cloud(_)) | None => {}
        }
    }
}

/// The end of a task that may have panicked, or taken too long.
fn ended<T>(
    end: Result<Result<T, tokio::time::error::Elapsed>, Panicked>,
    time: Duration,
) -> Result<T, TaskFailure> {
    match end {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_elapsed)) => Err(TaskFailure::TimedOut(time)),
        Err(Panicked(message)) => Err(TaskFailure::Panicked(message)),
    }
}
