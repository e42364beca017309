//! What happens to processes, to the API server and to EC2, and what they answer instead of what they should.

use serde::{Deserialize, Serialize};

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is lost, and nothing is done.
    LostBefore,
    /// It is carried out, and the answer is lost.
    LostAfter,
    /// It is refused with this code, and nothing is done.
    Refused(String),
    /// It is carried out, and the answer is this code.
    Untrue(String),
    /// It is carried out later, by this many milliseconds.
    Late(u64),
    /// It is carried out, and answered later, by this many milliseconds.
    Slow(u64),
    /// Something in front of the server says 404.
    ForeignNotFound,
    /// Something in front of the server says something else.
    OtherObject,
}

impl Answer {
    /// Its kind.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::LostBefore => "lost-before".to_owned(),
            Self::LostAfter => "lost-after".to_owned(),
            Self::Refused(code) => format!("refused {code}"),
            Self::Untrue(code) => format!("untrue {code}"),
            Self::Late(_) => "late".to_owned(),
            Self::Slow(_) => "slow".to_owned(),
            Self::ForeignNotFound => "foreign-not-found".to_owned(),
            Self::OtherObject => "other-object".to_owned(),
        }
    }
}

/// A fault of the API server, for the controller alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubeFault {
    /// For which verb; empty: for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verb: String,
    /// For which resource, such as `pods/status`; empty: for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource: String,
    /// Of how many of a hundred.
    pub percent: u8,
    /// What becomes of them. A code is a number here.
    pub answer: Answer,
}

/// A fault of EC2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudFault {
    /// For which action; `*`: for all.
    pub action: String,
    /// Of how many of a hundred.
    pub percent: u8,
    /// What becomes of them.
    pub answer: Answer,
}

/// What a process is started with, where it is not as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Config {
    /// Nothing.
    #[default]
    Usual,
    /// Another account and region.
    Elsewhere,
    /// Another subnet, in another zone.
    Subnet,
    /// Another image for pods that name none.
    Image,
    /// Another name of the node.
    Node,
}

/// What happens to the controller's processes and their clock. What lasts ends after `for_ms`, or when the calm begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum OnProcess {
    /// The controller is killed, and started again later.
    Kill {
        /// Which of the two processes.
        process: u8,
        /// How much later.
        down_ms: u64,
    },
    /// The same, at the poll of its tasks this many later.
    KillAtPoll {
        /// Which of the two processes.
        process: u8,
        /// How many.
        polls: u64,
        /// How much later it is started.
        down_ms: u64,
    },
    /// The controller stands still for a while, and time goes on.
    Freeze {
        /// Which of the two processes.
        process: u8,
        /// For how long.
        for_ms: u64,
    },
    /// A second process beside the first.
    Beside {
        /// For how long.
        for_ms: u64,
    },
    /// The controller is started again with another config, and with the old one at the end.
    Reconfigure {
        /// The config.
        config: Config,
        /// For how long.
        for_ms: u64,
    },
    /// The controller's clock is wrong.
    Clock {
        /// By how much, in milliseconds; below zero it is behind.
        by_ms: i64,
        /// For how long.
        for_ms: u64,
    },
}

impl OnProcess {
    /// For how long, if it lasts.
    pub(super) fn lasts(&self) -> Option<u64> {
        match self {
            Self::Freeze { for_ms, .. }
            | Self::Beside { for_ms, .. }
            | Self::Reconfigure { for_ms, .. }
            | Self::Clock { for_ms, .. } => Some(*for_ms),
            Self::Kill { .. } | Self::KillAtPoll { .. } => None,
        }
    }
}

/// What happens to the API server. What lasts ends after `for_ms`, or when the calm begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum OnServer {
    /// The API server answers the controller otherwise than it should.
    Kube {
        /// Which requests, and what becomes of them.
        fault: KubeFault,
        /// For how long.
        for_ms: u64,
    },
    /// The API server stands still.
    KubeFrozen {
        /// For how long.
        for_ms: u64,
    },
    /// Events of watches come late.
    WatchLag {
        /// How late.
        lag_ms: u64,
        /// For how long.
        for_ms: u64,
    },
    /// Every watch ends.
    WatchCut {},
    /// The API server forgets its changes: a watch gets 410.
    Compact {},
    /// The API server is set back to what it was so long ago.
    SetBack {
        /// How long ago.
        by_ms: u64,
    },
}

impl OnServer {
    /// For how long, if it lasts.
    pub(super) fn lasts(&self) -> Option<u64> {
        match self {
            Self::Kube { for_ms, .. } | Self::KubeFrozen { for_ms, .. } | Self::WatchLag { for_ms, .. } => {
                Some(*for_ms)
            }
            Self::WatchCut { .. } | Self::Compact { .. } | Self::SetBack { .. } => None,
        }
    }
}

/// What happens to EC2. What lasts ends after `for_ms`, or when the calm begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub enum OnRegion {
    /// EC2 answers otherwise than it should.
    Cloud {
        /// Which calls, and what becomes of them.
        fault: CloudFault,
        /// For how long.
        for_ms: u64,
    },
    /// EC2 stands still.
    CloudFrozen {
        /// For how long.
        for_ms: u64,
    },
    /// A zone is down: the one that everything is launched in.
    ZoneDown {
        /// For how long.
        for_ms: u64,
    },
    /// No capacity.
    Ice {
        /// For how long.
        for_ms: u64,
    },
    /// The credentials have expired.
    Expired {
        /// For how long.
        for_ms: u64,
    },
    /// Launches stay unknown to reads for a while.
    Invisible {
        /// At most how long, by id.
        by_id_ms: u64,
        /// At most how long, in lists.
        by_tag_ms: u64,
        /// For how long launches do so.
        for_ms: u64,
    },
    /// Changes of state are seen late.
    Stale {
        /// At most how late.
        lag_ms: u64,
        /// For how long.
        for_ms: u64,
    },
}

impl OnRegion {
    /// For how long: all of them last.
    pub(super) fn lasts(&self) -> u64 {
        match self {
            Self::Cloud { for_ms, .. }
            | Self::CloudFrozen { for_ms, .. }
            | Self::ZoneDown { for_ms, .. }
            | Self::Ice { for_ms, .. }
            | Self::Expired { for_ms, .. }
            | Self::Invisible { for_ms, .. }
            | Self::Stale { for_ms, .. } => *for_ms,
        }
    }
}
