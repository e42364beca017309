//! The latest answer of the SSM parameter that names an image.

use std::time::Duration;

use jiff::Timestamp;
use orca_core::error::CloudError;
use tokio::sync::Mutex;

/// Published images change every few weeks, and an image that is a day old is as good.
const KEPT: Duration = Duration::from_hours(24);
/// A thousand pods that wait for a parameter which cannot be read must not ask a thousand times.
const FAILURE_KEPT: Duration = Duration::from_secs(5);

/// The latest answer of the SSM parameter. Holding the lock while asking keeps it to one question at a time.
#[derive(Debug, Default)]
pub(crate) struct ImageCache(pub(super) Mutex<Option<Cached>>);

#[derive(Clone, Debug)]
pub(super) struct Cached {
    pub(super) answer: Result<String, CloudError>,
    /// When it came: a failure that took half a minute to come is as good as one that came at once.
    pub(super) answered_at: Timestamp,
}

impl Cached {
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        let kept = if self.answer.is_ok() { KEPT } else { FAILURE_KEPT };
        // A clock that was set back makes the age negative, and then nothing is known about it.
        Duration::try_from(now.duration_since(self.answered_at)).is_ok_and(|age| age < kept)
    }
}
