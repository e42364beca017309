//! What to do about a pod, as plain data.

use std::time::Duration;

use super::facts::{Preparation, TaskKey};
use crate::launch::LaunchRecord;
use crate::limits;
use crate::status::Shown;

/// One step for one pod.
///
/// The executor makes the write if it differs from the live object. Then it publishes the notes, drops the consumed facts
/// and performs the action. If the write is [`required`](Write::required), the API server must have acknowledged it; if
/// not, the action also follows a write that the API server refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to write to the pod's status. None: leave it as it is.
    pub write: Option<Write>,
    /// The results of tasks that this decision uses up.
    pub consume: Vec<TaskKey>,
    /// How long the instance lived, when this decision ends its pod. After short lives the owner's next pod waits.
    pub lived: Option<Duration>,
    /// Events to publish once, when the write was made.
    pub notes: Vec<Note>,
    /// The one action to perform.
    pub action: Action,
    /// After which time to look at the pod again, if nothing wakes it before.
    pub again: Duration,
    /// Whether a prepared offer and permit may still be used. Otherwise they are dropped.
    pub(super) keeps_prepared: bool,
}

/// A change of the pod's status: one patch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    /// What the status should show. None: leave it as it is.
    pub shown: Option<Shown>,
    /// The launch record to keep. None: leave it as it is.
    pub record: Option<LaunchRecord>,
    /// Whether the action requires an acknowledged write. False for an action that ends an instance or removes an object: a
    /// status that the API server refuses is ORCA's mistake, and must not keep either alive (B35).
    pub required: bool,
}

/// What a decision asks the executor to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    None,
    /// Ask for a sweep, a new complete list of instances.
    Refresh,
    /// Get an offer and a permit for a launch.
    Prepare(Box<Preparation>),
    /// Send the launch that this decision's record announces, if the record was written.
    Send,
    /// End the pod's instances that are alive.
    Terminate,
    /// Remove the pod object, guarded by its UID.
    Release,
    /// Forget the pod: it has neither an object nor an instance.
    Forget,
}

/// An event for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether something is wrong.
    pub kind: NoteKind,
    /// The stable reason, `UpperCamelCase`.
    pub reason: String,
    /// The text: what happened, and what to do next.
    pub message: String,
}

/// Whether an event says that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// Nothing is wrong.
    Normal,
    /// Somebody may have to act.
    Warning,
}

impl Note {
    /// An event of the type Normal.
    pub fn normal(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: NoteKind::Normal, reason: reason.into(), message: message.into() }
    }

    /// An event of the type Warning.
    pub fn warning(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: NoteKind::Warning, reason: reason.into(), message: message.into() }
    }
}

impl Decision {
    /// Leave everything as it is, and look again after this time.
    pub(super) fn wait(again: Duration) -> Self {
        Self {
            write: None,
            consume: Vec::new(),
            lived: None,
            notes: Vec::new(),
            action: Action::None,
            again,
            keeps_prepared: false,
        }
    }

    /// Nothing is expected to change: look again at the next resync.
    pub(super) fn rest() -> Self {
        Self::wait(limits::RESYNC)
    }

    /// Perform this, and look again soon.
    pub(super) fn act(action: Action) -> Self {
        Self::wait(limits::POLL_CHANGING).and_act(action)
    }

    /// Show this.
    pub(super) fn show(shown: Shown) -> Self {
        Self { write: Some(Write { shown: Some(shown), record: None, required: true }), ..Self::rest() }
    }

    pub(super) fn and_record(mut self, record: LaunchRecord) -> Self {
        let write = self.write.get_or_insert(Write { required: true, ..Write::default() });
        write.record = Some(record);
        self
    }

    pub(super) fn and_consume(mut self, key: TaskKey) -> Self {
        self.consume.push(key);
        self
    }

    pub(super) fn and_note(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }

    pub(super) fn and_act(mut self, action: Action) -> Self {
        let ends = match action {
            Action::Terminate | Action::Release => true,
            Action::None | Action::Refresh | Action::Prepare(_) | Action::Send | Action::Forget => false,
        };
        if let Some(write) = self.write.as_mut() {
            write.required = !ends;
        }
        self.action = action;
        self
    }

    pub(super) fn and_again(mut self, again: Duration) -> Self {
        self.again = again;
        self
    }

    pub(super) fn keeping_prepared(mut self) -> Self {
        self.keeps_prepared = true;
        self
    }

    /// What is shown, if anything new is.
    #[must_use]
    pub fn shown(&self) -> Option<&Shown> {
        self.write.as_ref()?.shown.as_ref()
    }

    /// The record that is written, if one is.
    #[must_use]
    pub fn record(&self) -> Option<&LaunchRecord> {
        self.write.as_ref()?.record.as_ref()
    }
}
