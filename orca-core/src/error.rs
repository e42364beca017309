//! What a cloud can answer besides success, as kinds that say what to do next.
//!
//! A back end classifies its own error codes once, into a [`Kind`]. Nobody else looks at codes: the kind
//! decides, and code and message are kept for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an error means for the one who called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Nobody knows whether the call was executed: the same call again, with the same token.
    Unknown,
    /// Not executed because calls come too fast: later.
    Throttled,
    /// This offer cannot be had now: the next one.
    NoCapacity,
    /// A limit of the account: wait, and tell people.
    Quota,
    /// Credentials or permissions: wait, and tell people. Nothing is wrong with the pod.
    Denied,
    /// The request itself is wrong and will stay so until somebody changes it.
    Invalid(Fault),
    /// The thing named does not exist, or cannot be seen yet: an observation, never a proof.
    NotFound,
}

/// Whose value an invalid request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// The pod author's: an annotation.
    Pod,
    /// ORCA's own config: no pod may fail for it.
    Config,
}

impl Kind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Throttled,
        Self::NoCapacity,
        Self::Quota,
        Self::Denied,
        Self::Invalid(Fault::Pod),
        Self::Invalid(Fault::Config),
        Self::NotFound,
    ];

    /// Whether the cloud has said for certain that the call did nothing.
    #[must_use]
    pub fn is_definitive(self) -> bool {
        match self {
            Self::Throttled | Self::NoCapacity | Self::Quota | Self::Denied | Self::Invalid(_) => true,
            Self::Unknown | Self::NotFound => false,
        }
    }
}

/// A failed call to the cloud: what kind it is, and what the cloud said.
///
/// The text is meant for a pod's message: it names the cloud's own code and what to do next when that is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub struct CloudError {
    /// What it means.
    pub kind: Kind,
    /// The cloud's own code, such as `InsufficientInstanceCapacity`.
    pub code: String,
    /// The cloud's own message.
    pub message: String,
    /// What a person can do about it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl CloudError {
    /// An error of this kind.
    pub fn new(kind: Kind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, code: code.into(), message: message.into(), remedy: None }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl CloudError {
    /// What happened and what to do, without the code: for a place whose reason the code is already.
    #[must_use]
    pub fn told(&self) -> String {
        let message = self.message.trim_end_matches('.');
        self.remedy.as_ref().map_or_else(|| message.to_owned(), |remedy| format!("{message}. {remedy}"))
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.told())
    }
}
