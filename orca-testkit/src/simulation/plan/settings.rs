//! What a world is like before anything is done to it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fake_ec2::{Ec2Settings, Span};

/// The delays of a world, as ranges in milliseconds that each single one is drawn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// From a launch to a running instance.
    pub boot_ms: (u64, u64),
    /// From there to passed checks.
    pub checks_ms: (u64, u64),
    /// From the beginning of an end to the end.
    pub shutdown_ms: (u64, u64),
    /// From a call of EC2 to its answer.
    pub cloud_ms: (u64, u64),
    /// From a request of the API server to its answer.
    pub kube_ms: (u64, u64),
    /// How many instances EC2 lists in a page.
    pub page: u32,
    /// How many of a hundred launches are refused for want of capacity.
    pub scarce: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            boot_ms: (15_000, 40_000),
            checks_ms: (60_000, 150_000),
            shutdown_ms: (5_000, 30_000),
            cloud_ms: (20, 400),
            kube_ms: (1, 20),
            page: 1_000,
            scarce: 0,
        }
    }
}

impl Settings {
    /// A region like this.
    #[must_use]
    pub fn region(&self, seed: u64) -> Ec2Settings {
        let mut settings = Ec2Settings {
            seed,
            boot: span(self.boot_ms),
            checks: span(self.checks_ms),
            shutdown: span(self.shutdown_ms),
            latency: span(self.cloud_ms),
            ..Ec2Settings::default()
        };
        settings.chaos.insufficient_capacity = f64::from(self.scarce.min(100)) / 100.0;
        settings
    }
}

/// The range between two numbers of milliseconds.
pub(crate) fn span((least, most): (u64, u64)) -> Span {
    Span::between(Duration::from_millis(least), Duration::from_millis(most))
}
