//! A token bucket for launch calls that hands out places in order, so that nobody waits with a call in hand.

use std::collections::HashMap;
use std::time::Duration;

use orca_core::config::LaunchRate;
use orca_core::ids::PodUid;
use tokio::time::Instant;

use crate::rate_limiter::RateLimiter;

/// There is no permit yet: ask again after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RetryAfter(pub(super) Duration);

/// Permits by pod. A pod that has to wait keeps its place, and takes its permit when it asks again.
#[derive(Debug)]
pub(super) struct Bucket {
    limiter: RateLimiter,
    places: HashMap<PodUid, Instant>,
}

impl Bucket {
    pub(super) fn new(rate: &LaunchRate) -> Self {
        Self { limiter: RateLimiter::new(rate.burst, rate.per_second), places: HashMap::new() }
    }

    /// Takes a permit, or says after which time to ask again.
    pub(super) fn try_acquire(&mut self, pod: &PodUid) -> Result<(), RetryAfter> {
        let now = Instant::now();
        let place = match self.places.get(pod) {
            Some(place) => *place,
            None => self.limiter.reserve(now),
        };
        if place <= now {
            self.places.remove(pod);
            return Ok(());
        }
        self.places.insert(pod.clone(), place);
        Err(RetryAfter(place - now))
    }

    /// Gives up a place that nobody will ask for. What it cost is not given back: launches only get slower.
    pub(super) fn forget(&mut self, pod: &PodUid) {
        self.places.remove(pod);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_burst_goes_at_once_and_the_rest_at_the_rate_in_order() {
        let mut bucket = Bucket::new(&LaunchRate { burst: 3, per_second: 2.0 });
        let pods: Vec<PodUid> = (0..6).map(|n| PodUid::new(n.to_string())).collect();
        let waits: Vec<_> =
            pods.iter().map(|pod| bucket.try_acquire(pod).err().map(|wait| wait.0.as_millis())).collect();
        assert_eq!(waits, [None, None, None, Some(500), Some(1000), Some(1500)]);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(bucket.try_acquire(&pods[3]), Ok(()), "its place has come");
        assert_eq!(
            bucket.try_acquire(&pods[4]),
            Err(RetryAfter(Duration::from_millis(500))),
            "asking again does not lose the place"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_bucket_fills_up_again_and_no_further() {
        let mut bucket = Bucket::new(&LaunchRate { burst: 2, per_second: 1.0 });
        tokio::time::advance(Duration::from_hours(1)).await;
        let waits: Vec<_> = ["a", "b", "c"]
            .map(|pod| bucket.try_acquire(&PodUid::new(pod)).err().map(|wait| wait.0.as_secs()))
            .into();
        assert_eq!(waits, [None, None, Some(1)]);
    }
}
