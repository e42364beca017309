//! The ledger: every call and every effect, in order, and the questions that tests ask of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use orca_core::instance::CapacityType;
use tokio::sync::broadcast;

use super::instance::Ender;

/// A listener that is more events behind than this misses some.
const TOLD: usize = 1_024;

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It succeeded.
    Done,
    /// It was refused with this code.
    Refused(String),
    /// There was no answer.
    Lost {
        /// Whether it was executed.
        executed: bool,
    },
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The place among all calls, from 0.
    pub sequence: u64,
    /// Such as `RunInstances`.
    pub action: &'static str,
    /// When it was executed, by the fake's clock.
    pub at: Timestamp,
    /// The client token, if it had one.
    pub token: Option<String>,
    /// The pod that a launch names in its tags.
    pub pod: Option<String>,
    /// The instances that it named, or launched.
    pub instances: Vec<String>,
    /// Its outcome.
    pub outcome: CallOutcome,
}

/// What happened to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An instance was launched.
    Launched {
        /// The UID of the pod that its tags name.
        pod: Option<String>,
        /// The client token.
        token: Option<String>,
        /// Its type.
        instance_type: &'static str,
        /// How it was bought.
        market: CapacityType,
        /// Its zone.
        zone: String,
    },
    /// It runs.
    Running,
    /// The market says that it will take it back at this time.
    SpotNotice(Timestamp),
    /// It is on its way to stopped.
    Stopping(Ender),
    /// It has stopped.
    Stopped,
    /// It is on its way to terminated.
    Ending(Ender),
    /// It is gone for good.
    Terminated,
    /// A volume, an interface or a spot request was made without an instance.
    Created,
    /// A volume, an interface or a spot request was removed or closed.
    Removed,
}

/// An effect: what happened to which resource, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The place among all events, from 0.
    pub sequence: u64,
    /// When, by the fake's clock.
    pub at: Timestamp,
    /// The instance, volume, interface or spot request.
    pub resource: String,
    /// What happened to it.
    pub what: Happening,
}

/// What must never happen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// A pod has more than one live instance.
    TwoAlive {
        /// Its UID.
        pod: String,
        /// The instances.
        instances: Vec<String>,
    },
    /// An instance is alive and no live pod accounts for it.
    Unaccounted {
        /// The instance.
        instance: String,
        /// The pod that its tags name.
        pod: Option<String>,
    },
}

#[derive(Debug)]
pub(super) struct Ledger {
    limit: usize,
    calls: VecDeque<Call>,
    events: VecDeque<Event>,
    call_number: u64,
    event_number: u64,
    counts: BTreeMap<&'static str, u64>,
    launched: BTreeMap<String, Vec<String>>,
    not_served: BTreeSet<String>,
    told: broadcast::Sender<Event>,
}

impl Ledger {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            calls: VecDeque::new(),
            events: VecDeque::new(),
            call_number: 0,
            event_number: 0,
            counts: BTreeMap::new(),
            launched: BTreeMap::new(),
            not_served: BTreeSet::new(),
            told: broadcast::Sender::new(TOLD),
        }
    }

    pub(super) fn call(&mut self, call: Call) {
        *self.counts.entry(call.action).or_default() += 1;
        if self.calls.len() == self.limit {
            self.calls.pop_front();
        }
        self.calls.push_back(Call { sequence: self.call_number, ..call });
        self.call_number += 1;
    }

    pub(super) fn event(&mut self, at: Timestamp, resource: &str, what: Happening) {
        if let Happening::Launched { pod: Some(pod), .. } = &what {
            self.launched.entry(pod.clone()).or_default().push(resource.to_owned());
        }
        let event = Event { sequence: self.event_number, at, resource: resource.to_owned(), what };
        self.event_number += 1;
        if self.events.len() == self.limit {
            self.events.pop_front();
        }
        self.events.push_back(event.clone());
        // Nobody may be listening, and that is no error.
        let _listeners = self.told.send(event);
    }

    /// Notes a call of an action that does not exist. The names come from outside, so only a bounded number is kept.
    pub(super) fn not_served(&mut self, action: &str) {
        if self.not_served.len() < TOLD {
            self.not_served.insert(action.to_owned());
        }
    }

    pub(super) fn unserved(&self) -> Vec<String> {
        self.not_served.iter().cloned().collect()
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Event> {
        self.told.subscribe()
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    pub(super) fn calls_of(&self, action: &str) -> Vec<Call> {
        self.calls.iter().filter(|call| call.action == action).cloned().collect()
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.events.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.clone()
    }

    pub(super) fn launched(&self) -> BTreeMap<String, Vec<String>> {
        self.launched.clone()
    }
}

/// The violations, given the live instances and the UIDs of the live pods.
pub(super) fn audit<'a>(
    alive: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    live_pods: &BTreeSet<String>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut by_pod: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (instance, pod) in alive {
        if let Some(pod) = pod {
            by_pod.entry(pod).or_default().push(instance.to_owned());
        }
        if !pod.is_some_and(|pod| live_pods.contains(pod)) {
            let pod = pod.map(str::to_owned);
            found.push(Violation::Unaccounted { instance: instance.to_owned(), pod });
        }
    }
    let twice = by_pod.into_iter().filter(|(_, instances)| instances.len() > 1);
    found.extend(twice.map(|(pod, instances)| Violation::TwoAlive { pod: pod.to_owned(), instances }));
    found.sort();
    found
}
