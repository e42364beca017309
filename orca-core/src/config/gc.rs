//! The section about garbage collection: what becomes of instances that no pod wants.

use serde::{Deserialize, Serialize};

use super::Config;
use super::findings::Findings;
use crate::cloud::CloudInfo;

/// A younger instance is never ended, in seconds. Only a test server may have less.
const LEAST_AGE: u32 = 300;

/// `gc`: garbage collection of instances that no pod wants, and of what instances left behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Gc {
    /// Whether it runs. Without it, an instance whose pod vanished while ORCA was away runs until somebody ends it.
    pub enabled: bool,
    /// Seconds between rounds, give or take a fifth. In the first three minutes at most 10.
    pub interval_seconds: f64,
    /// Seconds that an instance must have existed; leftovers without an instance wait twelve times as long.
    pub min_age_seconds: u32,
    /// Releases the brake: this many orphans may be ended although they are more than the brake allows. The event
    /// `OrphanBrake` says how many there are. Set it back to 0 when they are gone.
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
