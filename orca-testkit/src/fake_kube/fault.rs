//! Faults on order: slow answers, lost answers, watches that break, a server that stands still.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::audit::AuditEntry;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The request waits before it is carried out.
    Delay(Duration),
    /// The answer waits after the request was carried out.
    DelayAnswer(Duration),
    /// The request is refused with this code, and nothing is done.
    ErrorBefore(u16),
    /// Something in front of the server answers with an object of its own, and nothing is done.
    OtherObject,
    /// Something in front of the server answers `404 page not found`, as proxies do, and nothing is done.
    ForeignNotFound,
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
    verb: Option<&'static str>,
    resource: Option<String>,
    name: Option<String>,
    user: Option<String>,
    left: Option<u32>,
}

impl Fault {
    /// This effect for every request, always.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self { effect, verb: None, resource: None, name: None, user: None, left: None }
    }

    /// Only for this verb, as the audit list spells it.
    #[must_use]
    pub fn verb(self, verb: &'static str) -> Self {
        Self { verb: Some(verb), ..self }
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

    fn matches(&self, request: &AuditEntry) -> bool {
        self.left != Some(0)
            && self.verb.is_none_or(|verb| verb == request.verb)
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

/// The faults of one fake cluster.
#[derive(Debug)]
pub struct Faults {
    orders: Mutex<Vec<Fault>>,
    weather: watch::Sender<Weather>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { orders: Mutex::default(), weather: watch::Sender::new(Weather::default()) }
    }
}

impl Faults {
    /// Orders a fault. Of several that match, the first one counts.
    pub fn add(&self, fault: Fault) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Ends every fault: orders, lag and frost.
    pub fn clear(&self) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.weather.send_modify(|weather| {
            weather.is_frozen = false;
            weather.lag = Duration::ZERO;
        });
    }

    /// The server stands still: no request is carried out, no answer and no event goes out.
    pub fn freeze(&self) {
        self.weather.send_modify(|weather| weather.is_frozen = true);
    }

    /// The server goes on.
    pub fn thaw(&self) {
        self.weather.send_modify(|weather| weather.is_frozen = false);
    }

    /// Ends every watch that is open now.
    pub fn cut_watches(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Lets every event wait that long before it goes out.
    pub fn lag_watches(&self, lag: Duration) {
        self.weather.send_modify(|weather| weather.lag = lag);
    }

    pub(crate) fn weather(&self) -> watch::Receiver<Weather> {
        self.weather.subscribe()
    }

    /// Waits while the server stands still.
    pub(crate) async fn thawed(&self) {
        if self.weather.borrow().is_frozen {
            let mut weather = self.weather.subscribe();
            // The sender lives as long as `self`.
            if weather.wait_for(|weather| !weather.is_frozen).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Takes the fault for this request, if there is one for this moment.
    pub(crate) fn take(&self, request: &AuditEntry, is_before: bool) -> Option<Effect> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = orders
            .iter_mut()
            .find(|fault| fault.effect.is_before() == is_before && fault.matches(request))?;
        if let Some(left) = &mut fault.left {
            *left -= 1;
        }
        let effect = fault.effect;
        orders.retain(|fault| fault.left != Some(0));
        Some(effect)
    }
}
