//! A pod that was launched in another account or region than the current one: nothing is known about its instance, so
//! nothing is done.
//!
//! The current account does not list that instance, so its absence proves nothing, and a second one must not be launched.
//! The pod keeps what it shows, and an event says why. Only the operator can give such an instance up.

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
        // The status of such a pod stays as it is: it shows what was last known.
        Intent::Deleting { .. } | Intent::Finished(_) | Intent::Gone => {
            let note = match state_mapping::shown(&evidence) {
                Shown::Waiting { reason, message } => Some(Note::warning(reason, message)),
                Shown::Running { .. }
                | Shown::Unconfirmed { .. }
                | Shown::Ended { .. }
                | Shown::Deleted { .. } => None,
            };
            // An instance in the current account with this UID has no pod that wants it, whatever runs elsewhere.
            let decision = if seen.any_alive() { Decision::act(Action::Terminate) } else { Decision::rest() };
            note.into_iter().fold(decision, Decision::and_note)
        }
    }
}

/// The operator has taken over what runs there: the pod ends, and ORCA asks nothing of that account.
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
