//! `pods`: DaemonSet pods, the readiness of pods whose instance cannot be confirmed, and the order of addresses.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::instance::IpFamily;

/// `pods`: how pods are treated and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Pods {
    /// What to do with pods of `DaemonSets`. Default: ignore them.
    pub daemon_sets: DaemonSets,
    /// When nothing has confirmed a pod's instance for this many seconds, its Ready becomes Unknown: 60 or more, or 0 for
    /// never. Default: 300.
    pub ready_unknown_after_seconds: u32,
    /// The family of the first address of a pod whose instance has addresses of both. Default: IPv4.
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
    /// [`ready_unknown_after_seconds`](Self::ready_unknown_after_seconds) as a duration. None: never.
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
    /// Such pods stay Pending and get no instance.
    #[default]
    Ignore,
    /// Such pods are treated like all others.
    Run,
}
