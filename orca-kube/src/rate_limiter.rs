//! A token bucket that says when a call may go out: the generic cell rate algorithm.
//!
//! The crate `governor` has the same, but neither says how empty a bucket is nor runs on tokio's paused clock.

use std::time::Duration;

use tokio::time::Instant;

/// A burst of calls, then this many a second.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    burst: u32,
    interval: Duration,
    /// The time at which the next permit would be free if the bucket had been drained.
    next: Option<Instant>,
}

impl RateLimiter {
    pub(crate) fn new(burst: u32, per_second: f64) -> Self {
        let interval = Duration::from_secs_f64(1.0 / per_second.max(0.001));
        Self { burst: burst.max(1), interval, next: None }
    }

    /// Takes the next permit. Returns when it may be used: now, or later when the bucket is empty.
    pub(crate) fn reserve(&mut self, now: Instant) -> Instant {
        let next = self.next.map_or(now, |next| next.max(now));
        self.next = Some(next + self.interval);
        // A full bucket is `burst` intervals ahead of the steady rate.
        let lead = self.interval.saturating_mul(self.burst - 1);
        next.checked_sub(lead).map_or(now, |place| place.max(now))
    }

    /// How far apart calls should be, by how empty the bucket is: zero when it is full, the interval of the steady rate when it
    /// is empty.
    pub(crate) fn spacing(&self, now: Instant) -> Duration {
        let owed = self.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
        (owed / self.burst).min(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_burst_goes_at_once_and_the_rest_at_the_rate() {
        let mut limiter = RateLimiter::new(3, 2.0);
        let now = Instant::now();
        let waits: Vec<_> = (0..5).map(|_| (limiter.reserve(now) - now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 500, 1000]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_emptier_it_is_the_wider_the_spacing() {
        let mut limiter = RateLimiter::new(100, 5.0);
        let now = Instant::now();
        assert_eq!(limiter.spacing(now), Duration::ZERO);
        let places: Vec<_> = (0..50).map(|_| limiter.reserve(now)).collect();
        assert!(places.iter().all(|place| *place == now));
        assert_eq!(limiter.spacing(now), Duration::from_millis(100));
        let last = (0..100).map(|_| limiter.reserve(now)).last();
        assert!(last.is_some_and(|place| place > now), "a drained bucket has no place now");
        assert_eq!(limiter.spacing(now), Duration::from_millis(200), "never slower than the steady rate");
        assert_eq!(limiter.spacing(now + Duration::from_hours(1)), Duration::ZERO);
    }
}
