//! What all faces of one fake cluster share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::audit::Audit;
use super::fault::Faults;
use super::store::Store;

#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) store: Arc<Store>,
    pub(crate) audit: Audit,
    pub(crate) faults: Faults,
    /// The user that each minted token names.
    tokens: Mutex<BTreeMap<String, String>>,
}

impl Cluster {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store: Arc::new(store),
            audit: Audit::default(),
            faults: Faults::default(),
            tokens: Mutex::default(),
        }
    }

    pub(crate) fn remember_token(&self, token: String, user: String) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token, user);
    }

    pub(crate) fn user_of(&self, token: &str) -> Option<String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }
}
