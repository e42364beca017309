//! Which pod is looked at next: one entry for each UID, at most one look at a time, and the earliest time counts.
//!
//! The number of pods bounds it: a key is in it once, however often it is woken. kube's scheduler is not used, because there a
//! wake-up can postpone a key that is already due, and a key that is being worked on cannot be queued again at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use orca_core::ids::PodUid;
use tokio::sync::Notify;
use tokio::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

/// When a key is due; the number keeps keys of the same time in order.
type Due = (Instant, u64);

#[derive(Debug, Default)]
struct State {
    due: BTreeMap<Due, PodUid>,
    keys: HashMap<PodUid, Key>,
    counter: u64,
}

#[derive(Debug, Default)]
struct Key {
    due: Option<Due>,
    running: bool,
    /// Woken while running: look again at once.
    woken: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a look at this pod for now, or for when the current look is over.
    pub(super) fn wake(&self, uid: &PodUid) {
        let mut state = self.state();
        let key = state.keys.entry(uid.clone()).or_default();
        if key.running {
            key.woken = true;
        } else {
            state.schedule(uid, Instant::now());
            drop(state);
            self.changed.notify_one();
        }
    }

    /// The next key that is due. Each key that it returns must be given back by [`done`](Self::done).
    ///
    /// Safe to cancel: a key is taken only by returning it.
    pub(super) async fn next(&self) -> PodUid {
        loop {
            let wait = {
                let mut state = self.state();
                match state.pop_due(Instant::now()) {
                    Ok(uid) => return uid,
                    Err(wait) => wait,
                }
            };
            tokio::select! {
                biased;
                () = self.changed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Ends a look, and queues the next one after this time. None: the pod is forgotten.
    pub(super) fn done(&self, uid: &PodUid, again: Option<Duration>) {
        let mut state = self.state();
        let Some(key) = state.keys.get_mut(uid) else { return };
        key.running = false;
        let woken = std::mem::take(&mut key.woken);
        match (woken, again) {
            (true, _) => state.schedule(uid, Instant::now()),
            (false, Some(again)) => state.schedule(uid, Instant::now() + again),
            (false, None) => {
                state.keys.remove(uid);
            }
        }
        drop(state);
        self.changed.notify_one();
    }
}

impl State {
    /// Puts the key at this time, unless it is due earlier already.
    fn schedule(&mut self, uid: &PodUid, at: Instant) {
        let key = self.keys.entry(uid.clone()).or_default();
        if key.due.is_some_and(|(due, _)| due <= at) {
            return;
        }
        if let Some(before) = key.due.take() {
            self.due.remove(&before);
        }
        self.counter = self.counter.wrapping_add(1);
        let due = (at, self.counter);
        key.due = Some(due);
        self.due.insert(due, uid.clone());
    }

    /// Removes and returns the first key if it is due, or returns how long it takes until then.
    fn pop_due(&mut self, now: Instant) -> Result<PodUid, Option<Duration>> {
        let Some((&(at, _), _)) = self.due.first_key_value() else {
            return Err(None);
        };
        if at > now {
            return Err(Some(at - now));
        }
        let Some((_, uid)) = self.due.pop_first() else {
            return Err(None);
        };
        let key = self.keys.entry(uid.clone()).or_default();
        key.due = None;
        key.running = true;
        Ok(uid)
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn next(queue: &Queue) -> Option<String> {
        let soon = tokio::time::timeout(Duration::from_millis(1), queue.next()).await;
        soon.ok().map(|uid| uid.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_woken_often_is_looked_at_once() {
        let queue = Queue::default();
        for _ in 0..10 {
            queue.wake(&"a".into());
        }
        queue.wake(&"b".into());
        assert_eq!(next(&queue).await.as_deref(), Some("a"));
        assert_eq!(next(&queue).await.as_deref(), Some("b"));
        assert_eq!(next(&queue).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_is_never_looked_at_twice_at_the_same_time_and_a_wake_up_is_not_lost() {
        let queue = Queue::default();
        queue.wake(&"a".into());
        assert_eq!(next(&queue).await.as_deref(), Some("a"));
        queue.wake(&"a".into());
        assert_eq!(next(&queue).await, None, "B13");
        queue.done(&"a".into(), Some(Duration::from_mins(1)));
        assert_eq!(next(&queue).await.as_deref(), Some("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_key_comes_at_its_time_or_when_it_is_woken() {
        let queue = Queue::default();
        queue.wake(&"a".into());
        let _first = next(&queue).await;
        queue.done(&"a".into(), Some(Duration::from_mins(1)));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(next(&queue).await, None);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(next(&queue).await.as_deref(), Some("a"));
        queue.done(&"a".into(), Some(Duration::from_mins(1)));
        queue.wake(&"a".into());
        assert_eq!(next(&queue).await.as_deref(), Some("a"), "B9: moved to now");
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_done_for_good_leaves_nothing_behind() {
        let queue = Queue::default();
        queue.wake(&"a".into());
        let _first = next(&queue).await;
        queue.done(&"a".into(), None);
        assert!(queue.state().keys.is_empty() && queue.state().due.is_empty());
    }
}
