//! Decisions that change what the pod shows, with or without an event. A pod that runs never goes back to waiting.

use super::decision::{Decision, Note};
use super::observation::Observation;
use crate::state_mapping::{self, Evidence, NoInstance};
use crate::status::Shown;

/// Shows this evidence. If it is a reason to wait and the pod shows Running already, nothing changes.
pub(super) fn show(seen: &Observation<'_>, evidence: &Evidence<'_>) -> Decision {
    let shown = state_mapping::shown(evidence);
    match shown {
        Shown::Waiting { .. } if seen.live_phase() == Some("Running") => Decision::rest(),
        Shown::Waiting { .. }
        | Shown::Running { .. }
        | Shown::Unconfirmed { .. }
        | Shown::Ended { .. }
        | Shown::Deleted { .. } => Decision::show(shown),
    }
}

/// Shows why there is no instance.
pub(super) fn waiting(seen: &Observation<'_>, why: NoInstance<'_>) -> Decision {
    show(seen, &Evidence::NoInstance(why))
}

/// Shows this evidence, with a warning event.
pub(super) fn waiting_for(seen: &Observation<'_>, evidence: &Evidence<'_>) -> Decision {
    let note = match state_mapping::shown(evidence) {
        Shown::Waiting { reason, message } | Shown::Ended { reason, message, .. } => {
            Some(Note::warning(reason, message))
        }
        Shown::Running { .. } | Shown::Unconfirmed { .. } | Shown::Deleted { .. } => None,
    };
    note.into_iter().fold(show(seen, evidence), Decision::and_note)
}
