//! The memory of client tokens, which makes a repeated launch the same launch.

use super::answer::Answer;
use super::query::Query;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// EC2 takes no longer token.
pub(super) const LONGEST: usize = 64;

/// A token counts within its region and its zone; without a zone, within the region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    region: String,
    scope: String,
    token: String,
}

/// A launch that the upstream has made.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) fingerprint: [u8; 32],
    pub(super) answer: Answer,
}

/// The launch of one token. The lock is held while the upstream launches, so that duplicates that
/// arrive meanwhile wait for the first.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Launch>>>;

#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<HashMap<Key, Slot>>);

impl Tokens {
    /// The slot of the call's token.
    pub(super) fn slot(&self, query: &Query, token: &str) -> Slot {
        let parameters = &query.parameters;
        let scope = ["SubnetId", "NetworkInterface.1.SubnetId", "Placement.AvailabilityZone"]
            .iter()
            .find_map(|name| parameters.get(name))
            .unwrap_or("regional");
        let key = Key { region: query.region.clone(), scope: scope.to_owned(), token: token.to_owned() };
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
