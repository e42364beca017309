//! Time as an argument. This is the only file that reads the wall clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// Gives the current time. Tests and simulations implement it with a clock that they set.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current wall-clock time.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The operating system's clock, as a shared trait object.
#[must_use]
pub fn system() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// How long ago `since` was. A time in the future, which follows from a clock that was set back, has the age zero.
#[must_use]
pub fn age(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

/// Whether `since` was less than `within` ago. False for a time in the future, because it proves nothing.
#[must_use]
pub fn is_recent(since: Timestamp, now: Timestamp, within: Duration) -> bool {
    Duration::try_from(now.duration_since(since)).is_ok_and(|age| age < within)
}

/// How long it is until `at`; zero when that time has passed.
#[must_use]
pub fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_future_has_no_age_and_is_not_recent() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let minute = Duration::from_mins(1);
        assert_eq!((age(at(10), at(40)), age(at(40), at(10))), (Duration::from_secs(30), Duration::ZERO));
        assert!(is_recent(at(10), at(40), minute) && !is_recent(at(10), at(70), minute));
        assert!(!is_recent(at(40), at(10), minute), "the clock was set back");
        assert_eq!((until(at(40), at(10)), until(at(10), at(40))), (Duration::from_secs(30), Duration::ZERO));
    }

    #[test]
    fn the_system_clock_is_set() {
        let written = "2026-01-01T00:00:00Z".parse().expect("a time");
        assert!(system().now() > written, "the system clock is before the year in which this was written");
    }
}
