//! How often the Node was re-created recently, and how long to wait before the next time.

use std::time::Duration;

use jiff::Timestamp;
use orca_core::backoff::Backoff;
use orca_core::clock;

/// Between re-creations of a Node that is deleted again and again.
const AGAIN: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_mins(1) };
/// After this time without a deletion the count starts over.
const QUIET: Duration = Duration::from_mins(10);
/// Counts re-creations of the Node.
#[derive(Debug, Default)]
pub(super) struct Recreations {
    count: u32,
    last: Option<Timestamp>,
}

impl Recreations {
    /// Counts one more, and returns how long to wait before it: zero for the first, and for one after a quiet time.
    pub(super) fn next(&mut self, now: Timestamp) -> Duration {
        let is_quiet = self.last.is_none_or(|last| !clock::is_recent(last, now, QUIET));
        self.count = if is_quiet { 0 } else { self.count.saturating_add(1) };
        self.last = Some(now);
        AGAIN.delay(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_is_deleted_again_and_again_comes_back_more_slowly() {
        let mut recreations = Recreations::default();
        let mut next = |second| recreations.next(Timestamp::from_second(second).expect("in range")).as_secs();
        assert_eq!([next(0), next(1), next(2), next(3), next(900)], [0, 1, 2, 4, 0], "A17");
    }
}
