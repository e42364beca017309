//! Time limits of the launch protocol and of what follows from observations, each with its reason.

use std::time::Duration;

/// No launch relies on a sweep (one complete list of the node's instances) that began longer ago than this.
pub const SWEEP_FRESH: Duration = Duration::from_mins(1);

/// A send must leave within this time of the record that announced it. Later it is stopped.
pub const SEND_FENCE: Duration = Duration::from_mins(1);

/// After this time a signed request can no longer be executed. AWS accepts a signature for up to 15 minutes, and clocks
/// may be 5 minutes apart. It holds for every back end.
pub const SIGNATURE_LIFETIME: Duration = Duration::from_mins(20);

/// An instance counts as gone after this many complete answers in a row without it, and not before [`ABSENT_FOR`].
pub const ABSENCES: u32 = 3;

/// The least time between the first and the last of these answers. AWS asks callers to keep trying for up to five
/// minutes after a launch.
pub const ABSENT_FOR: Duration = Duration::from_mins(5);

/// An instance that no complete answer has shown for this time is unconfirmed, and its pod says so. With sweeps more than
/// 20 s apart it takes longer: three intervals.
pub const UNCONFIRMED: Duration = Duration::from_mins(1);

/// The object of a deleted pod is removed when its instance has been `shutting-down` for this time. That state cannot be
/// undone, and GPU instances take many minutes to reach `terminated`.
pub const SHUTTING_DOWN_RELEASE: Duration = Duration::from_mins(2);

/// The object of a deleted pod with an unresolved launch is removed this long after its grace period. If an instance still
/// appears, it is an orphan, and garbage collection ends it.
pub const DELETE_UNRESOLVED: Duration = Duration::from_mins(5);

/// When a pod's instance ends within this time of its launch, the next pod of the same owner (a Job, a ReplicaSet) waits.
pub const SHORT_LIFE: Duration = Duration::from_mins(10);

/// How long a new pod waits for the instance of an earlier pod of the same namespace and name to end.
pub const NAMESAKE: Duration = Duration::from_mins(2);

/// How often a pod is looked at while its instance boots or ends.
pub const POLL_CHANGING: Duration = Duration::from_secs(2);

/// How often a pod is looked at when nothing is expected to change.
pub const RESYNC: Duration = Duration::from_mins(1);

const _: () = assert!(SEND_FENCE.as_secs() < SIGNATURE_LIFETIME.as_secs());
