//! Answers about what hardly ever changes: each is asked for once a day, and by one at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::error::CloudError;

/// Published images change every few weeks, what is known of an image or a type never, and an answer that is a day old is as good.
const KEPT: Duration = Duration::from_hours(24);
/// A thousand pods that wait for an answer which cannot be had must not ask a thousand times.
const FAILURE_KEPT: Duration = Duration::from_secs(5);
/// So many answers at most. Pods name images and types, so nobody knows how many there will be.
const MOST: usize = 1_000;

/// The latest answers, by what they are about.
#[derive(Default)]
pub(crate) struct Cache<V> {
    slots: Mutex<HashMap<String, Arc<Slot<V>>>>,
}

/// Holding the lock while asking keeps it to one question at a time.
type Slot<V> = tokio::sync::Mutex<Option<Cached<V>>>;

struct Cached<V> {
    answer: Result<V, CloudError>,
    /// When it came: a failure that took half a minute to come is as good as one that came at once.
    answered_at: Timestamp,
}

impl<V: Clone> Cache<V> {
    /// The answer about this, asked for if there is none or if it is too old. Others who want it wait for the same one.
    pub(crate) async fn answer(
        &self,
        about: &str,
        clock: &dyn Clock,
        ask: impl Future<Output = Result<V, CloudError>> + Send,
    ) -> Result<V, CloudError> {
        let slot = self.slot(about);
        let mut cached = slot.lock().await;
        let now = clock.now();
        if let Some(known) = cached.as_ref().filter(|known| known.is_fresh(now)) {
            return known.answer.clone();
        }
        let answer = ask.await;
        *cached = Some(Cached { answer: answer.clone(), answered_at: clock.now() });
        answer
    }

    /// What is known about this proved wrong: the next one asks. An answer of a moment ago stays, so that a thousand pods that
    /// find out the same do not ask a thousand times.
    pub(crate) fn forget(&self, about: &str, clock: &dyn Clock) {
        let slot = self.slots().get(about).cloned();
        // Whoever holds the lock is asking.
        if let Some(mut cached) = slot.as_ref().and_then(|slot| slot.try_lock().ok())
            && cached
                .as_ref()
                .is_some_and(|known| known.age(clock.now()).is_none_or(|age| age >= FAILURE_KEPT))
        {
            *cached = None;
        }
    }

    fn slot(&self, about: &str) -> Arc<Slot<V>> {
        let mut slots = self.slots();
        if slots.len() >= MOST && !slots.contains_key(about) {
            slots.clear();
        }
        Arc::clone(slots.entry(about.to_owned()).or_default())
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot<V>>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Cached<V> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        let kept = if self.answer.is_ok() { KEPT } else { FAILURE_KEPT };
        self.age(now).is_some_and(|age| age < kept)
    }

    /// A clock that was set back makes it negative, and then nothing is known about it.
    fn age(&self, now: Timestamp) -> Option<Duration> {
        Duration::try_from(now.duration_since(self.answered_at)).ok()
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}
