//! A pod that was launched in another account or region than the one that answers now: nothing is known, nothing is done.
//!
//! Whatever the cloud of now says, it does not speak about that instance: its absence there is no end, and a second one must
//! not be launched. So the pod keeps what it shows, and people are told. Only they can give such an
//! instance up.

use super::decision::{Action, Decision, Note};
use super::ending::{self, Deletion};
use super::facts::TaskKey;
use super::observation::Observation;
use super::showing;
use crate::ids::CloudIdentity;
use crate::pod::Intent;
use crate::state_mapping::{self, Evidence, NoInstance};
use crate::status::Shown;

pub(super) fn decide(seen: &Observation<'_>) -> Decision {
    let Some((recorded, current)) = seen.launched_elsewhere() else {
        return Decision::rest();
    };
    if seen.abandoned.contains(recorded) {
        return given_up(seen, recorded);
    }
    let evidence = Evidence::NoInstance(NoInstance::LaunchedElsewhere { recorded, current });
    match seen.intent {
        Intent::Wanted => showing::waiting_for(seen, &evidence),
        // A deletion is not written about: what the pod shows is the last that was known.
        Intent::Deleting { .. } | Intent::Finished(_) | Intent::Gone => {
            let note = match state_mapping::shown(&evidence) {
                Shown::Waiting { reason, message } => Some(Note::warning(reason, message)),
                Shown::Running { .. }
                | Shown::Unconfirmed { .. }
                | Shown::Ended { .. }
                | Shown::Deleted { .. } => None,
            };
            // What stands here under its UID is nobody's, whatever there is elsewhere.
            let decision = if seen.any_alive() { Decision::act(Action::Terminate) } else { Decision::rest() };
            note.into_iter().fold(decision, Decision::and_note)
        }
    }
}

/// People said that what runs there is theirs to end: the pod ends, and nothing is asked of that cloud.
fn given_up(seen: &Observation<'_>, recorded: &CloudIdentity) -> Decision {
    if let Some((send_at, _)) = seen.answered() {
        return Decision::wait(std::time::Duration::ZERO).and_consume(TaskKey::Send(send_at));
    }
    if seen.is_sending() {
        return Decision::rest();
    }
    let instance = seen.record().and_then(|record| record.instance_id.as_ref());
    let evidence = Evidence::NoInstance(NoInstance::GivenUp { instance, recorded });
    match seen.intent {
        Intent::Wanted => showing::waiting_for(seen, &evidence),
        Intent::Deleting { deadline, finished, released } => {
            ending::release(seen, Deletion { deadline, finished, released })
        }
        Intent::Finished(_) => Decision::rest(),
        Intent::Gone => Decision::act(Action::Forget),
    }
}
