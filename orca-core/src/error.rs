//! Errors of a cloud, sorted into kinds that say what to do next.
//!
//! A back end sorts its own error codes into a [`Kind`] once. The rest of ORCA looks at the kind alone; code and
//! message are kept for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an error means for the caller. For each kind, `docs/back-ends.md` has the delay before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// The call may have been executed. A launch is repeated with the same token.
    Unknown,
    /// Not executed, because too many calls were made. Try again later.
    Throttled,
    /// Not executed: the cloud has no capacity for this offer now. Try the next offer.
    NoCapacity,
    /// Not executed: a limit of the account is reached. Wait, and show it to people.
    Quota,
    /// Not executed: credentials or permissions are missing. Wait, and show it to people. Nothing is wrong with the pod.
    Denied,
    /// Not executed: the request is wrong, and stays wrong until somebody changes it.
    Invalid(Fault),
    /// What the call names does not exist, or is not visible yet. It never proves that an instance is gone.
    NotFound,
}

/// Who has to change a value of an invalid request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// The pod's author: the value comes from the pod. The pod fails, or waits for a change if its restart policy is
    /// `Always`.
    Pod,
    /// The operator: the value comes from ORCA's config. No pod fails for it; its launch is tried again.
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

    /// Whether the call certainly did nothing: true for every kind but [`Unknown`](Self::Unknown) and
    /// [`NotFound`](Self::NotFound).
    #[must_use]
    pub fn is_definitive(self) -> bool {
        match self {
            Self::Throttled | Self::NoCapacity | Self::Quota | Self::Denied | Self::Invalid(_) => true,
            Self::Unknown | Self::NotFound => false,
        }
    }
}

/// A failed call to the cloud: its kind, and what the cloud said.
///
/// `Display` is meant for people: `code: message. remedy`. The code also becomes a reason on the pod and in its events, so
/// it should be one `UpperCamelCase` word where the cloud allows that.
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
    /// Message and remedy without the code, for places that show the code as their reason.
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
