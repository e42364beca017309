//! From a number of failures to a delay: doubling, capped, with jitter from a random number that the caller gives.

use std::time::Duration;

/// Where a delay starts, and where it stops growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The delay after the first failure.
    pub first: Duration,
    /// The longest delay.
    pub cap: Duration,
}

impl Backoff {
    /// The delay after `failures` failures in a row, without jitter. None before the first failure.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(1) else {
            return Duration::ZERO;
        };
        // 2^32 seconds is over a century: the cap always wins before the shift could overflow.
        self.first.saturating_mul(1u32 << doublings.min(31)).min(self.cap)
    }

    /// The same with jitter: between half of the delay and all of it. `draw` is a random number from 0 to 1; other
    /// numbers are clamped.
    #[must_use]
    pub fn jittered(&self, failures: u32, draw: f64) -> Duration {
        self.delay(failures).mul_f64(0.5 + draw.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_mins(5) };

    #[test]
    fn the_delay_doubles_and_stops_at_the_cap() {
        let delays: Vec<u64> = (0..12).map(|n| BACKOFF.delay(n).as_secs()).collect();
        assert_eq!(delays, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(BACKOFF.delay(u32::MAX), BACKOFF.cap);
    }

    #[test]
    fn jitter_keeps_at_least_half() {
        assert_eq!(BACKOFF.jittered(3, 0.0), Duration::from_secs(2));
        assert_eq!(BACKOFF.jittered(3, 1.0), Duration::from_secs(4));
    }
}
