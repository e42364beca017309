//! Faults on order: which calls, how often, and what happens to them.

use super::query::Parameters;
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

/// A fault on order: by default it acts on the first call of its action, once.
#[derive(Clone, Debug)]
pub struct Fault {
    action: String,
    conditions: Vec<(String, String)>,
    skip: usize,
    times: usize,
    effect: Effect,
}

impl Fault {
    /// A fault in calls of this action (`RunInstances`, `AmazonSSM.GetParameter`).
    #[must_use]
    pub fn on(action: &str, effect: Effect) -> Self {
        Self { action: action.to_owned(), conditions: Vec::new(), skip: 0, times: 1, effect }
    }

    /// Only calls with a parameter of this name whose value contains the fragment; `*` is any name.
    #[must_use]
    pub fn when(mut self, name: &str, fragment: &str) -> Self {
        self.conditions.push((name.to_owned(), fragment.to_owned()));
        self
    }

    /// Lets the first calls that match pass.
    #[must_use]
    pub fn skip(mut self, calls: usize) -> Self {
        self.skip = calls;
        self
    }

    /// Acts on so many calls.
    #[must_use]
    pub fn times(mut self, calls: usize) -> Self {
        self.times = calls;
        self
    }

    /// Acts until the faults are cleared.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }

    fn matches(&self, action: &str, parameters: &Parameters) -> bool {
        let holds = |name: &str, fragment: &str| {
            parameters.iter().any(|(key, value)| (name == "*" || name == key) && value.contains(fragment))
        };
        self.action == action && self.conditions.iter().all(|(name, fragment)| holds(name, fragment))
    }
}

/// Names a fault on order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(usize);

#[derive(Debug)]
struct Ordered {
    fault: Fault,
    active: bool,
    seen: usize,
    hits: usize,
}

/// The faults on order. A cleared one stays in its place, so that its number stays its own.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Ordered>>);

impl Faults {
    pub(super) fn add(&self, fault: Fault) -> FaultId {
        let mut ordered = self.lock();
        ordered.push(Ordered { fault, active: true, seen: 0, hits: 0 });
        FaultId(ordered.len() - 1)
    }

    pub(super) fn hits(&self, FaultId(number): FaultId) -> usize {
        self.lock().get(number).map_or(0, |ordered| ordered.hits)
    }

    pub(super) fn clear(&self) {
        for ordered in self.lock().iter_mut() {
            ordered.active = false;
        }
    }

    /// What is to happen to this call; it counts as seen and hit.
    pub(super) fn take(&self, action: &str, parameters: &Parameters) -> Option<Effect> {
        for ordered in self.lock().iter_mut() {
            if !ordered.active || !ordered.fault.matches(action, parameters) {
                continue;
            }
            ordered.seen += 1;
            if ordered.seen > ordered.fault.skip && ordered.hits < ordered.fault.times {
                ordered.hits += 1;
                return Some(ordered.fault.effect.clone());
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Ordered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
