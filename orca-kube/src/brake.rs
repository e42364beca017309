//! A brake on disappearances: pods that the API server suddenly does not have, and instances that the cloud does not know.
//!
//! A single one is a missed event or an accident. Many at once usually mean that the server is another one, or was restored,
//! and believing it would end instances that work and fail pods that run. So beyond a few in an hour nothing is concluded.
//! An API server that has proved to be the same one as before is believed, but slowly, so that people can step in. People
//! can also release the brake.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock;

/// This many in an hour are taken for missed events, however few pods there are …
const FEW: usize = 3;
/// … and of many pods one in this many.
const SHARE: usize = 10;
/// For how long a disappearance counts.
const WINDOW: Duration = Duration::from_hours(1);
/// Beyond those few, this many a minute when the API server has proved itself.
const SLOWLY: usize = 5;
const MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(crate) struct Brake {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When a disappearance was concluded, oldest first.
    concluded: VecDeque<Timestamp>,
    /// How many were concluded because people said so.
    released: usize,
}

impl Brake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one more disappearance may be a missed event, with this many wanted pods. Counts it if so.
    pub(crate) fn is_one_of_few(&self, wanted: usize, now: Timestamp) -> bool {
        let mut state = self.state();
        let few = FEW.max(wanted / SHARE);
        let may = state.within(WINDOW, now) < few;
        state.conclude(may, now)
    }

    /// Whether all of these together may be accidents, with this many wanted pods. Counts them if so: all or none.
    pub(crate) fn are_few(&self, together: usize, of: usize, now: Timestamp) -> bool {
        let mut state = self.state();
        let may = state.within(WINDOW, now) + together <= FEW.max(of / SHARE);
        for _ in 0..together {
            state.conclude(may, now);
        }
        may
    }

    /// Whether one more may be concluded from an API server that has proved to be the same. Counts it if so.
    pub(crate) fn may_slowly(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        let may = state.within(MINUTE, now) < SLOWLY;
        state.conclude(may, now)
    }

    /// Whether people released the brake for this many, of which some are left. Counts it if so.
    pub(crate) fn is_released(&self, release: usize, now: Timestamp) -> bool {
        let mut state = self.state();
        let may = state.released < release;
        state.released += usize::from(may);
        state.conclude(may, now)
    }
}

impl State {
    fn within(&self, window: Duration, now: Timestamp) -> usize {
        // When the clock is set back, none of them gets older.
        self.concluded.iter().filter(|at| clock::age(**at, now) < window).count()
    }

    fn conclude(&mut self, may: bool, now: Timestamp) -> bool {
        if may {
            self.concluded.retain(|at| clock::age(*at, now) < WINDOW);
            self.concluded.push_back(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn a_few_in_an_hour_are_missed_events_and_a_share_of_many() {
        let brake = Brake::default();
        let concluded = (0..10).filter(|second| brake.is_one_of_few(20, at(*second))).count();
        assert_eq!(concluded, 3);
        assert!(!brake.is_one_of_few(20, at(3_500)) && brake.is_one_of_few(20, at(3_600)));
        let brake = Brake::default();
        assert_eq!((0..100).filter(|second| brake.is_one_of_few(500, at(*second))).count(), 50);
    }

    #[test]
    fn an_api_server_that_proved_itself_is_believed_slowly() {
        let brake = Brake::default();
        let in_a_minute = |from| (from..from + 60).filter(|second| brake.may_slowly(at(*second))).count();
        assert_eq!((in_a_minute(0), in_a_minute(60)), (5, 5));
    }

    #[test]
    fn what_disappears_together_is_believed_together_or_not_at_all() {
        let brake = Brake::default();
        assert!(!brake.are_few(4, 20, at(0)) && brake.are_few(2, 20, at(0)) && !brake.are_few(2, 20, at(10)));
        assert!(brake.are_few(1, 20, at(10)) && brake.are_few(3, 20, at(3_610)));
        assert!(Brake::default().are_few(50, 500, at(0)));
    }

    #[test]
    fn people_release_it_for_a_number() {
        let brake = Brake::default();
        assert_eq!((0..10).filter(|second| brake.is_released(4, at(*second))).count(), 4);
    }
}
