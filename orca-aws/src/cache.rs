//! A cache for answers that hardly ever change: each is asked for at most once a day, by one caller at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::error::CloudError;

/// Published images change every few weeks, and the description of an image or a type never, so an answer may be a day old.
const KEPT: Duration = Duration::from_hours(24);
/// A failure is cached for a moment, so that a thousand waiting pods do not ask a thousand times.
const FAILURE_KEPT: Duration = Duration::from_secs(5);
/// The greatest number of answers. Pods name images and types, so there may be any number of them.
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
    /// When it came. The age counts from here, however long the answer took.
    answered_at: Timestamp,
}

impl<V: Clone> Cache<V> {
    /// The answer about this. If there is none, or it is too old, `ask` is awaited; other callers wait for the same answer.
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

    /// The answer about this proved wrong, so the next caller asks again. A very recent answer stays, so that a thousand pods
    /// that notice the same do not ask a thousand times.
    pub(crate) fn forget(&self, about: &str, clock: &dyn Clock) {
        let slot = self.slots().get(about).cloned();
        // If the lock is held, a new answer is on its way.
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

    /// None: the clock was set back, so the age is unknown.
    fn age(&self, now: Timestamp) -> Option<Duration> {
        Duration::try_from(now.duration_since(self.answered_at)).ok()
    }
}

impl<V> fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}
