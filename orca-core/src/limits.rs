//! The protocol's time limits, each with the reason for its value.

use std::time::Duration;

/// A sweep older than this, counted from its start, proves nothing (launch protocol, rule 0).
pub const SWEEP_FRESH: Duration = Duration::from_mins(1);

/// A send must leave within this time of the record that announced it.
pub const SEND_FENCE: Duration = Duration::from_mins(1);

/// After this time no signed request that was sent can still be executed: a signature is accepted for up to
/// 15 minutes, and clocks may be 5 minutes apart.
pub const SIGNATURE_LIFETIME: Duration = Duration::from_mins(20);

/// An instance that was not found counts as gone only after this many complete answers in a row …
pub const ABSENCES: u32 = 3;

/// … over at least this time. AWS asks callers to keep trying for up to five minutes after a launch.
pub const ABSENT_FOR: Duration = Duration::from_mins(5);

/// An instance that no complete answer has shown for this time is unconfirmed, and its pod says so.
pub const UNCONFIRMED: Duration = Duration::from_mins(1);

/// A pod of runtime `instance` is released after this time of `shutting-down`, which cannot be undone:
/// GPU instances take many minutes to reach `terminated`.
pub const SHUTTING_DOWN_RELEASE: Duration = Duration::from_mins(2);

/// A deleted pod whose launch stays unresolved is let go this long after its grace period: what may still
/// appear is an orphan, and garbage collection ends it.
pub const DELETE_UNRESOLVED: Duration = Duration::from_mins(5);

/// A pod whose instance ends within this time of its launch holds back the next pod of its owner.
pub const SHORT_LIFE: Duration = Duration::from_mins(10);

/// How long a new pod waits for the instance of an earlier pod of its name to end.
pub const NAMESAKE: Duration = Duration::from_mins(2);

/// How often a boot or a shutdown is looked at.
pub const POLL_CHANGING: Duration = Duration::from_secs(2);

/// How often a pod is looked at when nothing is expected to change.
pub const RESYNC: Duration = Duration::from_mins(1);

const _: () = assert!(SEND_FENCE.as_secs() < SIGNATURE_LIFETIME.as_secs());
