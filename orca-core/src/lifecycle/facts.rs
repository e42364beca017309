//! Slow things as facts: a task that was started for a pod, and its result.
//!
//! Making an offer and sending a launch take seconds or hang. So each is a task, and its result, its failure, its panic
//! or its time-out is a fact that wakes the pod. A fact stays until the write that used it was acknowledged.

use std::time::Duration;

use jiff::Timestamp;

use crate::cloud::LaunchOutcome;
use crate::error::{CloudError, Kind};
use crate::provider::{Prepare, Prepared};

/// What is known of the tasks of one pod. At most one of each kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Making an offer, or taking the permit for one more send.
    pub prepare: Option<Task<PrepareKey, Prepared>>,
    /// A send, by the time that it was announced for.
    pub send: Option<Task<Timestamp, LaunchOutcome>>,
}

/// One task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task<K, T> {
    /// What it was started for. A result for something else is of no use.
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
    /// The cloud said so.
    Cloud(CloudError),
    /// The back end panicked, with this message.
    Panicked(String),
    /// It was given up after this time.
    TimedOut(Duration),
}

/// What a prepare was started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrepareKey {
    /// This attempt, for what the pod asked for then.
    Attempt {
        /// The attempt, from 1.
        attempt: u32,
        /// The digest of what the pod asked for.
        request_digest: String,
    },
    /// One more send of this attempt.
    Resend {
        /// The attempt, from 1.
        attempt: u32,
    },
}

/// Names a task of a pod, so that its fact can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskKey {
    /// A prepare.
    Prepare(PrepareKey),
    /// A send, by the time that it was announced for.
    Send(Timestamp),
}

/// What to make ready, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preparation {
    /// For whom a later look recognises the result.
    pub key: PrepareKey,
    /// What the provider is asked for.
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
    /// The failure as an error of the cloud, which says what to do next. Of a send it means that nobody knows.
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
