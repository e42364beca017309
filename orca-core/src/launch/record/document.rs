//! The record as JSON text. It is read back only if it belongs to this pod and was not altered.

use serde::Deserialize;

use super::{LaunchRecord, VERSION};
use crate::ids::{ClusterId, PodUid};
use crate::launch::token::LaunchToken;

/// The version before, whose records did not say where they were launched.
const WITHOUT_CLOUD: u8 = 1;

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The condition's message is not the document.
    #[error("the launch record is not readable: {0}")]
    Unreadable(String),
    /// An older ORCA wrote it, without the account and region in which it launched.
    #[error(
        "the launch record has version 1 and does not say in which account it was launched, so nothing is launched from it. An instance with this pod's tags is adopted; if there is none, delete the pod and make it again"
    )]
    Outdated,
    /// It was written by a newer ORCA, with this version.
    #[error("the launch record has version {0}, and this ORCA reads version 2: run the newer ORCA")]
    Version(u8),
    /// Its offer or token, named here, was altered, or the record belongs to another pod.
    #[error("the launch record's {0} does not match: nothing is launched from it")]
    Inconsistent(&'static str),
}

impl LaunchRecord {
    /// The document, for the condition's message.
    #[must_use]
    pub fn encode(&self) -> String {
        // Serialising a struct of maps with text keys cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a condition's message back, and checks that it belongs to this pod and was not altered.
    ///
    /// # Errors
    ///
    /// A [`RecordError`]: the text is no record, it has another version, or its token or offer does not match.
    pub fn decode(message: &str, cluster: &ClusterId, pod: &PodUid) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u8,
        }
        let unreadable = |error: serde_json::Error| RecordError::Unreadable(error.to_string());
        match serde_json::from_str(message).map_err(unreadable)? {
            Versioned { v: VERSION } => {}
            Versioned { v: WITHOUT_CLOUD } => return Err(RecordError::Outdated),
            Versioned { v } => return Err(RecordError::Version(v)),
        }
        let record: Self = serde_json::from_str(message).map_err(unreadable)?;
        if record.token != LaunchToken::new(cluster, pod, record.attempt) {
            return Err(RecordError::Inconsistent("token"));
        }
        if record.digest != record.offer.digest() {
            return Err(RecordError::Inconsistent("offer"));
        }
        Ok(record)
    }
}
