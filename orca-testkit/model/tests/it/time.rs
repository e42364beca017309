//! The model's time: ticks, and places within a tick. A whole number of ticks decides everything that takes minutes.
//!
//! Two times that are the life of a signature in ticks apart, or further, are also further apart than that life on the
//! production clock, wherever in their ticks they lie; two that are closer are closer. So the production code, which
//! compares timestamps, sees exactly what the model means.

use std::time::Duration;

use jiff::Timestamp;
use orca_core::limits;

/// When everything begins.
const BEGIN: i64 = 1_800_000_000;
/// All places within a tick lie before this second of it.
const USED: i64 = 390;
/// What was written in the tick is looked at this much later: longer than the first delays between sends.
pub(crate) const STEP: i64 = 10;
/// The seconds of a tick in which three lists over five minutes begin.
pub(crate) const LISTS: [i64; 3] = [0, 150, 300];

/// How time is cut into ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// For so many ticks a signed request can be executed: 1 or 2.
    pub(crate) signature: u8,
    /// For so many ticks a token is certain to be remembered.
    pub(crate) memory: u8,
    /// For so many ticks after a launch, that of the launch among them, a single list may not show the instance.
    pub(crate) lag: u8,
}

impl Time {
    fn tick(self) -> i64 {
        let lifetime = i64::try_from(limits::SIGNATURE_LIFETIME.as_secs()).expect("minutes");
        let tick = (lifetime + USED) / i64::from(self.signature);
        assert!(tick * i64::from(self.signature - 1) + USED < lifetime, "ticks of one tick are apart");
        tick
    }

    pub(crate) fn at(self, tick: u8, second: i64) -> Timestamp {
        assert!(second < USED, "the places of one tick are used up");
        Timestamp::from_second(BEGIN + i64::from(tick) * self.tick() + second).expect("in range")
    }

    /// The tick of a time, and the second in it.
    pub(crate) fn place(self, at: Timestamp) -> (u8, i64) {
        let passed = at.as_second() - BEGIN;
        (u8::try_from(passed / self.tick()).expect("few ticks"), passed % self.tick())
    }

    /// Whether a single list may still lack what was launched then.
    pub(crate) fn may_lag(self, born: u8, now: u8) -> bool {
        now - born < self.lag
    }

    /// The memory of tokens as a back end promises it.
    pub(crate) fn token_memory(self) -> Duration {
        let seconds = i64::from(self.memory) * self.tick() - USED;
        Duration::from_secs(u64::try_from(seconds).expect("the memory is long"))
    }
}
