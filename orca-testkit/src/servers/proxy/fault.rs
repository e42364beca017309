//! What a fault on order does to a call on its way through the proxy.

use super::query::Parameters;
pub use crate::fault::FaultId;
use crate::fault::{Order, Orders};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// An AWS error is the answer; the upstream sees nothing.
    Refuse {
        /// The AWS error code.
        code: String,
        /// Its message.
        message: String,
        /// The HTTP status that AWS gives with it.
        status: u16,
    },
    /// The connection closes without an answer; the upstream sees nothing.
    DropBefore,
    /// The upstream does it, then the connection closes without an answer.
    DropAfter,
    /// The upstream sees the call later.
    DelayBefore(Duration),
    /// The upstream does it at once, the answer comes later.
    DelayAfter(Duration),
    /// Nothing happens for this long, then the connection closes; the upstream sees nothing.
    Hang(Duration),
    /// An answer that is not from AWS (a bare HTTP status with HTML); the upstream sees nothing.
    HttpError(u16),
    /// The upstream does it, the answer is a bare HTTP status with HTML.
    HttpErrorAfter(u16),
}

impl Effect {
    /// [`Effect::Refuse`] with a message of its own making.
    #[must_use]
    pub fn refuse(code: &str, status: u16) -> Self {
        Self::Refuse { code: code.to_owned(), message: format!("{code}, as the test ordered"), status }
    }
}

/// A fault on order. Names of parameters are those of the query protocol, as they were sent.
pub type Fault = Order<Effect>;

/// The faults on order.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Orders<Effect>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) -> FaultId {
        self.lock().add(fault)
    }

    pub(super) fn hits(&self, fault: FaultId) -> usize {
        self.lock().hits(fault)
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// What is to happen to this call.
    pub(super) fn next_effect(&self, action: &str, parameters: &Parameters) -> Option<Effect> {
        self.lock().next_effect(action, || parameters.iter())
    }

    fn lock(&self) -> MutexGuard<'_, Orders<Effect>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
