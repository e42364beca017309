//! The tasks of a pod, and their results as facts that a decision can use.
//!
//! Making an offer and sending a launch take seconds, or hang. So each runs as a task. Its end (a result, an error, a panic
//! or a time-out) is kept as a fact and wakes the pod. A fact stays until the write that used it was acknowledged.

use std::time::Duration;

use jiff::Timestamp;

use crate::cloud::LaunchOutcome;
use crate::error::{CloudError, Kind};
use crate::provider::{Prepare, Prepared};

/// The tasks of one pod: at most one of each kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Gets an offer and a permit for a new attempt, or a permit for one more send.
    pub prepare: Option<Task<PrepareKey, Prepared>>,
    /// Sends a launch. The key is the time for which the send was announced.
    pub send: Option<Task<Timestamp, LaunchOutcome>>,
}

/// One task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task<K, T> {
    /// What it was started for. A result is used only for that.
    pub key: K,
    /// When it was started.
    pub since: Timestamp,
    /// How far it is.
    pub state: TaskState<T>,
}

/// How far a task is.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskState<T> {
    /// Under way.
    UnderWay,
    /// Over.
    Done {
        /// Since when.
        at: Timestamp,
        /// Its result.
        result: Result<T, TaskFailure>,
    },
}

/// Why a task has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskFailure {
    /// The back end returned an error.
    Cloud(CloudError),
    /// The back end panicked, with this message.
    Panicked(String),
    /// It was given up after this time.
    TimedOut(Duration),
}

/// What a preparation was started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareKey {
    /// This attempt, with this request.
    Attempt {
        /// The attempt, from 1.
        attempt: u32,
        /// The digest of what the pod asked for when it was started.
        request_digest: String,
    },
    /// One more send of this attempt.
    Resend {
        /// The attempt, from 1.
        attempt: u32,
    },
}

/// Names a task of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskKey {
    /// A preparation.
    Prepare(PrepareKey),
    /// A send, by the time for which it was announced.
    Send(Timestamp),
}

/// A preparation to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// By this a later decision recognises the result.
    pub key: PrepareKey,
    /// What to ask the provider for.
    pub what: Prepare,
}

impl<K, T> Task<K, T> {
    /// Whether it is under way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        match self.state {
            TaskState::UnderWay => true,
            TaskState::Done { .. } => false,
        }
    }
}

impl TaskFailure {
    /// The failure as an error of the cloud. A panic and a time-out are [`Kind::Unknown`]: after a send it is not known
    /// whether anything was launched.
    #[must_use]
    pub fn error(&self) -> CloudError {
        match self {
            Self::Cloud(error) => error.clone(),
            Self::Panicked(message) => CloudError::new(Kind::Unknown, "BackEndPanicked", message.clone())
                .with_remedy("This is a bug of the cloud back end, please report it"),
            Self::TimedOut(after) => {
                let text = format!("the cloud back end did not answer within {} s", after.as_secs());
                CloudError::new(Kind::Unknown, "BackEndTimeout", text)
            }
        }
    }
}
