//! One seeded random generator for each virtual node, so that a simulation can be repeated.

use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;

/// A generator that the loops of one virtual node share. It is not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Random(Arc<Mutex<Rng>>);

impl Random {
    /// A generator with this seed, which gives the same numbers each time. None: a seed that is different in each process.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(Arc::new(Mutex::new(seed.map_or_else(Rng::new, Rng::with_seed))))
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn fraction(&self) -> f64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).f64()
    }

    /// Any number.
    pub(crate) fn number(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u32(..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_none_draws_another() {
        let draws = |seed| {
            let random = Random::new(seed);
            (random.number(), random.number(), random.fraction().to_bits())
        };
        assert_eq!(draws(Some(7)), draws(Some(7)));
        assert_ne!(draws(Some(7)), draws(Some(8)));
        assert_ne!(draws(None), draws(None));
    }
}
