//! Faults on order: which calls of an action they are for, and how often. What they do is their server's own.

/// A fault on order: by default it acts on the first call of its action, once.
#[derive(Clone, Debug)]
pub struct Order<E> {
    action: String,
    conditions: Vec<(String, String)>,
    skip: usize,
    times: usize,
    effect: E,
}

impl<E: Clone> Order<E> {
    /// A fault in calls of this action, such as `RunInstances` or `AmazonSSM.GetParameter`; `*` is any.
    #[must_use]
    pub fn on(action: &str, effect: E) -> Self {
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

    fn matches<'a, P>(&self, action: &str, parameters: &impl Fn() -> P) -> bool
    where
        P: Iterator<Item = (&'a str, &'a str)>,
    {
        let holds = |name: &str, fragment: &str| {
            parameters().any(|(key, value)| (name == "*" || name == key) && value.contains(fragment))
        };
        (self.action == "*" || self.action == action)
            && self.conditions.iter().all(|(name, fragment)| holds(name, fragment))
    }
}

/// Names a fault on order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(usize);

#[derive(Debug)]
struct Ordered<E> {
    order: Order<E>,
    is_active: bool,
    seen: usize,
    hits: usize,
}

/// The faults on order. A cleared one stays in its place, so that its number stays its own.
#[derive(Debug)]
pub(crate) struct Orders<E>(Vec<Ordered<E>>);

impl<E> Default for Orders<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E: Clone> Orders<E> {
    pub(crate) fn add(&mut self, order: Order<E>) -> FaultId {
        self.0.push(Ordered { order, is_active: true, seen: 0, hits: 0 });
        FaultId(self.0.len() - 1)
    }

    pub(crate) fn hits(&self, FaultId(number): FaultId) -> usize {
        self.0.get(number).map_or(0, |ordered| ordered.hits)
    }

    pub(crate) fn clear(&mut self) {
        for ordered in &mut self.0 {
            ordered.is_active = false;
        }
    }

    /// Whether no fault can act on any call.
    pub(crate) fn is_idle(&self) -> bool {
        !self.0.iter().any(|ordered| ordered.is_active)
    }

    /// What is to happen to a call with these parameters; it counts as seen and hit.
    pub(crate) fn take<'a, P>(&mut self, action: &str, parameters: impl Fn() -> P) -> Option<E>
    where
        P: Iterator<Item = (&'a str, &'a str)>,
    {
        for ordered in self.0.iter_mut().filter(|ordered| ordered.is_active) {
            if !ordered.order.matches(action, &parameters) {
                continue;
            }
            ordered.seen += 1;
            if ordered.seen > ordered.order.skip && ordered.hits < ordered.order.times {
                ordered.hits += 1;
                return Some(ordered.order.effect.clone());
            }
        }
        None
    }
}
