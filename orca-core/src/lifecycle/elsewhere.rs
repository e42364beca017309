//! A pod that was launched in another account or region than the one that answers now: nothing is known, nothing is done.
//!
//! Whatever the cloud of now says, it does not speak about that instance: its absence there is no end, and a second one must
//! not be launched. So the pod keeps what it shows, and people are told.

use super::decision::{Decision, Note};
use super::observation::Observation;
use super::showing;
use crate::pod::Intent;
use crate::state_mapping::{self, Evidence, NoInstance};
use crate::status::Shown;

pub(super) fn decide(seen: &Observation<'_>) -> Decision {
    let Some((recorded, current)) = seen.launched_elsewhere() else {
        return Decision::rest();
    };
    let evidence = Evidence::NoInstance(NoInstance::LaunchedElsewhere { recorded, current });
    match seen.intent {
        Intent::Wanted => showing::told(seen, &evidence),
        // A deletion is not written about: what the pod shows is the last that was known.
        Intent::Deleting { .. } | Intent::Finished(_) | Intent::Gone => {
            let note = match state_mapping::shown(&evidence) {
                Shown::Waiting { reason, message } => Some(Note::warning(reason, message)),
                Shown::Running { .. } | Shown::Ended { .. } | Shown::Deleted { .. } => None,
            };
            note.into_iter().fold(Decision::rest(), Decision::and_note)
        }
    }
}
