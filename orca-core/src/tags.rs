//! The tags of everything that a launch makes: who owns it, and which pod it is for. They are the only proof of ownership.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ids::{Owner, PodRef};
use crate::text;
use crate::well_known::{PREFIX, tag};

/// What the tags of one attempt are made from.
#[derive(Clone, Copy, Debug)]
pub struct TagSource<'a> {
    /// Who will own the instance.
    pub owner: &'a Owner,
    /// The pod it is for.
    pub pod: &'a PodRef,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The instance type.
    pub instance_type: &'a str,
    /// When the attempt is recorded.
    pub created_at: Timestamp,
    /// When its lifetime is over, if one is set. The virtual node sets none yet.
    pub expires_at: Option<Timestamp>,
    /// The user's tags, from the back end's config ([`CloudInfo::tags`](crate::cloud::CloudInfo::tags)).
    pub user_tags: &'a BTreeMap<String, String>,
}

/// The complete tags of one launch. The user's never override ORCA's own, and values of ORCA's are cut to
/// [`MAX_VALUE_CHARS`](tag::MAX_VALUE_CHARS).
#[must_use]
pub fn tags(source: &TagSource<'_>) -> BTreeMap<String, String> {
    let mut tags = source.user_tags.clone();
    let name = format!("orca-{}-{}", source.pod.namespace, source.pod.name);
    let attempt = source.attempt.to_string();
    let created_at = source.created_at.to_string();
    let expires_at = source.expires_at.map(|at| at.to_string());
    let own = [
        (tag::MANAGED_BY, tag::MANAGED_BY_VALUE),
        (tag::NAME, name.as_str()),
        (tag::CLUSTER, source.owner.cluster.as_str()),
        (tag::NODE, source.owner.node.as_str()),
        (tag::POD_NAMESPACE, &source.pod.namespace),
        (tag::POD_NAME, &source.pod.name),
        (tag::POD_UID, source.pod.uid.as_str()),
        (tag::ATTEMPT, &attempt),
        (tag::INSTANCE_TYPE, source.instance_type),
        (tag::CREATED_AT, &created_at),
    ];
    for (key, value) in own.into_iter().chain(expires_at.as_deref().map(|at| (tag::EXPIRES_AT, at))) {
        tags.insert(key.to_owned(), text::cut(value, tag::MAX_VALUE_CHARS));
    }
    tags
}

/// Whether ORCA sets this tag itself, so that no config may.
#[must_use]
pub fn is_own(key: &str) -> bool {
    key.starts_with(PREFIX) || key == tag::MANAGED_BY || key == tag::NAME
}

/// The owner that an instance's tags name: `tag` returns the value of a key. None if the cluster or the node is missing.
pub fn owner_in<'a>(tag: impl Fn(&str) -> Option<&'a str>) -> Option<Owner> {
    let value = |key| tag(key).filter(|value| !value.is_empty());
    Some(Owner { cluster: value(tag::CLUSTER)?.into(), node: value(tag::NODE)?.into() })
}

/// The pod that an instance's tags name: `tag` returns the value of a key. None if the UID is missing; the names may be
/// missing, and are empty then.
pub fn pod_in<'a>(tag: impl Fn(&str) -> Option<&'a str>) -> Option<PodRef> {
    let uid = tag(tag::POD_UID).filter(|uid| !uid.is_empty())?;
    let named = |key| tag(key).unwrap_or_default();
    Some(PodRef::new(named(tag::POD_NAMESPACE), named(tag::POD_NAME), uid))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { cluster: "c1".into(), node: "orca-aws-node".into() }
    }

    #[test]
    fn user_tags_never_override_ours_and_long_names_are_cut() {
        let pod = PodRef::new("ml", &"p".repeat(300), "u1");
        let user_tags = BTreeMap::from([
            ("team".to_owned(), "vision".to_owned()),
            ("orca.research/pod-uid".to_owned(), "forged".to_owned()),
            ("ManagedBy".to_owned(), "me".to_owned()),
        ]);
        let tags = tags(&TagSource {
            owner: &owner(),
            pod: &pod,
            attempt: 2,
            instance_type: "p5.48xlarge",
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            user_tags: &user_tags,
        });
        assert_eq!(tags["team"], "vision");
        assert_eq!(tags["orca.research/pod-uid"], "u1");
        assert_eq!(tags["ManagedBy"], "ORCA");
        assert_eq!(tags["orca.research/attempt"], "2");
        assert_eq!(tags["orca.research/created-at"], "1970-01-01T00:00:00Z");
        assert_eq!(tags["Name"].chars().count(), 256);
        assert!(!tags.contains_key("orca.research/expires-at"));
        let value = |key: &str| tags.get(key).map(String::as_str);
        let read = pod_in(value).map(|pod| pod.uid);
        assert_eq!(
            (owner_in(value), read),
            (Some(owner()), Some(pod.uid)),
            "owner and pod are read back from the tags"
        );
        assert_eq!(
            (owner_in(|_| Some("")), pod_in(|_| Some(""))),
            (None, None),
            "an empty tag names no owner and no pod"
        );
    }
}
