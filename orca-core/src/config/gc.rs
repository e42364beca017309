//! The section about garbage collection: what happens to instances without a pod.

use serde::{Deserialize, Serialize};

use super::Config;
use super::findings::Findings;
use crate::cloud::CloudInfo;

/// In seconds: a younger instance is never ended. Only a test server may have less.
const LEAST_AGE: u32 = 300;

/// `gc`: garbage collection of instances without a pod, and of what instances left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Gc {
    /// Whether it runs. Default: true. Without it, an instance whose pod was removed while ORCA was not running runs until
    /// somebody ends it.
    pub enabled: bool,
    /// Seconds between rounds, plus or minus a fifth: 0.1 to 600. Default: 60. In the first three minutes at most 10.
    pub interval_seconds: f64,
    /// How old an instance must be to be ended, in seconds: at least 300, which is the default. Leftovers must be twelve
    /// times as old.
    pub min_age_seconds: u32,
    /// Releases the brakes: this many orphans may be ended, and this many vanished pods and missing instances believed, although
    /// the brakes hold. Events such as `OrphanBrake` say how many there are. Default: 0; set it back when they are gone.
    pub release_brake: u32,
}

impl Default for Gc {
    fn default() -> Self {
        Self { enabled: true, interval_seconds: 60.0, min_age_seconds: LEAST_AGE, release_brake: 0 }
    }
}

pub(super) fn check(config: &Config, cloud: &CloudInfo, found: &mut Findings) {
    let gc = &config.gc;
    if !(0.1..=600.0).contains(&gc.interval_seconds) {
        found.wrong("gc.intervalSeconds", gc.interval_seconds, "give 0.1 to 600 seconds");
    }
    if gc.min_age_seconds < LEAST_AGE && !cloud.is_for_tests {
        let remedy = "give at least 300: a younger instance may not be visible to everybody yet (less is for tests, with an endpoint of your own set)";
        found.wrong("gc.minAgeSeconds", gc.min_age_seconds, remedy);
    }
}
