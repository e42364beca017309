//! What an instance can leave behind: a disk, a network interface, an open request for a spot instance.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::ids::{Owner, PodRef, PodUid};

/// Something without an instance that costs money, or that can still launch an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Its kind and id.
    pub id: LeftoverId,
    /// The owner that its tags name. None: the tags name none, so ORCA never removes it.
    pub owner: Option<Owner>,
    /// The pod that its tags name.
    pub pod: Option<PodRef>,
    /// When it was made, by the cloud's clock, if the cloud says.
    pub created_at: Option<Timestamp>,
}

/// The cloud's name of a leftover.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeftoverId {
    /// What it is.
    pub kind: LeftoverKind,
    /// Such as `vol-0123456789abcdef0`.
    pub id: Arc<str>,
}

impl fmt::Display for LeftoverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.id)
    }
}

/// The kinds of leftovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeftoverKind {
    /// A disk that is attached to nothing.
    Volume,
    /// A network interface that is attached to nothing.
    NetworkInterface,
    /// A request for a spot instance that is still open, and could launch one.
    SpotRequest,
}

impl LeftoverKind {
    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::NetworkInterface => "network interface",
            Self::SpotRequest => "spot request",
        }
    }
}

impl Leftover {
    /// Proof that this leftover belongs to this owner and this pod. None: its tags name another one, or none.
    ///
    /// There is no other way to make an [`OwnedLeftover`], so nothing else can be removed.
    #[must_use]
    pub fn owned_by(&self, owner: &Owner, pod: &PodUid) -> Option<OwnedLeftover> {
        let tags_agree =
            self.owner.as_ref() == Some(owner) && self.pod.as_ref().is_some_and(|p| p.uid == *pod);
        tags_agree.then(|| OwnedLeftover { id: self.id.clone() })
    }
}

/// A leftover that belongs to this owner and pod, by the tags that the cloud returned. Made by [`Leftover::owned_by`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnedLeftover {
    id: LeftoverId,
}

impl OwnedLeftover {
    /// Its kind and id.
    #[must_use]
    pub fn id(&self) -> &LeftoverId {
        &self.id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leftover_with_our_tags_can_be_removed() {
        let owner = |node: &str| Owner { cluster: "c".into(), node: node.into() };
        let id = LeftoverId { kind: LeftoverKind::Volume, id: "vol-1".into() };
        let ours = Leftover {
            id,
            owner: Some(owner("n")),
            pod: Some(PodRef::new("ml", "train", "u")),
            created_at: None,
        };
        assert_eq!(
            ours.owned_by(&owner("n"), &"u".into()).map(|owned| owned.id().to_string()).as_deref(),
            Some("volume vol-1")
        );
        assert_eq!(ours.owned_by(&owner("m"), &"u".into()), None);
        assert_eq!(ours.owned_by(&owner("n"), &"v".into()), None);
        assert_eq!(Leftover { pod: None, ..ours.clone() }.owned_by(&owner("n"), &"u".into()), None);
        assert_eq!(Leftover { owner: None, ..ours }.owned_by(&owner("n"), &"u".into()), None);
    }
}
