//! What to do about a pod and its instance: [`decide`], one pure function from an observation to a decision.
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
//! Both functions are total and have no side effects. The executor, in `orca-kube`, carries a decision out: it writes the
//! status first, and then performs the action. It sends a launch only when the record was written. It ends an instance even
//! when the API server refuses the status (see [`Write::required`]). It never looks at the state of a pod or an instance
//! itself.
//!
//! `docs/pod-lifecycle.md` has every decision in one table.

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

/// Reports an instance whose tags were changed. It is never ended: it costs money, but only people know whose it is.
fn say_what_is_foreign(seen: &Observation<'_>, decision: Decision) -> Decision {
    let Some((id, tag)) = &seen.instances.foreign else { return decision };
    let text = format!(
        "instance {id} runs on and is not ended: {tag}. Set the tag back, or end the instance by hand and the pod goes"
    );
    decision.and_note(Note::warning(reason::INSTANCE_NOT_OWNED, text)).and_again(limits::RESYNC)
}

/// Drops a prepared offer and permit when this decision does not launch, also while they are being prepared. A send uses
/// them up itself.
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
