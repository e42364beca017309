//! What happened in a run, in the order of time: the only thing that is judged.
//!
//! Everything in it can be had from any run: what became of pods from a watch, what the controller asked for from the
//! audit list, calls and instances from EC2's own ledger. So a run of the program between servers is judged by the same
//! rules as a simulated one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use orca_core::ids::ClusterId;

use crate::fake_ec2::{Call, Ender};

pub mod audit_log;
pub mod ledger;
mod line;
mod pod;

pub use self::pod::{PodVersion, Record};

/// Something that happened, and when, by one true clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A pod is like this now.
    Pod(Box<PodVersion>),
    /// A pod is gone.
    PodGone {
        /// Its UID.
        uid: String,
    },
    /// The API server was set back to an older state, in which the pods that follow are.
    SetBack,
    /// A node appeared, or is gone.
    Node {
        /// Its name.
        name: String,
        /// Whether it is there.
        is_there: bool,
    },
    /// An event about something was published.
    Event {
        /// The name of what it is about.
        about: String,
        /// Its reason.
        reason: String,
    },
    /// The controller asked the API server to change a pod.
    Request {
        /// Such as `delete` or `patch`.
        verb: String,
        /// The pod's name.
        name: String,
        /// The UID that the request insists on.
        uid: Option<String>,
        /// The code of what came of it, whether or not the answer arrived.
        code: u16,
    },
    /// A call of EC2 was carried out, refused or lost.
    Call {
        /// Account and region that it was for.
        cloud: String,
        /// The call.
        call: Call,
    },
    /// Something became of an instance.
    Instance {
        /// Account and region that it is in.
        cloud: String,
        /// Its id.
        id: String,
        /// What.
        change: Change,
    },
    /// A process of the controller starts.
    Started {
        /// Which of the two.
        process: u8,
    },
    /// What people, processes and faults did, for readers: nothing is judged by it.
    Told(String),
}

/// What became of an instance.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It was launched, with these tags of its owner and pod.
    Launched(Named),
    /// Its tags were changed from outside.
    Tagged(Named),
    /// It runs, and its checks pass at this time if nothing happens to it before.
    Running {
        /// When its checks pass.
        passes_at: Option<Timestamp>,
    },
    /// Its checks fail from now on, or no longer.
    Impaired(bool),
    /// It begins to stop.
    Stopping(Ender),
    /// It begins to end.
    Ending(Ender),
    /// It is gone.
    Terminated,
}

/// Whose an instance is, as its tags name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The cluster.
    pub cluster: Option<String>,
    /// The node.
    pub node: Option<String>,
    /// The pod's UID.
    pub pod: Option<String>,
}

impl Named {
    /// What these tags name.
    #[must_use]
    pub fn by(tags: &BTreeMap<String, String>) -> Self {
        use orca_core::well_known::tag;
        let value = |key: &str| tags.get(key).cloned();
        Self { cluster: value(tag::CLUSTER), node: value(tag::NODE), pod: value(tag::POD_UID) }
    }
}

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The cluster's identity, as tags name it.
    pub cluster: ClusterId,
    /// The virtual node's name at the end.
    pub node: String,
    /// Every name that it had.
    pub nodes: BTreeSet<String>,
    /// Account and region that the controller uses at the end.
    pub home: String,
    /// From when on nothing failed and nothing was done.
    pub calm_from: Timestamp,
    /// From when on nothing should happen at all; none if it never came to rest.
    pub quiet_from: Option<Timestamp>,
    /// When it ended.
    pub end: Timestamp,
    /// How much later than it happened a thing may be written down.
    pub slack: Duration,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

impl History {
    /// How many instances were launched.
    #[must_use]
    pub fn launches(&self) -> usize {
        let is_launch =
            |entry: &&Entry| matches!(&entry.fact, Fact::Instance { change: Change::Launched(_), .. });
        self.entries.iter().filter(is_launch).count()
    }

    /// The lines of what happened, for readers and for comparing two runs.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.entries.iter().map(ToString::to_string)
    }
}
