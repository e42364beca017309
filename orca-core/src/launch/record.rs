//! The launch record: what was announced before a launch call was sent, kept in the pod's status.
//!
//! It is written by compare-and-swap into the condition `orca.research/Launch`, whose message is this document as
//! JSON. Pod authors cannot write `pods/status`, and still no act on an instance trusts the record alone: tags read
//! back from the cloud must agree.
//!
//! One attempt can have several sends on the way. Each send is a mark, its `sendAt`. A mark goes when that send was
//! answered for certain or never left. One that grows too old to be executed leaves `unsettled` behind: nobody knows
//! whether it was executed, and only a certain answer to a later send of the same token can tell.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::offer::Offer;
use super::token::LaunchToken;
use crate::error::CloudError;
use crate::ids::{CloudIdentity, ClusterId, InstanceId, PodUid};
use crate::limits;

mod document;

pub use document::RecordError;

/// The version of the document that is written.
const VERSION: u8 = 2;
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
    /// Where this attempt is launched: under another identity nothing is known about it.
    pub cloud: CloudIdentity,
    /// The frozen offer: every send of this attempt carries exactly this.
    pub offer: Offer,
    /// The digest that the offer had when it was frozen.
    pub digest: String,
    /// The digest of what the pod asked for, to see when its author changed it.
    #[serde(rename = "request")]
    pub request_digest: String,
    /// What the pod asked for in its own words, to see later what was changed: see [`status::asked`](crate::status::asked).
    /// None: the record was written before records said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<BTreeMap<String, String>>,
    /// When the first send of this attempt was announced.
    pub first_send_at: Timestamp,
    /// When the latest send was announced.
    pub send_at: Timestamp,
    /// The sends whose outcome nobody knows and that may still be executed, by the time they were announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<Timestamp>,
    /// The latest send whose outcome nobody knows and that can no longer be executed: it may have launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Timestamp>,
    /// The latest certain refusal of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Why the latest send never left. It says nothing about the sends before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
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

/// A send that was stopped before it left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Why.
    pub error: CloudError,
    /// When it was recorded.
    pub at: Timestamp,
    /// How many sends in a row were stopped, for the back-off.
    pub times: u32,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState<'a> {
    /// The instance is known.
    Launched(&'a InstanceId),
    /// The token is known to the cloud with other parameters: look for the instance, never launch.
    Mismatch,
    /// Every send was answered or never left, and the last answer refused.
    Closed(&'a Refusal),
    /// Nobody knows what became of some sends; `refused` when another one was refused meanwhile.
    Unresolved {
        /// A refusal that cannot close the attempt yet.
        refused: Option<&'a Refusal>,
        /// When the last earlier send can no longer be executed.
        until: Timestamp,
    },
    /// Announced, and every send was stopped before it left.
    Unsent,
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
    /// Where it is launched.
    pub cloud: CloudIdentity,
    /// The offer to freeze.
    pub offer: Offer,
    /// The digest of what the pod asks for.
    pub request_digest: String,
}

impl LaunchRecord {
    /// Whether an earlier send of this attempt was never answered: the announced one is a repetition of it.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.unsettled.is_some() || self.unresolved.len() > 1
    }

    /// The record of a new attempt whose first send is announced for `now`.
    #[must_use]
    pub fn open(new: NewAttempt<'_>, now: Timestamp) -> Self {
        Self {
            v: VERSION,
            attempt: new.attempt,
            token: LaunchToken::new(new.cluster, new.pod, new.attempt),
            cloud: new.cloud,
            digest: new.offer.digest(),
            offer: new.offer,
            request_digest: new.request_digest,
            asked: None,
            first_send_at: now,
            send_at: now,
            unresolved: vec![now],
            unsettled: None,
            refusal: None,
            held: None,
            mismatch: false,
            instance_id: None,
        }
    }

    /// The same record, which says what the pod asked for.
    #[must_use]
    pub fn asking(self, asked: BTreeMap<String, String>) -> Self {
        Self { asked: Some(asked), ..self }
    }

    /// The same attempt with one more send announced for `now`. Marks too old to be executed become unsettled.
    #[must_use]
    pub fn resend(&self, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.sort_unstable();
        let aged = next.unresolved.iter().filter(|mark| expires(**mark) <= now).count();
        // More marks than these are only reached by a clock that jumps; to call the oldest unsettled keeps them in mind.
        let over = next.unresolved.len().saturating_sub(MAX_MARKS - 1);
        let latest = next.unresolved.drain(..aged.max(over)).next_back();
        next.unsettled = next.unsettled.max(latest);
        next.unresolved.push(now);
        next.send_at = now;
        next
    }

    /// The record after a send returned this instance.
    #[must_use]
    pub fn launched(&self, id: &InstanceId) -> Self {
        let mut next = self.clone();
        next.unresolved.clear();
        (next.unsettled, next.refusal, next.held, next.mismatch) = (None, None, None, false);
        next.instance_id = Some(id.clone());
        next
    }

    /// The record after the send of `send_at` was refused for certain. An earlier send of this token cannot have launched
    /// anything if it could no longer be executed when this one was made: the cloud would have answered its instance.
    #[must_use]
    pub fn refused(&self, send_at: Timestamp, error: CloudError, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.retain(|mark| *mark != send_at && expires(*mark) > send_at);
        next.unsettled = next.unsettled.filter(|mark| expires(*mark) > send_at);
        next.refusal = Some(Refusal { error, at: now });
        next.held = None;
        next
    }

    /// The record after the send of `send_at` turned out never to have left. It proves nothing about earlier sends.
    #[must_use]
    pub fn not_sent(&self, send_at: Timestamp, error: CloudError, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.retain(|mark| *mark != send_at);
        let times = self.held.as_ref().map_or(1, |held| held.times.saturating_add(1));
        next.held = Some(Held { error, at: now, times });
        next
    }

    /// The record after the send of `send_at` left, and nobody knows what became of it: its mark stays.
    #[must_use]
    pub fn unanswered(&self) -> Self {
        Self { held: None, ..self.clone() }
    }

    /// The record after the cloud said that the token belongs to other parameters.
    #[must_use]
    pub fn mismatched(&self, send_at: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.retain(|mark| *mark != send_at);
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
        match (self.executable_until(), &self.refusal) {
            (Some(until), refused) => AttemptState::Unresolved { refused: refused.as_ref(), until },
            (None, Some(refusal)) => AttemptState::Closed(refusal),
            (None, None) => AttemptState::Unsent,
        }
    }

    /// When the last send of unknown outcome can no longer be executed. None: there is no such send.
    #[must_use]
    pub fn executable_until(&self) -> Option<Timestamp> {
        self.unresolved.iter().copied().chain(self.unsettled).max().map(expires)
    }
}

/// When a send that was announced for this time can no longer be executed.
fn expires(mark: Timestamp) -> Timestamp {
    let lifetime = SignedDuration::try_from(limits::SIGNATURE_LIFETIME).unwrap_or(SignedDuration::MAX);
    mark.saturating_add(lifetime).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
