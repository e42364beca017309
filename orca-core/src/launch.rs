//! Launching: what is wished, what is offered, and the token that makes a launch safe to repeat.

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::BASE32HEX_NOPAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{ClusterId, Owner, PodRef, PodUid};
use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::text;
use crate::well_known::tag;

mod record;

pub use record::{AttemptState, LaunchRecord, NewAttempt, RecordError, Refusal};

/// What a pod wishes to run on, after annotations, templates and defaults were read.
///
/// It is what a back end gets to make offers from; it names nothing that only one cloud knows but the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchWish {
    /// The pod.
    pub pod: PodRef,
    /// The exact instance type.
    pub instance_type: String,
    /// How to buy it.
    pub capacity_type: CapacityType,
    /// The highest price, for spot only.
    pub max_price: Option<UsdPerHour>,
    /// The pod's own machine image. None: the back end's default.
    pub image: Option<String>,
    /// The complete tags of what will be launched, from [`tags`].
    pub tags: BTreeMap<String, String>,
}

/// One way to fulfil a wish, with everything resolved: nothing that the launch depends on is looked up later.
///
/// The core reads type, capacity type, zone and price. `parameters` belong to the back end: the core stores and
/// hashes them, and never reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The instance type.
    pub instance_type: String,
    /// How it is bought.
    pub capacity_type: CapacityType,
    /// The zone it would run in, if that is decided before the launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The expected price, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<UsdPerHour>,
    /// Every tag, as it will be written.
    pub tags: BTreeMap<String, String>,
    /// The back end's own parameters.
    pub parameters: serde_json::Value,
}

impl Offer {
    /// An offer of what is wished, with the wish's tags and the back end's own parameters. Zone and price are left open.
    #[must_use]
    pub fn new(wish: &LaunchWish, parameters: serde_json::Value) -> Self {
        Self {
            instance_type: wish.instance_type.clone(),
            capacity_type: wish.capacity_type,
            zone: None,
            price: None,
            tags: wish.tags.clone(),
            parameters,
        }
    }

    /// A digest over everything in it, hex.
    ///
    /// A record whose offer no longer has the digest it was written with is never sent.
    #[must_use]
    pub fn digest(&self) -> String {
        // Serialising a struct of maps with text keys cannot fail; an empty text then matches no digest.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..16])
    }
}

/// The client token of one launch attempt of one pod.
///
/// `"o1" + base32hex(SHA-256("orca/launch/v1" | cluster | pod UID | attempt))[..52]`: 54 ASCII characters, computed and
/// never drawn, so that a restarted process repeats the same call. Node, zone and parameters are left out on
/// purpose: if a bug rendered other parameters, the cloud answers a mismatch instead of launching twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaunchToken(String);

impl LaunchToken {
    /// The token of this attempt, counted from 1.
    #[must_use]
    pub fn new(cluster: &ClusterId, pod: &PodUid, attempt: u32) -> Self {
        let mut hash = Sha256::new();
        let attempt = attempt.to_string();
        for part in ["orca/launch/v1", cluster.as_str(), pod.as_str(), &attempt] {
            // The length in front keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut text = BASE32HEX_NOPAD.encode(&hash.finalize()).to_lowercase();
        text.truncate(52);
        Self(format!("o1{text}"))
    }

    /// The token as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaunchToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the tags of one attempt are made from.
#[derive(Clone, Copy, Debug)]
pub struct TagSource<'a> {
    /// Who will own the machine.
    pub owner: &'a Owner,
    /// The pod it is for.
    pub pod: &'a PodRef,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The instance type.
    pub instance_type: &'a str,
    /// When the attempt is recorded.
    pub created_at: Timestamp,
    /// When its longest life is over, if a lifetime is set.
    pub expires_at: Option<Timestamp>,
    /// The tags of ORCA's config, for cost reports.
    pub user_tags: &'a BTreeMap<String, String>,
}

/// The complete tags of one launch. The user's come first and can never override ORCA's own.
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

/// The owner that an instance's tags name, if both parts are there. `tag` looks up one tag of [`tags`].
pub fn owner_in<'a>(tag: impl Fn(&str) -> Option<&'a str>) -> Option<Owner> {
    let value = |key| tag(key).filter(|value| !value.is_empty());
    Some(Owner { cluster: value(tag::CLUSTER)?.into(), node: value(tag::NODE)?.into() })
}

/// The pod that an instance's tags name. The UID is the pod; the names are for people, and may be missing.
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
    fn a_token_is_stable_distinct_and_short_enough() {
        let token = |uid: &str, attempt| LaunchToken::new(&"c1".into(), &uid.into(), attempt);
        assert_eq!(token("u1", 1), token("u1", 1));
        assert_eq!(token("u1", 1).as_str(), "o1eankh4itin102f2ed4ssfi704safg1qppbo2df5j62evsc1g6mm0");
        assert_ne!(token("u1", 1), token("u1", 2));
        assert_ne!(token("u1", 11), token("u11", 1));
        assert!(token("u1", u32::MAX).as_str().len() <= 64, "EC2 takes at most 64 characters");
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
        assert_eq!((owner_in(value), read), (Some(owner()), Some(pod.uid)), "they can be read back");
        assert_eq!((owner_in(|_| Some("")), pod_in(|_| Some(""))), (None, None), "an empty tag names nobody");
    }

    #[test]
    fn the_digest_changes_with_every_part_of_an_offer() {
        let offer = Offer {
            instance_type: "t3.micro".into(),
            capacity_type: CapacityType::OnDemand,
            zone: None,
            price: None,
            tags: BTreeMap::new(),
            parameters: serde_json::json!({ "ami": "ami-1" }),
        };
        let mut other = offer.clone();
        other.parameters["ami"] = "ami-2".into();
        assert_ne!(offer.digest(), other.digest());
        let read: Offer = serde_json::from_value(serde_json::to_value(&offer).expect("json")).expect("offer");
        assert_eq!(read.digest(), offer.digest());
    }
}
