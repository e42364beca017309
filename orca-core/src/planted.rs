//! Bugs that the simulation turns on, to see whether its rules find them. For tests of ORCA alone.
//!
//! Without the feature `planted` none can be turned on, and [`planted`] is a constant `false`. Few places ask it, and a tidy
//! test counts them.

/// A bug that can be turned on.
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
    /// Pods are never listed again, so a change that the watch missed is not noticed.
    NoRelist,
    /// A pod object is removed while its instances are alive.
    ReleaseEarly,
}

/// Whether this bug is turned on in this thread. Always false without the feature `planted`.
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

/// Whether this bug is turned on in this thread. Always false without the feature `planted`.
#[cfg(feature = "planted")]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    ORDERED.get() == Some(bug)
}

/// Turns on one bug in this thread, and turns off the one before. `None` turns off all.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    ORDERED.set(bug);
}
