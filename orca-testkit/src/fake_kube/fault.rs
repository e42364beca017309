//! Faults that tests order: slow answers, lost answers, watches that break, a server that stands still.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::audit::AuditEntry;
use crate::signal::Signal;
use fastrand::Rng;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The request waits before it is carried out.
    Delay(Duration),
    /// The answer waits after the request was carried out.
    DelayAnswer(Duration),
    /// The request is refused with this code, and nothing is done.
    ErrorBefore(u16),
    /// Something in front of the server, such as a proxy, answers with another object, and nothing is done.
    OtherObject,
    /// Something in front of the server answers `404 page not found`, as proxies do, and nothing is done.
    ForeignNotFound,
    /// Something in front of the server answers 200 with an empty body, like a proxy that cuts streams, and nothing is done.
    Empty,
    /// The request is carried out, and the answer is this code.
    ErrorAfter(u16),
    /// The connection breaks before anything is done.
    DropBefore,
    /// The request is carried out, and the connection breaks before the answer.
    DropAfter,
}

impl Effect {
    fn is_before(self) -> bool {
        match self {
            Self::Delay(_)
            | Self::ErrorBefore(_)
            | Self::ForeignNotFound
            | Self::Empty
            | Self::OtherObject
            | Self::DropBefore => true,
            Self::DelayAnswer(_) | Self::ErrorAfter(_) | Self::DropAfter => false,
        }
    }
}

/// An effect, and the requests that it is for.
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    verb: Option<String>,
    resource: Option<String>,
    name: Option<String>,
    user: Option<String>,
    left: Option<u32>,
    chance: Option<(f64, Rng)>,
}

/// Names a fault that was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

impl Fault {
    /// This effect for every request, always.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self { effect, verb: None, resource: None, name: None, user: None, left: None, chance: None }
    }

    /// Only for this verb, as the audit list spells it.
    #[must_use]
    pub fn verb(self, verb: impl Into<String>) -> Self {
        Self { verb: Some(verb.into()), ..self }
    }

    /// Only for this resource, as the audit list spells it: `pods` or `pods/status`.
    #[must_use]
    pub fn resource(self, resource: impl Into<String>) -> Self {
        Self { resource: Some(resource.into()), ..self }
    }

    /// Only for the object with this name.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Only for this user.
    #[must_use]
    pub fn user(self, user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..self }
    }

    /// Only for that many requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { left: Some(times), ..self }
    }

    /// Only for this share (0 to 1) of the requests that it is for, chosen by this seed.
    #[must_use]
    pub fn sometimes(self, share: f64, seed: u64) -> Self {
        Self { chance: Some((share, Rng::with_seed(seed))), ..self }
    }

    /// Whether it acts this time.
    fn happens(&mut self) -> bool {
        self.chance.as_mut().is_none_or(|(share, rng)| rng.f64() < *share)
    }

    fn matches(&self, request: &AuditEntry) -> bool {
        self.left != Some(0)
            && self.verb.as_ref().is_none_or(|verb| verb == request.verb)
            && self.resource.as_ref().is_none_or(|resource| *resource == request.resource)
            && self.name.as_ref().is_none_or(|name| *name == request.name)
            && self.user.as_ref().is_none_or(|user| *user == request.user)
    }
}

/// What all requests and watches look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weather {
    pub(crate) is_frozen: bool,
    /// How often watches were cut.
    pub(crate) cuts: u64,
    pub(crate) lag: Duration,
}

#[derive(Debug, Default)]
struct Orders {
    number: u64,
    faults: Vec<(u64, Fault)>,
}

/// The faults of one fake cluster.
#[derive(Debug, Default)]
pub struct Faults {
    orders: Mutex<Orders>,
    weather: Arc<Signal<Weather>>,
}

impl Faults {
    /// Orders a fault. Of several that match a request, the one that was ordered first acts on it.
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.number += 1;
        let number = orders.number;
        orders.faults.push((number, fault));
        FaultId(number)
    }

    /// Removes a fault.
    pub fn remove(&self, FaultId(number): FaultId) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.faults.retain(|(other, _)| *other != number);
    }

    /// Ends every fault: those that were ordered, the lag of watches, and a freeze.
    pub fn clear(&self) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).faults.clear();
        self.weather.update(|weather| {
            weather.is_frozen = false;
            weather.lag = Duration::ZERO;
        });
    }

    /// The server stands still: no request is carried out, no answer and no event goes out.
    pub fn freeze(&self) {
        self.weather.update(|weather| weather.is_frozen = true);
    }

    /// The server goes on.
    pub fn thaw(&self) {
        self.weather.update(|weather| weather.is_frozen = false);
    }

    /// Ends every watch that is open now.
    pub fn cut_watches(&self) {
        self.weather.update(|weather| weather.cuts += 1);
    }

    /// Delays every watch event by this time.
    pub fn lag_watches(&self, lag: Duration) {
        self.weather.update(|weather| weather.lag = lag);
    }

    pub(crate) fn weather(&self) -> Arc<Signal<Weather>> {
        Arc::clone(&self.weather)
    }

    /// Waits while the server is frozen.
    pub(crate) async fn thawed(&self) {
        self.weather.wait_for(|weather| !weather.is_frozen).await;
    }

    /// Takes the fault for this request, if there is one for this moment.
    pub(crate) fn next_effect(&self, request: &AuditEntry, is_before: bool) -> Option<Effect> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let for_this = |fault: &mut Fault| {
            fault.effect.is_before() == is_before && fault.matches(request) && fault.happens()
        };
        let place = orders.faults.iter_mut().position(|(_, fault)| for_this(fault))?;
        let (_, fault) = orders.faults.get_mut(place)?;
        if let Some(left) = &mut fault.left {
            *left -= 1;
        }
        let effect = fault.effect;
        orders.faults.retain(|(_, fault)| fault.left != Some(0));
        Some(effect)
    }
}
