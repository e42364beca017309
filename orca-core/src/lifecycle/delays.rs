//! How long to wait between tries, and until when.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::backoff::Backoff;
use crate::clock;

/// Between sends of one attempt whose outcome is unknown.
pub(super) const RESEND: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_mins(1) };
/// After a refusal that passes by itself.
pub(super) const THROTTLED: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_mins(1) };
/// After a refusal that people have to act on.
pub(super) const NEEDS_PEOPLE: Backoff =
    Backoff { first: Duration::from_mins(1), cap: Duration::from_mins(5) };

/// The time that is this much later.
pub(super) fn after(at: Timestamp, delay: Duration) -> Timestamp {
    let delay = SignedDuration::try_from(delay).unwrap_or(SignedDuration::MAX);
    at.saturating_add(delay).unwrap_or(Timestamp::MAX)
}

/// How much of this time is left. None: it is over, or it began in the future, which only happens when a clock jumps.
pub(super) fn left(since: Timestamp, time: Duration, now: Timestamp) -> Option<Duration> {
    clock::is_recent(since, now, time).then(|| time.saturating_sub(clock::age(since, now)))
}
