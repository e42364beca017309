//! Faults that tests order: which calls of an action they act on, and how often. Each server defines what they do.

/// A fault that a test orders. By default it acts on the first call of its action, once.
#[derive(Clone, Debug)]
pub struct Order<E> {
    action: String,
    conditions: Vec<(String, String)>,
    skip: usize,
    times: usize,
    chance: Option<(f64, u64)>,
    effect: E,
}

impl<E: Clone> Order<E> {
    /// A fault in calls of this action, such as `RunInstances` or `AmazonSSM.GetParameter`; `*` is any.
    #[must_use]
    pub fn on(action: &str, effect: E) -> Self {
        Self { action: action.to_owned(), conditions: Vec::new(), skip: 0, times: 1, chance: None, effect }
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

    /// Acts on this many calls.
    #[must_use]
    pub fn times(mut self, calls: usize) -> Self {
        self.times = calls;
        self
    }

    /// Acts on this share (0 to 1) of the calls that it would act on, chosen by this seed.
    #[must_use]
    pub fn sometimes(mut self, share: f64, seed: u64) -> Self {
        self.chance = Some((share, seed));
        self
    }

    /// Whether it acts on the call of this number among those that match: the same for the same seed.
    fn happens(&self, number: usize) -> bool {
        self.chance.is_none_or(|(share, seed)| {
            let number = u64::try_from(number).unwrap_or(u64::MAX);
            // An odd factor keeps neighbouring numbers of neighbouring seeds apart.
            share_of(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) < share
        })
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

/// A number from 0 to below 1 that looks drawn, from a seed (the finalizer of `splitmix64`).
fn share_of(seed: u64) -> f64 {
    let mut bits = seed;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let top = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

/// Names a fault that was ordered.
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

    /// Takes one back; its hits stay known.
    pub(crate) fn remove(&mut self, FaultId(number): FaultId) {
        if let Some(ordered) = self.0.get_mut(number) {
            ordered.is_active = false;
        }
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
    pub(crate) fn next_effect<'a, P>(&mut self, action: &str, parameters: impl Fn() -> P) -> Option<E>
    where
        P: Iterator<Item = (&'a str, &'a str)>,
    {
        for ordered in self.0.iter_mut().filter(|ordered| ordered.is_active) {
            if !ordered.order.matches(action, &parameters) {
                continue;
            }
            ordered.seen += 1;
            let is_due = ordered.seen > ordered.order.skip && ordered.hits < ordered.order.times;
            if is_due && ordered.order.happens(ordered.seen) {
                ordered.hits += 1;
                return Some(ordered.order.effect.clone());
            }
        }
        None
    }
}
