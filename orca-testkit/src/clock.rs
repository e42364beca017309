//! Clocks for tests and simulations: one that a test sets, and one that follows tokio's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock::Clock;
use tokio::time::Instant;

/// A clock that stands still until a test moves it. Clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that shows this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(time)))
    }

    /// Moves it forward. If the new time is out of range, nothing happens.
    pub fn advance(&self, by: Duration) {
        let mut time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *time = later(*time, by);
    }

    /// Sets it, to a later or an earlier time.
    pub fn set(&self, time: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A clock that begins at a given time and then follows tokio's clock. While tokio's clock is paused it stands still, and
/// sleeps move it.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    began: Instant,
    shown: Timestamp,
}

impl TokioClock {
    /// A clock that shows this time now. Make it inside the runtime whose clock it follows.
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
