//! Bugs on order: what the simulation breaks on purpose, to see whether its rules find it.
//!
//! Without the feature `planted` no bug can be ordered, and the compiler drops the question. Few places ask it, and a house
//! rule counts them.

/// A bug that can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// A launch is sent although no fresh list shows that there is no instance.
    NoFreshSweep,
    /// A send that never left closes its attempt, whatever became of the sends before it.
    NotSentCloses,
    /// The launch is sent before its record is written.
    RecordAfterSend,
    /// Instances are ended before the status that says so is written.
    KillBeforeStatus,
    /// The next attempt follows an unanswered send at once.
    NextAttemptAtOnce,
    /// One list that does not show an instance proves that it is gone.
    OneAbsence,
    /// Garbage collection has no brake, and no second look.
    NoBrake,
    /// A pod shows Running as soon as its launch is answered.
    RunningAtLaunch,
    /// What no watch shows did not happen: nothing is listed.
    NoRelist,
    /// A pod object is removed while its instances are alive.
    ReleaseEarly,
}

/// Whether this bug is ordered on this thread.
#[cfg(not(feature = "planted"))]
#[must_use]
pub const fn planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted")]
thread_local! {
    /// A simulated world runs on one thread.
    static ORDERED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Whether this bug is ordered on this thread.
#[cfg(feature = "planted")]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    ORDERED.get() == Some(bug)
}

/// Orders a bug for this thread, instead of the one before; none: no bug.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    ORDERED.set(bug);
}
