//! The ledger: every call that arrived, and its outcome.

use super::answer::{Answer, AnsweredBy};
use super::fault::Effect;
use super::query::{Parameters, Query};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The tag by which a launch names its pod.
const POD_UID: &str = "orca.research/pod-uid";

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Who answered; `None` when nobody did.
    pub by: Option<AnsweredBy>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The AWS error code.
    pub error_code: Option<String>,
    /// The instances that the answer names.
    pub instance_ids: Vec<String>,
    /// Whether the answer was given to the client; otherwise the connection was closed.
    pub delivered: bool,
}

impl Outcome {
    pub(super) fn of(answer: Option<&Answer>, delivered: bool) -> Self {
        Self {
            by: answer.map(|answer| answer.by),
            status: answer.map(|answer| answer.status.as_u16()),
            error_code: answer.and_then(Answer::error_code),
            instance_ids: answer.map(Answer::instance_ids).unwrap_or_default(),
            delivered,
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The number of the call, from 0, in the order of arrival.
    pub sequence: usize,
    /// The EC2 action, or the target of a JSON service.
    pub action: String,
    /// The region that the call was signed for.
    pub region: String,
    /// The decoded parameters.
    pub parameters: Parameters,
    /// The client token.
    pub client_token: Option<String>,
    /// When it arrived, since the start of the proxy.
    pub started: Duration,
    /// When it was over; `None` while it is under way.
    pub ended: Option<Duration>,
    /// The fault that acted on it.
    pub fault: Option<Effect>,
    /// Its outcome; `None` while it is under way.
    pub outcome: Option<Outcome>,
}

#[derive(Debug, Default)]
struct Entries {
    calls: Vec<Call>,
    unsupported: Vec<String>,
    /// Grows by one when everything is forgotten, so that a call of before is not written into a
    /// later one's place.
    age: usize,
    launched: BTreeMap<String, BTreeSet<String>>,
}

/// The place of a call in the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    age: usize,
    sequence: usize,
}

#[derive(Debug)]
pub(super) struct Ledger {
    start: Instant,
    entries: Mutex<Entries>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), entries: Mutex::default() }
    }

    pub(super) fn open(&self, query: &Query, fault: Option<Effect>) -> Entry {
        let mut entries = self.lock();
        let sequence = entries.calls.len();
        entries.calls.push(Call {
            sequence,
            action: query.action.clone(),
            region: query.region.clone(),
            parameters: query.parameters.clone(),
            client_token: query.client_token().map(str::to_owned),
            started: self.start.elapsed(),
            ended: None,
            fault,
            outcome: None,
        });
        Entry { age: entries.age, sequence }
    }

    /// Notes a launch as soon as the upstream has made it: the call itself may still be delayed.
    pub(super) fn launched_now(&self, entry: Entry, answer: &Answer) {
        let mut guard = self.lock();
        let entries = &mut *guard;
        if entries.age != entry.age || !answer.status.is_success() {
            return;
        }
        let call = entries.calls.get(entry.sequence).filter(|call| call.action == "RunInstances");
        if let Some(pod) = call.and_then(|call| call.parameters.launch_tag(POD_UID)) {
            entries.launched.entry(pod.to_owned()).or_default().extend(answer.instance_ids());
        }
    }

    pub(super) fn close(&self, entry: Entry, outcome: Outcome) {
        let ended = self.start.elapsed();
        let mut entries = self.lock();
        if entries.age == entry.age
            && let Some(call) = entries.calls.get_mut(entry.sequence)
        {
            call.ended = Some(ended);
            call.outcome = Some(outcome);
        }
    }

    pub(super) fn lacks(&self, query: &Query, answer: &Answer) {
        let text = answer.text().split_whitespace().collect::<Vec<_>>().join(" ");
        tracing::error!(action = query.action, answer = text, "the EC2-compatible server lacks this call");
        self.lock().unsupported.push(format!("{}: {} {text}", query.action, answer.status));
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    pub(super) fn unsupported(&self) -> Vec<String> {
        self.lock().unsupported.clone()
    }

    pub(super) fn launched(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.lock().launched.clone()
    }

    pub(super) fn forget(&self) {
        let mut entries = self.lock();
        let age = entries.age + 1;
        *entries = Entries { age, ..Entries::default() };
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
