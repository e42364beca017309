//! Client tokens: the same token and parameters are the same launch, within a zone, for as long as they are remembered.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::api_error::ApiError;
use super::request::RunInstances;

/// EC2 takes no longer token.
const LONGEST: usize = 64;

/// A zone, when the call named it or a subnet; else the region.
pub(super) type Scope = Option<String>;

/// What a token has led to.
#[derive(Clone, Debug)]
pub(super) enum Made {
    /// These instances, by their numbers.
    Instances(Vec<u64>),
    /// A spot request that is open, because its price was too low.
    OpenRequest(String),
}

#[derive(Debug)]
struct Known {
    request: RunInstances,
    made: Made,
    forgotten_at: Option<Timestamp>,
}

/// The memory of tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    known: BTreeMap<(Scope, String), Known>,
    by_age: BTreeMap<(Timestamp, u64), (Scope, String)>,
    number: u64,
}

impl Tokens {
    /// Refuses a token that EC2 would not take.
    pub(super) fn check(token: &str) -> Result<(), ApiError> {
        if token.len() > LONGEST || !token.is_ascii() {
            let message = format!("A client token has at most {LONGEST} ASCII characters.");
            return Err(ApiError::new("InvalidParameterValue", message));
        }
        Ok(())
    }

    /// What this token has led to. The same token with other parameters is a mismatch.
    pub(super) fn find(&self, scope: &Scope, request: &RunInstances) -> Result<Option<Made>, ApiError> {
        let Some(token) = &request.client_token else { return Ok(None) };
        match self.known.get(&(scope.clone(), token.clone())) {
            None => Ok(None),
            Some(known) if known.request == *request => Ok(Some(known.made.clone())),
            Some(_) => Err(ApiError::new(
                "IdempotentParameterMismatch",
                "The request uses the same client token as a previous, but non-identical request.",
            )),
        }
    }

    /// Remembers it for so long. A token that is known already keeps its age.
    pub(super) fn remember(
        &mut self,
        scope: &Scope,
        request: &RunInstances,
        made: Made,
        (now, memory): (Timestamp, Duration),
    ) {
        let Some(token) = &request.client_token else { return };
        let key = (scope.clone(), token.clone());
        if let Some(known) = self.known.get_mut(&key) {
            known.made = made;
            return;
        }
        let forgotten_at = now.checked_add(memory).ok();
        if let Some(at) = forgotten_at {
            self.number += 1;
            self.by_age.insert((at, self.number), key.clone());
        }
        self.known.insert(key, Known { request: request.clone(), made, forgotten_at });
    }

    /// The open request of a token was fulfilled by this instance.
    pub(super) fn fulfilled(&mut self, request: &str, number: u64) {
        for known in self.known.values_mut() {
            if matches!(&known.made, Made::OpenRequest(open) if open == request) {
                known.made = Made::Instances(vec![number]);
            }
        }
    }

    /// Forgets what is old enough.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while let Some(first) = self.by_age.first_entry().filter(|first| first.key().0 <= now) {
            let key = first.remove();
            if self.known.get(&key).is_some_and(|known| known.forgotten_at.is_some_and(|at| at <= now)) {
                self.known.remove(&key);
            }
        }
    }
}
