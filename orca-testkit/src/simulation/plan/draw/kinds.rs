//! The kinds of faults that are drawn, and what they are for.

/// What can be done to a world, and how often each is drawn where the others are drawn once.
pub(super) const KINDS: [(Kind, u8); 24] = [
    (Kind::Kill, 3),
    (Kind::KillAtPoll, 4),
    (Kind::Freeze, 3),
    (Kind::Beside, 2),
    (Kind::Reconfigure, 1),
    (Kind::KubeLost, 3),
    (Kind::KubeRefused, 2),
    (Kind::KubeForeign, 2),
    (Kind::KubeSlow, 1),
    (Kind::KubeFrozen, 1),
    (Kind::WatchLag, 2),
    (Kind::WatchCut, 2),
    (Kind::Compact, 1),
    (Kind::SetBack, 1),
    (Kind::CloudLost, 3),
    (Kind::CloudRefused, 3),
    (Kind::CloudLate, 2),
    (Kind::CloudDown, 2),
    (Kind::Ice, 1),
    (Kind::Invisible, 2),
    (Kind::Stale, 2),
    (Kind::Outside, 3),
    (Kind::Clock, 1),
    (Kind::DeleteNode, 1),
];

/// Requests that a fault of the API server is for.
pub(super) const PLACES: [(&str, &str); 9] = [
    ("patch", "pods/status"),
    ("get", "pods"),
    ("list", "pods"),
    ("watch", "pods"),
    ("delete", "pods"),
    ("", "pods"),
    ("", "leases"),
    ("get", "namespaces"),
    ("", ""),
];
/// Calls that a fault of EC2 is for.
pub(super) const ACTIONS: [&str; 5] =
    ["RunInstances", "RunInstances", "TerminateInstances", "DescribeInstances", "*"];
pub(super) const NO_CAPACITY: &str = "InsufficientInstanceCapacity";
pub(super) const CODES: [&str; 5] =
    ["RequestLimitExceeded", "InternalError", "Unavailable", "UnauthorizedOperation", NO_CAPACITY];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Kill,
    KillAtPoll,
    Freeze,
    Beside,
    Reconfigure,
    KubeLost,
    KubeRefused,
    KubeForeign,
    KubeSlow,
    KubeFrozen,
    WatchLag,
    WatchCut,
    Compact,
    SetBack,
    CloudLost,
    CloudRefused,
    CloudLate,
    CloudDown,
    Ice,
    Invisible,
    Stale,
    Outside,
    Clock,
    DeleteNode,
}
