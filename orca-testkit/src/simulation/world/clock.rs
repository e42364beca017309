//! The controller's clock, which can be wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use orca_core::clock::Clock;

/// A clock that is off from another by a time that can change.
#[derive(Debug)]
pub(super) struct ShiftedClock {
    truth: Arc<dyn Clock>,
    by_ms: AtomicI64,
}

impl ShiftedClock {
    pub(super) fn over(truth: Arc<dyn Clock>) -> Self {
        Self { truth, by_ms: AtomicI64::new(0) }
    }

    pub(super) fn shift(&self, by_ms: i64) {
        self.by_ms.store(by_ms, Ordering::Relaxed);
    }

    /// How far it is off, in seconds.
    pub(super) fn seconds_off(&self) -> i64 {
        self.by_ms.load(Ordering::Relaxed) / 1_000
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let by = SignedDuration::from_millis(self.by_ms.load(Ordering::Relaxed));
        let now = self.truth.now();
        now.checked_add(by).unwrap_or(now)
    }
}
