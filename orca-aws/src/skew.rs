//! How far this machine's clock is from EC2's, by the `Date` header of EC2's answers.
//!
//! The launch protocol relies on signatures that expire. A request that is signed with a wrong clock could be executed later
//! than ORCA assumes. So nothing is launched with a clock that is off by more than five minutes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use orca_core::clock::Clock;
use orca_core::error::{CloudError, Kind};

/// How far the clock may be off. The protocol takes signatures for expired after 20 minutes: 15 for which AWS may accept
/// them, and these five.
const MOST: Duration = Duration::from_mins(5);

/// Reads the difference from every answer. Cheap to clone; clones share the latest difference.
#[derive(Clone, Debug)]
pub(crate) struct Skew {
    clock: Arc<dyn Clock>,
    /// EC2's clock minus ours, in seconds.
    seconds: Arc<AtomicI64>,
}

impl Skew {
    /// Without an answer yet, so the clock counts as right.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, seconds: Arc::default() }
    }

    /// Why nothing may be launched with this clock. None: it is close enough.
    pub(crate) fn refusal(&self) -> Option<CloudError> {
        let seconds = self.seconds.load(Ordering::Relaxed);
        (seconds.unsigned_abs() > MOST.as_secs()).then(|| {
            let direction = if seconds > 0 { "behind" } else { "ahead of" };
            let text = format!("the clock of this machine is {} s {direction} EC2's", seconds.unsigned_abs());
            CloudError::new(Kind::Denied, "ClockSkew", text).with_remedy(
                "Set the clock of the machine that ORCA runs on (NTP); launches follow by themselves.",
            )
        })
    }

    fn read(&self, date: &str) {
        // An answer without a readable date changes nothing.
        if let Ok(theirs) = DateTimeParser::new().parse_timestamp(date) {
            self.note(theirs, self.clock.now());
        }
    }

    fn note(&self, theirs: Timestamp, ours: Timestamp) {
        self.seconds.store(theirs.as_second().saturating_sub(ours.as_second()), Ordering::Relaxed);
    }
}

impl Intercept for Skew {
    fn name(&self) -> &'static str {
        "Skew"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.read(date);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StoppedClock;

    fn refusal(date: &str) -> Option<String> {
        // 17:00:00 on that day.
        let skew = Skew::new(StoppedClock::at(1_795_539_600).shared());
        skew.read(date);
        skew.refusal().map(|error| error.to_string())
    }

    #[test]
    fn five_minutes_are_forgiven_and_more_is_not() {
        assert_eq!(refusal("Tue, 24 Nov 2026 17:04:59 GMT"), None);
        assert_eq!(refusal("Tue, 24 Nov 2026 16:55:01 GMT"), None);
        let behind = refusal("Tue, 24 Nov 2026 17:05:01 GMT").expect("refused");
        assert!(behind.starts_with("ClockSkew: the clock of this machine is 301 s behind EC2's"), "{behind}");
        let ahead = refusal("Tue, 24 Nov 2026 16:00:00 GMT").expect("refused");
        assert!(ahead.contains("3600 s ahead of EC2's"), "{ahead}");
    }

    #[test]
    fn a_date_that_cannot_be_read_changes_nothing() {
        for date in ["", "yesterday", "2026-11-24T17:30:00Z"] {
            assert_eq!(refusal(date), None, "{date}");
        }
    }
}
