//! The launch record: what was announced before a launch call was sent, kept in the pod's status.
//!
//! It is written by compare-and-swap into the condition `orca.research/Launch`, whose message is this document as
//! JSON. Pod authors cannot write `pods/status`, and still no act on an instance trusts the record alone: tags read
//! back from the cloud must agree.
//!
//! One attempt can have several sends on the way. Each send is a mark, its `sendAt`; the mark goes when that send
//! was answered for certain, or when no signature of that age can be executed any more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{LaunchToken, Offer};
use crate::error::{CloudError, Kind};
use crate::ids::{ClusterId, InstanceId, PodUid};
use crate::limits;

/// The only version of the document so far.
const VERSION: u8 = 1;
/// A pod's launch is repeated at most once a second or so, for twenty minutes: far below this many marks.
const MAX_MARKS: usize = 64;

/// What is known about the launch of one pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchRecord {
    v: u8,
    /// The attempt, from 1. A new attempt begins only when the one before was refused for certain.
    pub attempt: u32,
    /// The client token of this attempt.
    pub token: LaunchToken,
    /// The frozen offer: every send of this attempt carries exactly this.
    pub offer: Offer,
    /// The digest that the offer had when it was frozen.
    pub digest: String,
    /// A digest of the pod's wish, to see when its author changed it.
    pub wish: String,
    /// When the first send of this attempt was announced.
    pub first_send_at: Timestamp,
    /// When the latest send was announced.
    pub send_at: Timestamp,
    /// The sends whose outcome nobody knows, by the time they were announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<Timestamp>,
    /// The latest certain refusal of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The cloud said that it knows this token already, with other parameters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mismatch: bool,
    /// The instance, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<InstanceId>,
}

/// A certain refusal, and when it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// What the cloud said.
    pub error: CloudError,
    /// When it was recorded.
    pub at: Timestamp,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState<'a> {
    /// The instance is known.
    Launched(&'a InstanceId),
    /// The token is known to the cloud with other parameters: look for the instance, never launch.
    Mismatch,
    /// Every send was answered, and the last answer refused.
    Closed(&'a Refusal),
    /// Some sends are unresolved; `refused` when another one was refused meanwhile. The time is when the last of
    /// them can no longer be executed.
    Unresolved {
        /// A refusal that cannot close the attempt yet.
        refused: Option<&'a Refusal>,
        /// Until when one of the sends might still be executed.
        until: Timestamp,
    },
    /// Announced, and stopped before it was sent.
    Unsent,
}

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The condition's message is not the document.
    #[error("the launch record is not readable: {0}")]
    Unreadable(String),
    /// It was written by a newer ORCA.
    #[error("the launch record has version {0}, and this ORCA reads version 1: run the newer ORCA")]
    Version(u8),
    /// Its offer or token is not the one that was recorded.
    #[error("the launch record's {0} does not match: nothing is launched from it")]
    Inconsistent(&'static str),
}

/// What a new attempt begins with.
#[derive(Clone, Debug)]
pub struct NewAttempt<'a> {
    /// The cluster, for the token.
    pub cluster: &'a ClusterId,
    /// The pod, for the token.
    pub pod: &'a PodUid,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The offer to freeze.
    pub offer: Offer,
    /// The digest of the wish.
    pub wish: String,
}

impl LaunchRecord {
    /// The record of a new attempt whose first send is announced for `now`.
    #[must_use]
    pub fn open(new: NewAttempt<'_>, now: Timestamp) -> Self {
        Self {
            v: VERSION,
            attempt: new.attempt,
            token: LaunchToken::new(new.cluster, new.pod, new.attempt),
            digest: new.offer.digest(),
            offer: new.offer,
            wish: new.wish,
            first_send_at: now,
            send_at: now,
            unresolved: vec![now],
            refusal: None,
            mismatch: false,
            instance_id: None,
        }
    }

    /// The same attempt with one more send announced for `now`. Marks too old to be executed are dropped.
    #[must_use]
    pub fn resend(&self, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.retain(|mark| now.duration_since(*mark).unsigned_abs() < limits::SIGNATURE_LIFETIME);
        if next.unresolved.len() >= MAX_MARKS {
            // Dropping the oldest is only reached by a clock that jumps; the newest marks bound the time that matters.
            next.unresolved.remove(0);
        }
        next.unresolved.push(now);
        next.send_at = now;
        next
    }

    /// The record after the send of `send_at` returned this instance.
    #[must_use]
    pub fn launched(&self, id: &InstanceId) -> Self {
        let mut next = self.clone();
        next.unresolved.clear();
        next.refusal = None;
        next.mismatch = false;
        next.instance_id = Some(id.clone());
        next
    }

    /// The record after the send of `send_at` was refused for certain.
    #[must_use]
    pub fn refused(&self, send_at: Timestamp, error: CloudError, now: Timestamp) -> Self {
        let mut next = self.not_sent(send_at);
        next.refusal = Some(Refusal { error, at: now });
        next
    }

    /// The record after the send of `send_at` turned out never to have left.
    #[must_use]
    pub fn not_sent(&self, send_at: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.retain(|mark| *mark != send_at);
        next
    }

    /// The record after the cloud said that the token belongs to other parameters.
    #[must_use]
    pub fn mismatched(&self, send_at: Timestamp) -> Self {
        let mut next = self.not_sent(send_at);
        next.mismatch = true;
        next
    }

    /// Where the attempt stands.
    #[must_use]
    pub fn state(&self) -> AttemptState<'_> {
        if let Some(id) = &self.instance_id {
            return AttemptState::Launched(id);
        }
        if self.mismatch {
            return AttemptState::Mismatch;
        }
        match (self.unresolved.iter().max(), &self.refusal) {
            (None, Some(refusal)) => AttemptState::Closed(refusal),
            (None, None) => AttemptState::Unsent,
            (Some(latest), refused) => AttemptState::Unresolved {
                refused: refused.as_ref(),
                until: latest.saturating_add(limits::SIGNATURE_LIFETIME).unwrap_or(Timestamp::MAX),
            },
        }
    }

    /// The kind of the latest refusal, if there was one.
    #[must_use]
    pub fn refusal_kind(&self) -> Option<Kind> {
        self.refusal.as_ref().map(|refusal| refusal.error.kind)
    }

    /// The document, for the condition's message.
    #[must_use]
    pub fn encode(&self) -> String {
        // Serialising a struct of maps with text keys cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a condition's message back, and checks that it belongs to this pod and was not altered.
    pub fn decode(message: &str, cluster: &ClusterId, pod: &PodUid) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Versioned {
            v: u8,
        }
        let unreadable = |error: serde_json::Error| RecordError::Unreadable(error.to_string());
        let Versioned { v } = serde_json::from_str(message).map_err(unreadable)?;
        if v != VERSION {
            return Err(RecordError::Version(v));
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

#[cfg(test)]
mod tests;
