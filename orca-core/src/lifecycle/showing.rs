//! Decisions that show something: with an event or without, and never a step back.

use super::decision::{Decision, Note};
use super::observation::Observation;
use crate::state_mapping::{self, Evidence, NoInstance};
use crate::status::Shown;

/// Shows this evidence, unless the pod was shown as Running and this is only a wait: that is never a step back.
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

/// The same with a warning: people may have to know of it.
pub(super) fn waiting_for(seen: &Observation<'_>, evidence: &Evidence<'_>) -> Decision {
    let note = match state_mapping::shown(evidence) {
        Shown::Waiting { reason, message } | Shown::Ended { reason, message, .. } => {
            Some(Note::warning(reason, message))
        }
        Shown::Running { .. } | Shown::Unconfirmed { .. } | Shown::Deleted { .. } => None,
    };
    note.into_iter().fold(show(seen, evidence), Decision::and_note)
}
