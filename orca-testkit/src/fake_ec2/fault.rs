//! Faults on order: which calls, how often, and what happens to them.

use std::time::Duration;

use super::api_error::ApiError;

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
    /// [`Effect::Refuse`] with this code, its usual status and a message of its own making.
    #[must_use]
    pub fn refuse(code: &str) -> Self {
        Self::Refuse(ApiError::new(code, format!("{code}, as the test ordered")))
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
    /// A fault in calls of this action, such as `RunInstances`; `*` is any.
    #[must_use]
    pub fn on(action: &str, effect: Effect) -> Self {
        Self { action: action.to_owned(), conditions: Vec::new(), skip: 0, times: 1, effect }
    }

    /// Only calls with a parameter of this name whose value contains the fragment; `*` is any name.
    ///
    /// Names are those of the query protocol without their numbers: `InstanceType`, `ClientToken`, `SubnetId`,
    /// `InstanceMarketOptions.MarketType`, `InstanceId`; a tag is `Tag.` and its key.
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

    fn matches(&self, action: &str, words: &[(String, String)]) -> bool {
        let holds = |name: &str, fragment: &str| {
            words.iter().any(|(key, value)| (name == "*" || name == key) && value.contains(fragment))
        };
        (self.action == "*" || self.action == action)
            && self.conditions.iter().all(|(name, fragment)| holds(name, fragment))
    }
}

/// Names a fault on order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(usize);

#[derive(Debug)]
struct Ordered {
    fault: Fault,
    is_active: bool,
    seen: usize,
    hits: usize,
}

/// The faults on order. A cleared one stays in its place, so that its number stays its own.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<Ordered>);

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) -> FaultId {
        self.0.push(Ordered { fault, is_active: true, seen: 0, hits: 0 });
        FaultId(self.0.len() - 1)
    }

    pub(super) fn hits(&self, FaultId(number): FaultId) -> usize {
        self.0.get(number).map_or(0, |ordered| ordered.hits)
    }

    pub(super) fn clear(&mut self) {
        for ordered in &mut self.0 {
            ordered.is_active = false;
        }
    }

    /// What is to happen to this call; it counts as seen and hit. Its words are asked for only when somebody looks.
    pub(super) fn take(
        &mut self,
        action: &str,
        words: impl FnOnce() -> Vec<(String, String)>,
    ) -> Option<Effect> {
        if !self.0.iter().any(|ordered| ordered.is_active) {
            return None;
        }
        let words = words();
        for ordered in self.0.iter_mut().filter(|ordered| ordered.is_active) {
            if !ordered.fault.matches(action, &words) {
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
}
