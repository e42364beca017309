//! What to do about a pod, as plain data.

use std::time::Duration;

use jiff::Timestamp;

use crate::launch::LaunchRecord;
use crate::limits;
use crate::status::Shown;

/// One step for one pod.
///
/// The executor writes `status` and `record` in one patch if they differ from the live object; only when that was
/// acknowledged does it publish the notes, settle the send and perform the action.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What the pod's status should show. None: leave it as it is.
    pub status: Option<Shown>,
    /// The launch record to keep. None: leave it as it is.
    pub record: Option<LaunchRecord>,
    /// The send whose outcome this decision has taken in.
    pub settle: Option<Timestamp>,
    /// How long the machine lived, when this decision ends its pod: short lives hold back the owner's next pod.
    pub lived: Option<Duration>,
    /// What to tell people, once, when the write was made.
    pub notes: Vec<Note>,
    /// The one thing to perform.
    pub action: Action,
    /// When to look again, if nothing wakes the pod before.
    pub again: Duration,
}

/// The one thing that a decision performs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing.
    None,
    /// Ask for a sweep.
    Refresh,
    /// Open this attempt: freeze an offer, record it, send it.
    Launch {
        /// The attempt, from 1.
        attempt: u32,
    },
    /// Send the recorded attempt once more: the same offer under the same token.
    Resend,
    /// End the pod's machines that are alive.
    Terminate,
    /// Remove the pod object, guarded by its UID.
    Release,
    /// Forget the pod: nothing is left of it.
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
    /// As it should be.
    Normal,
    /// Somebody may have to act.
    Warning,
}

impl Note {
    /// Something went as it should.
    pub fn normal(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: NoteKind::Normal, reason: reason.into(), message: message.into() }
    }

    /// Somebody may have to act.
    pub fn warning(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: NoteKind::Warning, reason: reason.into(), message: message.into() }
    }
}

impl Decision {
    /// Leave everything as it is, and look again after this time.
    pub(super) fn wait(again: Duration) -> Self {
        Self {
            status: None,
            record: None,
            settle: None,
            lived: None,
            notes: Vec::new(),
            action: Action::None,
            again,
        }
    }

    /// Nothing is expected to change: look again at the next resync.
    pub(super) fn rest() -> Self {
        Self::wait(limits::RESYNC)
    }

    /// Perform this, and look again soon.
    pub(super) fn act(action: Action) -> Self {
        Self { action, ..Self::wait(limits::POLL_CHANGING) }
    }

    /// Show this.
    pub(super) fn show(status: Shown) -> Self {
        Self { status: Some(status), ..Self::rest() }
    }

    pub(super) fn and_record(mut self, record: LaunchRecord) -> Self {
        self.record = Some(record);
        self
    }

    pub(super) fn and_settle(mut self, send_at: Timestamp) -> Self {
        self.settle = Some(send_at);
        self
    }

    pub(super) fn and_note(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }

    pub(super) fn and_act(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    pub(super) fn and_again(mut self, again: Duration) -> Self {
        self.again = again;
        self
    }
}
