//! What people do in the cluster, and what becomes of instances without the controller.

use serde::{Deserialize, Serialize};

/// One of the instances that are alive at that moment, whichever there are: the number is taken by their count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pick(pub u32);

/// What people do in the cluster. What lasts ends after `for_ms`, or when the calm begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum Deed {
    /// People make a pod.
    Create {
        /// Its name.
        name: String,
        /// Which of a few instance types it asks for.
        kind: u8,
        /// Whether it is for the spot market.
        spot: bool,
    },
    /// People delete a pod.
    Delete {
        /// Its name.
        name: String,
    },
    /// People delete a pod by force, with a grace of 0.
    ForceDelete {
        /// Its name.
        name: String,
    },
    /// A job makes pods and replaces those that fail.
    Job {
        /// Its name.
        name: String,
        /// How many pods.
        pods: u8,
    },
    /// A replica set keeps pods.
    ReplicaSet {
        /// Its name.
        name: String,
        /// How many pods.
        pods: u8,
    },
    /// A stateful set keeps pods of fixed names.
    StatefulSet {
        /// Its name.
        name: String,
        /// How many pods.
        pods: u8,
    },
    /// A replica set or a stateful set gets another size.
    Scale {
        /// Its name.
        name: String,
        /// How many pods.
        pods: u8,
    },
    /// A job or a set is deleted with its pods.
    DeleteOwner {
        /// Its name.
        name: String,
    },
    /// Somebody keeps a pod of this name, as a stateful set does: it is made again whenever it is gone, and deleted
    /// when it has ended.
    Keep {
        /// Its name.
        name: String,
        /// For how long. The pod is deleted then.
        for_ms: u64,
    },
    /// The node object is deleted.
    DeleteNode {},
}

/// What becomes of an instance without the controller. What lasts ends after `for_ms`, or when the calm begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum Outside {
    /// An instance is ended from outside.
    End {
        /// Which one.
        pick: Pick,
    },
    /// An instance is stopped from outside.
    Stop {
        /// Which one.
        pick: Pick,
    },
    /// An instance shuts itself down.
    ShutDown {
        /// Which one.
        pick: Pick,
    },
    /// The spot market gives notice, and takes an instance back two minutes later.
    TakeBack {
        /// Which one.
        pick: Pick,
    },
    /// An instance fails its checks for a while.
    Impair {
        /// Which one.
        pick: Pick,
        /// For how long.
        for_ms: u64,
    },
    /// The tags of an instance are taken away.
    StripTags {
        /// Which one.
        pick: Pick,
    },
}

impl Outside {
    /// For how long, if it lasts.
    pub(super) fn lasts(&self) -> Option<u64> {
        match self {
            Self::Impair { for_ms, .. } => Some(*for_ms),
            Self::End { .. }
            | Self::Stop { .. }
            | Self::ShutDown { .. }
            | Self::TakeBack { .. }
            | Self::StripTags { .. } => None,
        }
    }
}
