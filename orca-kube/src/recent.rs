//! A bounded set of recent items: the oldest is forgotten first.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Remembered items; at 36 bytes each a few megabytes.
const ITEMS: usize = 65_536;

/// A set of the latest items. Use it only where a forgotten item makes the user more careful.
#[derive(Debug)]
pub(crate) struct Recent<T> {
    items: Mutex<Items<T>>,
}

#[derive(Debug)]
struct Items<T> {
    known: HashSet<T>,
    order: VecDeque<T>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { items: Mutex::new(Items { known: HashSet::new(), order: VecDeque::new() }) }
    }
}

impl<T: Clone + Eq + Hash> Recent<T> {
    fn items(&self) -> MutexGuard<'_, Items<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, item: &T) {
        let mut items = self.items();
        if !items.known.insert(item.clone()) {
            return;
        }
        items.order.push_back(item.clone());
        if items.order.len() > ITEMS
            && let Some(oldest) = items.order.pop_front()
        {
            items.known.remove(&oldest);
        }
    }

    pub(crate) fn contains(&self, item: &T) -> bool {
        self.items().known.contains(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first_and_nothing_grows() {
        let recent = Recent::default();
        for item in 0..=ITEMS {
            recent.insert(&item);
            recent.insert(&item);
        }
        assert!(!recent.contains(&0) && recent.contains(&1) && recent.contains(&ITEMS));
        assert_eq!(recent.items().known.len(), ITEMS);
    }
}
