//! `pods`: pods of special kinds, and what a pod shows while nothing is known about its instance.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::instance::IpFamily;

/// `pods`: pods of special kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Pods {
    /// What to do with pods of `DaemonSets`.
    pub daemon_sets: DaemonSets,
    /// Seconds without confirmation of its instance after which a pod's Ready becomes Unknown; 0 = never.
    pub ready_unknown_after_seconds: u32,
    /// The family of the first address of pods whose instances have one of each.
    pub first_ip_family: IpFamily,
}

impl Default for Pods {
    fn default() -> Self {
        Self {
            daemon_sets: DaemonSets::default(),
            ready_unknown_after_seconds: 300,
            first_ip_family: IpFamily::default(),
        }
    }
}

impl Pods {
    /// After which time without confirmation of its instance a pod's Ready becomes Unknown. None: never.
    #[must_use]
    pub fn ready_unknown_after(&self) -> Option<Duration> {
        let seconds = self.ready_unknown_after_seconds;
        (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
    }
}

/// `pods.daemonSets`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DaemonSets {
    /// They stay Pending and buy nothing.
    #[default]
    Ignore,
    /// They are pods like any other.
    Run,
}
