//! The launch record: what ORCA writes into a pod's status before it sends a launch call.
//!
//! It is the JSON document in the message of the condition `orca.research/Launch`, written by compare-and-swap. Pod authors
//! cannot write `pods/status`. Even so, ORCA never ends an instance because of the record alone: the tags that the cloud
//! returns must agree.
//!
//! An attempt can have several sends without an answer. Each is one entry of `unresolved`, called a mark: the time at
//! which the send was announced. A mark is removed when its send got a certain answer or never left. A send that is too
//! old to be executed may still have launched: its mark moves to `unsettled`, and only a certain answer to a later send
//! of the same token resolves it.

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
/// A launch is repeated at most once a minute after the first few times, and a mark lasts for twenty minutes: an attempt
/// has far fewer marks than this.
const MAX_MARKS: usize = 64;

/// What is known about the launch of one pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchRecord {
    v: u8,
    /// The attempt, from 1. A new attempt begins only when the one before was certainly refused.
    pub attempt: u32,
    /// The client token of this attempt.
    pub token: LaunchToken,
    /// Where this attempt is launched. Lists made under another identity say nothing about it.
    pub cloud: CloudIdentity,
    /// The frozen offer: every send of this attempt carries exactly this.
    pub offer: Offer,
    /// The digest that the offer had when it was frozen.
    pub digest: String,
    /// The digest of what the pod asked for, to notice that its author changed it.
    #[serde(rename = "request")]
    pub request_digest: String,
    /// The annotations and the fields of the pod's spec whose changes are reported after the launch, as they were at the
    /// launch: see [`status::asked`](crate::status::asked). None: an older ORCA wrote the record, without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<BTreeMap<String, String>>,
    /// When the first send of this attempt was announced.
    pub first_send_at: Timestamp,
    /// When the latest send was announced.
    pub send_at: Timestamp,
    /// The sends without a certain answer that may still be executed, by the time they were announced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unresolved: Vec<Timestamp>,
    /// The latest send without a certain answer that is too old to be executed now. It may have launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled: Option<Timestamp>,
    /// The latest certain refusal of this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// Why the latest send never left. It says nothing about earlier sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// Whether the cloud answered that it knows this token with other parameters.
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
    /// No send can have launched anything, and the last answer was a refusal. A new attempt may begin.
    Closed(&'a Refusal),
    /// Some sends have no certain answer.
    Unresolved {
        /// The refusal of another send. It does not close the attempt while these are open.
        refused: Option<&'a Refusal>,
        /// When the last of these sends can no longer be executed.
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
    /// Whether an earlier send of this attempt has no certain answer, so that the latest one repeats it.
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

    /// The same record with what the pod asked for.
    #[must_use]
    pub fn asking(self, asked: BTreeMap<String, String>) -> Self {
        Self { asked: Some(asked), ..self }
    }

    /// The same attempt with one more send announced for `now`. Of the marks that are too old to be executed, the latest
    /// becomes `unsettled`.
    #[must_use]
    pub fn resend(&self, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.sort_unstable();
        let aged = next.unresolved.iter().filter(|mark| expires(**mark) <= now).count();
        // Only a clock that jumps leads to more marks than this. The oldest then count as unsettled, so none is forgotten.
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

    /// The record after the send of `send_at` was certainly refused. This also resolves every earlier send that could no
    /// longer be executed when this one was made: had it launched, the cloud would have answered with its instance.
    #[must_use]
    pub fn refused(&self, send_at: Timestamp, error: CloudError, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.retain(|mark| *mark != send_at && expires(*mark) > send_at);
        next.unsettled = next.unsettled.filter(|mark| expires(*mark) > send_at);
        next.refusal = Some(Refusal { error, at: now });
        next.held = None;
        next
    }

    /// The record after it turned out that the send of `send_at` never left. It says nothing about earlier sends.
    #[must_use]
    pub fn not_sent(&self, send_at: Timestamp, error: CloudError, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.unresolved.retain(|mark| *mark != send_at);
        let times = self.held.as_ref().map_or(1, |held| held.times.saturating_add(1));
        next.held = Some(Held { error, at: now, times });
        next
    }

    /// The record after the latest send left and got no certain answer: its mark stays.
    #[must_use]
    pub fn unanswered(&self) -> Self {
        Self { held: None, ..self.clone() }
    }

    /// The record after the cloud answered the send of `send_at` with a mismatch.
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

    /// When the last send without a certain answer can no longer be executed. None: there is no such send.
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
