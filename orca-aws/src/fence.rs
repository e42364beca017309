//! The fence: a last look at the clock that stops a launch request which could leave too late.
//!
//! The look comes after credentials, signing and every wait in the SDK. Otherwise a process that was paused there would send
//! an old decision with a fresh signature. Only connecting can take time after it. That time is bounded, and the fence
//! closes that much earlier.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use jiff::Timestamp;
use orca_core::clock::Clock;

/// How long connecting may take, and so how long before its deadline the fence closes.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// Lets one operation's request pass until a time, and remembers whether any passed.
#[derive(Clone, Debug)]
pub(crate) struct Fence {
    clock: Arc<dyn Clock>,
    not_after: Timestamp,
    requests: Arc<Requests>,
}

#[derive(Debug, Default)]
struct Requests {
    passed: AtomicBool,
    stopped: AtomicBool,
}

/// The request was stopped, because it could have left too late.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped before it left: it could have been sent after {0}")]
pub(crate) struct TooLate(Timestamp);

impl Fence {
    /// A fence that lets nothing pass that could be sent after this time.
    pub(crate) fn new(clock: Arc<dyn Clock>, not_after: Timestamp) -> Self {
        Self { clock, not_after, requests: Arc::default() }
    }

    /// Whether a request has passed. While it is false, certainly nothing was sent.
    pub(crate) fn has_passed(&self) -> bool {
        self.requests.passed.load(Ordering::SeqCst)
    }

    /// Why the fence stopped a request, if it did.
    pub(crate) fn too_late(&self) -> Option<TooLate> {
        self.requests.stopped.load(Ordering::SeqCst).then_some(TooLate(self.not_after))
    }

    fn check(&self) -> Result<(), TooLate> {
        match self.clock.now().checked_add(CONNECT_TIMEOUT) {
            Ok(latest) if latest <= self.not_after => Ok(()),
            Ok(_) | Err(_) => Err(TooLate(self.not_after)),
        }
    }
}

impl Intercept for Fence {
    fn name(&self) -> &'static str {
        "Fence"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match self.check() {
            Ok(()) => self.requests.passed.store(true, Ordering::SeqCst),
            Err(too_late) => {
                self.requests.stopped.store(true, Ordering::SeqCst);
                return Err(too_late.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::StoppedClock;

    #[test]
    fn the_fence_closes_a_connect_timeout_before_its_time() {
        let clock = StoppedClock::at(1_000);
        let fence = |second| Fence::new(clock.shared(), Timestamp::from_second(second).expect("time"));
        fence(1_004).check().expect("in time");
        assert!(fence(1_003).check().is_err(), "connecting could take until 1003.1");
        fence(999).check().expect_err("past");
    }
}
