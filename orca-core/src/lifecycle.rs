//! How a pod and its instance move together: one pure function from what was seen to what to do.
//!
//! ```text
//!  Observation ──► decide(observation, now) ──► Decision { write, consume, notes, action, again }
//!   pod intent        │ Wanted    ► wanted.rs     (adopting, following, failing; launching by launching.rs)
//!   instances          │ Finished  ► ending.rs     (terminate what still costs)
//!   launch record     │ Deleting  ► ending.rs     (terminate, terminal status, release the object)
//!   facts of tasks    │ Gone      ► ending.rs     (terminate, forget)
//!                     │ launched under another cloud identity ► elsewhere.rs (nothing, and say so)
//!                     └► render(observation, decision, now) ──► the one patch that writes it
//! ```
//!
//! Both functions are total and have no side effects, and every step of a launch is one of their results. The executor
//! writes first. It sends a launch only when the record was written, and ends an instance also when the API server refuses
//! the status (see [`Write::required`]); it never looks at pod or instance state itself.

mod answers;
mod decision;
mod delays;
mod elsewhere;
mod ending;
mod facts;
mod hanging;
mod instance;
mod launching;
mod observation;
mod preparing;
mod render;
mod showing;
mod silence;
pub mod table;
mod wanted;

pub use decision::{Action, Decision, Note, NoteKind, Write};
pub use facts::{Facts, Preparation, PrepareKey, Task, TaskFailure, TaskKey, TaskState};
pub use hanging::deletion_held;
pub use observation::Observation;
pub use render::render;

use jiff::Timestamp;

use crate::limits;
use crate::pod::Intent;
use crate::well_known::reason;

/// What to do about one pod.
#[must_use]
pub fn decide(seen: &Observation<'_>, now: Timestamp) -> Decision {
    let decision = match seen.intent {
        Intent::Wanted | Intent::Deleting { finished: false, .. } | Intent::Gone
            if seen.launched_elsewhere().is_some() =>
        {
            elsewhere::decide(seen)
        }
        Intent::Wanted => wanted::decide(seen, now),
        Intent::Finished(_) => ending::finished(seen),
        Intent::Deleting { deadline, finished, released } => {
            ending::deleting(seen, ending::Deletion { deadline, finished, released }, now)
        }
        Intent::Gone => ending::gone(seen, now),
    };
    hanging::say(seen, say_what_is_foreign(seen, give_up_prepared(seen, decision)), now)
}

/// An instance whose tags were changed is never ended, and never in silence: it costs, and only people can tell whose it is.
fn say_what_is_foreign(seen: &Observation<'_>, decision: Decision) -> Decision {
    let Some((id, tag)) = &seen.instances.foreign else { return decision };
    let text = format!(
        "instance {id} runs on and is not ended: {tag}. Set the tag back, or end the instance by hand and the pod goes"
    );
    decision.and_note(Note::warning(reason::INSTANCE_NOT_OWNED, text)).and_again(limits::RESYNC)
}

/// What was made ready for a launch that is not to be is given up, also while it is under way. A send uses it up itself.
fn give_up_prepared(seen: &Observation<'_>, decision: Decision) -> Decision {
    match &seen.facts.prepare {
        Some(task) if !decision.keeps_prepared && decision.action != Action::Send => {
            decision.and_consume(TaskKey::Prepare(task.key.clone()))
        }
        Some(_) | None => decision,
    }
}

#[cfg(test)]
mod tests;
