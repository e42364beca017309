//! The back end's section of the config: `processes`, beside ORCA's own.

use orca_core::cloud::CloudInfo;
use orca_core::config::{BackendSection, Findings};
use serde::{Deserialize, Serialize};

/// `processes`: what this back end may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Processes {
    /// How many processes there may be in all.
    pub most: usize,
}

impl Default for Processes {
    fn default() -> Self {
        Self { most: 100 }
    }
}

impl BackendSection for Processes {
    const KEY: &'static str = "processes";

    fn example() -> Self {
        Self { most: 1 }
    }

    fn check(&self, found: &mut Findings) {
        if self.most == 0 {
            found.wrong("processes.most", self.most, "give 1 or more");
        }
    }

    fn info(&self) -> CloudInfo {
        CloudInfo { provider: "local".into(), os_image: "processes".into(), ..CloudInfo::default() }
    }

    fn redacted(&self) -> Self {
        self.clone()
    }
}

/// A whole config file.
pub type Document = orca_core::config::Document<Processes>;
