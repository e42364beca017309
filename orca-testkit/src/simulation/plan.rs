//! A world and everything that is done to it, as data: written by a generator or by hand, kept, replayed and made smaller.
//!
//! A plan is a list of steps with their times, and each step stands for itself: any of them can be left out, and what is
//! left is still a plan. Everything else is drawn from the seed, for each part of the world by itself, so that a step
//! that is left out changes nothing in the others.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod deeds;
mod draw;
mod faults;
mod rough;
mod settings;

pub use self::deeds::{Deed, Outside, Pick};
pub use self::faults::{Answer, CloudFault, Config, KubeFault, OnProcess, OnRegion, OnServer};
pub use self::settings::Settings;
pub(crate) use self::settings::span;

/// What is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Delays, ids and jitter are drawn from it.
    pub seed: u64,
    /// What the world is like.
    #[serde(default)]
    pub world: Settings,
    /// From when on nothing fails and nothing is done, in milliseconds from the beginning.
    pub calm_ms: u64,
    /// What is done, in any order.
    pub steps: Vec<Step>,
}

/// One thing that is done to the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When, in milliseconds from the beginning.
    pub at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What is done: each kind of deed and fault by the word in `do`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum What {
    /// By people, in the cluster.
    Deed(Deed),
    /// To an instance, from outside.
    Outside(Outside),
    /// To the controller's processes.
    Process(OnProcess),
    /// To the API server.
    Server(OnServer),
    /// To EC2.
    Region(OnRegion),
}

/// A plan that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no plan.
    #[error("{path} is no plan: {source}")]
    NoPlan {
        /// The file.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl Plan {
    /// Reads a plan from a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no plan.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| PlanError::Unreadable { path: name.clone(), source })?;
        serde_json::from_str(&text).map_err(|source| PlanError::NoPlan { path: name, source })
    }

    /// The plan as text, a step a line.
    #[must_use]
    pub fn text(&self) -> String {
        let part = |value: serde_json::Result<String>| value.unwrap_or_default();
        let steps: Vec<String> =
            self.steps.iter().map(|step| format!("    {}", part(serde_json::to_string(step)))).collect();
        format!(
            "{{\n  \"seed\": {},\n  \"calm_ms\": {},\n  \"world\": {},\n  \"steps\": [\n{}\n  ]\n}}\n",
            self.seed,
            self.calm_ms,
            part(serde_json::to_string(&self.world)),
            steps.join(",\n")
        )
    }

    /// For how long after the calm began a call can still arrive that was sent before, because it was held up.
    #[must_use]
    pub fn under_way(&self) -> Duration {
        let late = |step: &Step| {
            let What::Region(OnRegion::Cloud { fault, for_ms }) = &step.what else { return None };
            let Answer::Late(delay) = fault.answer else { return None };
            Some(step.at_ms.saturating_add(*for_ms).min(self.calm_ms).saturating_add(delay))
        };
        let latest = self.steps.iter().filter_map(late).max().unwrap_or_default();
        Duration::from_millis(latest.saturating_sub(self.calm_ms))
    }

    /// When the calm begins.
    #[must_use]
    pub fn calm(&self) -> Duration {
        Duration::from_millis(self.calm_ms)
    }
}

impl What {
    /// For how long, if it lasts.
    #[must_use]
    pub fn lasts(&self) -> Option<u64> {
        match self {
            Self::Deed(_) => None,
            Self::Outside(what) => what.lasts(),
            Self::Process(what) => what.lasts(),
            Self::Server(what) => what.lasts(),
            Self::Region(what) => Some(what.lasts()),
        }
    }

    /// Its kind, as a plan spells it.
    #[must_use]
    pub fn kind(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        let kind = value["do"].as_str().unwrap_or_default();
        let answer = match self {
            Self::Server(OnServer::Kube { fault, .. }) => Some(&fault.answer),
            Self::Region(OnRegion::Cloud { fault, .. }) => Some(&fault.answer),
            Self::Deed(_) | Self::Outside(_) | Self::Process(_) | Self::Server(_) | Self::Region(_) => None,
        };
        answer.map_or_else(|| kind.to_owned(), |answer| format!("{kind} {}", answer.word()))
    }
}

impl From<Deed> for What {
    fn from(what: Deed) -> Self {
        Self::Deed(what)
    }
}

impl From<Outside> for What {
    fn from(what: Outside) -> Self {
        Self::Outside(what)
    }
}

impl From<OnProcess> for What {
    fn from(what: OnProcess) -> Self {
        Self::Process(what)
    }
}

impl From<OnServer> for What {
    fn from(what: OnServer) -> Self {
        Self::Server(what)
    }
}

impl From<OnRegion> for What {
    fn from(what: OnRegion) -> Self {
        Self::Region(what)
    }
}
