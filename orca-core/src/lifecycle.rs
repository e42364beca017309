//! How a pod and its machine move together: one pure function from what was seen to what to do.
//!
//! ```text
//!  Observation ──► decide(observation, now) ──► Decision { status, record, action, again }
//!   pod intent        │ Wanted    ► wanted.rs     (launching, adopting, following, failing)
//!   machines          │ Finished  ► ending.rs     (terminate what still costs)
//!   launch record     │ Deleting  ► ending.rs     (terminate, terminal status, release the object)
//!   sends             │ Gone      ► ending.rs     (terminate, forget)
//! ```
//!
//! The function is total and has no side effects. The executor performs one decision: it writes status and record
//! first, and acts only when that write was acknowledged; it never looks at pod or instance state itself.

mod attempt;
mod decision;
mod ending;
mod observation;
pub mod table;
mod wanted;

pub(crate) use wanted::NOT_RUN;

pub use decision::{Action, Decision, Note, NoteKind};
pub use observation::Observation;

use jiff::Timestamp;

use crate::error::CloudError;
use crate::pod::Intent;
use crate::status::Shown;
use crate::well_known::reason;

/// What to do about one pod.
#[must_use]
pub fn decide(seen: &Observation<'_>, now: Timestamp) -> Decision {
    match seen.intent {
        Intent::Wanted => wanted::decide(seen, now),
        Intent::Finished(_) => ending::finished(seen),
        Intent::Deleting { deadline, finished, released } => {
            ending::deleting(seen, ending::Deletion { deadline, finished, released }, now)
        }
        Intent::Gone => ending::gone(seen, now),
    }
}

/// What to do when no offer could be made for a launch that [`decide`] asked for.
#[must_use]
pub fn not_planned(seen: &Observation<'_>, error: &CloudError) -> Decision {
    attempt::not_planned(seen, error)
}

/// What to do while a launch that [`decide`] asked for waits for its turn.
#[must_use]
pub fn queued(seen: &Observation<'_>, wait: std::time::Duration, now: Timestamp) -> Decision {
    attempt::queued(seen, wait, now)
}

/// What a pod shows while its launch call is announced and sent.
#[must_use]
pub fn launching(instance_type: &str) -> Shown {
    Shown::Waiting {
        reason: reason::INSTANCE_LAUNCHING.into(),
        message: format!("launching an instance of type {instance_type}"),
    }
}

#[cfg(test)]
mod tests;
