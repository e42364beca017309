//! Clocks for tests and simulations: one that a test sets, and one that follows tokio's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock::Clock;
use tokio::time::Instant;

/// A clock that stands still until somebody moves it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// Moves it forward. A time that cannot be written down leaves it where it is.
    pub fn advance(&self, by: Duration) {
        let mut time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *time = later(*time, by);
    }

    /// Sets it, also to an earlier time.
    pub fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that begins at a given time and then goes as tokio's does: with tokio's clock paused it stands still, and a
/// sleep moves it.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    began: Instant,
    shown: Timestamp,
}

impl TokioClock {
    /// A clock that shows this time now. It must be made inside of the runtime whose time it follows.
    #[must_use]
    pub fn starting_at(time: Timestamp) -> Self {
        Self { began: Instant::now(), shown: time }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        later(self.shown, self.began.elapsed())
    }
}

/// The time that much later; the same time when there is no such time.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}
