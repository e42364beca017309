//! What is known of one instance.

use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock;
use orca_core::error::CloudError;
use orca_core::ids::{CloudIdentity, PodRef};
use orca_core::instance::{Health, Instance, InstanceState};

/// An end that is not answered for so long is told on the pod, like every other wait (L10).
const SILENT: Duration = Duration::from_mins(1);

/// What is concluded from an absence that has lasted long enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Loss {
    /// Nothing yet.
    #[default]
    Open,
    /// It is gone.
    Concluded,
    /// Nothing, because too many are missing.
    Held,
}

/// One instance, as it was seen, launched or claimed.
#[derive(Debug)]
pub(super) struct TrackedInstance {
    pub(super) pod: PodRef,
    /// None: only claimed by a pod's status so far.
    pub(super) instance: Option<Instance>,
    /// Where it was seen or launched. None: only a pod's status names it.
    pub(super) cloud: Option<CloudIdentity>,
    /// Whether a list or a describe has shown it, so that its absence means something.
    pub(super) listed: bool,
    /// Whether a pod that has not finished names it, so that its end must not be forgotten.
    pub(super) claimed: bool,
    /// Whether its pod has finished or is gone.
    pub(super) finished: bool,
    /// When a complete answer showed it last; before that, since when it is known.
    pub(super) confirmed_at: Timestamp,
    /// When its pod was woken because nothing confirms it.
    pub(super) unconfirmed_at: Option<Timestamp>,
    /// When the last complete sweep that listed it began.
    pub(super) listed_in: Option<Timestamp>,
    pub(super) absences: u32,
    pub(super) absent_since: Timestamp,
    /// When it was found absent last.
    pub(super) absent_at: Timestamp,
    /// What is concluded from its absence.
    pub(super) loss: Loss,
    pub(super) ending_since: Option<Timestamp>,
    pub(super) health: Option<Health>,
    pub(super) asked_to_end: Option<Timestamp>,
    /// How often in a row the cloud refused to end it.
    pub(super) refusals: u32,
    /// Why it did so last.
    pub(super) end_refused: Option<CloudError>,
    /// Since when it is to end.
    pub(super) end_wanted_since: Option<Timestamp>,
    /// Why nobody knows whether the last call ended it.
    pub(super) end_unanswered: Option<CloudError>,
    /// How many one call may name with it, once a call that named it was not answered.
    pub(super) together: Option<usize>,
}

impl TrackedInstance {
    /// Whether the cloud of this identity can say something about it.
    pub(super) fn is_of(&self, identity: Option<&CloudIdentity>) -> bool {
        self.cloud.is_none() || self.cloud.as_ref() == identity
    }

    /// Why its end is not confirmed, once that takes longer than people should have to wait for a word.
    pub(super) fn end_overdue(&self, now: Timestamp) -> Option<CloudError> {
        let is_long = self.end_wanted_since.is_some_and(|since| clock::age(since, now) >= SILENT);
        self.end_unanswered.clone().filter(|_| is_long)
    }

    /// Whether no complete answer has shown it for longer than this.
    pub(super) fn is_unconfirmed(&self, now: Timestamp, patience: Duration) -> bool {
        clock::age(self.confirmed_at, now) >= patience
    }

    pub(super) fn is_changing(&self) -> bool {
        let Some(instance) = &self.instance else {
            return true;
        };
        match instance.state {
            InstanceState::Pending | InstanceState::Stopping | InstanceState::ShuttingDown => true,
            InstanceState::Running => {
                self.absences > 0
                    || self.asked_to_end.is_some()
                    || matches!(self.health, None | Some(Health::Initializing))
            }
            InstanceState::Stopped | InstanceState::Terminated => false,
        }
    }
}
