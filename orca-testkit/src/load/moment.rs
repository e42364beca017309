//! A point in time on the machine's monotonic clock, which all processes of one machine share.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Nanoseconds since the instance was started.
///
/// tokio's clock belongs to one process, and what the driver and its child saw has to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Moment(u64);

impl Moment {
    /// The present moment.
    pub(super) fn now() -> Self {
        let time = clock_gettime(ClockId::Monotonic);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Self(seconds.saturating_mul(1_000_000_000) + u64::try_from(time.tv_nsec).unwrap_or_default())
    }

    /// The time since an earlier moment; zero if that was later.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
