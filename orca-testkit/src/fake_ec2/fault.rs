//! What a fault does to a call of the fake.

use std::time::Duration;

use super::api_error::ApiError;
pub use crate::fault::FaultId;
use crate::fault::{Order, Orders};

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Refused; nothing is executed.
    Refuse(ApiError),
    /// Executed, and the answer is this refusal.
    RefuseAfter(ApiError),
    /// The call gets lost: nothing is executed, and there is no answer.
    DropBefore,
    /// Executed, and the answer gets lost.
    DropAfter,
    /// Executed later.
    DelayBefore(Duration),
    /// Executed at once, answered later.
    DelayAfter(Duration),
}

impl Effect {
    /// [`Effect::Refuse`] with this code, its usual HTTP status, and a message that says it was ordered.
    #[must_use]
    pub fn refuse(code: &str) -> Self {
        Self::Refuse(ApiError::new(code, format!("{code}, as the test ordered")))
    }
}

/// A fault that a test orders. Parameters have the names of the query protocol without numbers: `InstanceType`,
/// `ClientToken`, `SubnetId`, `InstanceMarketOptions.MarketType`, `InstanceId`; a tag is `Tag.` and its key.
pub type Fault = Order<Effect>;

/// The faults that are ordered.
#[derive(Debug, Default)]
pub(super) struct Faults(Orders<Effect>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) -> FaultId {
        self.0.add(fault)
    }

    pub(super) fn hits(&self, fault: FaultId) -> usize {
        self.0.hits(fault)
    }

    pub(super) fn remove(&mut self, fault: FaultId) {
        self.0.remove(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is to happen to this call. Its parameters are read only if a fault needs them.
    pub(super) fn next_effect(
        &mut self,
        action: &str,
        words: impl FnOnce() -> Vec<(String, String)>,
    ) -> Option<Effect> {
        if self.0.is_idle() {
            return None;
        }
        let words = words();
        self.0.next_effect(action, || words.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}
