//! An instance, as a cloud describes it and as ORCA uses it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{CloudIdentity, InstanceId, Owner, PodRef, PodUid};
use crate::tags::{owner_in, pod_in};
use crate::text::cut;
use crate::well_known::tag;

/// One instance, as the cloud described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its id, unique within one identity.
    pub id: InstanceId,
    /// A URI that is unique across accounts, regions and clouds, and ends in `/` and the id, such as
    /// `ec2://123456789012/us-west-2/i-0123456789abcdef0`. It becomes the pod's `containerID`.
    pub reference: Arc<str>,
    /// Where it lives, if the cloud's answer says so. The launch record is then corrected to it, and a list with instances
    /// of another identity than [`CloudClient::identity`](crate::cloud::CloudClient::identity) is an error.
    pub cloud: Option<CloudIdentity>,
    /// Its state.
    pub state: InstanceState,
    /// Why it is in that state, if the cloud says.
    pub state_reason: Option<StateReason>,
    /// The owner that its tags name. None: the tags name none, so ORCA never ends it.
    pub owner: Option<Owner>,
    /// The pod that its tags name. None: as for the owner.
    pub pod: Option<PodRef>,
    /// Its type, such as `p5.48xlarge`.
    pub instance_type: Arc<str>,
    /// How it was bought.
    pub capacity_type: CapacityType,
    /// The zone that it runs in, if known.
    pub zone: Option<Arc<str>>,
    /// Its private address, if it has one: the pod's and the host's. Of two families it is the one that comes first.
    pub private_ip: Option<IpAddr>,
    /// Its private address of the other family, if it has one.
    pub other_ip: Option<IpAddr>,
    /// Its public address, if it has one. It becomes the annotation `orca.research/public-ip`.
    pub public_ip: Option<IpAddr>,
    /// When the cloud launched it, by the cloud's clock. None: garbage collection counts its age from when it was first
    /// listed.
    pub launched_at: Option<Timestamp>,
}

impl Instance {
    /// An instance with the owner, the pod and the type that these tags name. Give the tags that the cloud returned, never
    /// those that a launch was meant to write: they are the proof of ownership.
    ///
    /// The result is on-demand, and every other field is empty: set on it what the cloud says.
    #[must_use]
    pub fn from_tags(
        id: InstanceId,
        reference: &str,
        state: InstanceState,
        tags: &BTreeMap<String, String>,
    ) -> Self {
        let value = |key: &str| tags.get(key).map(String::as_str);
        Self {
            id,
            reference: reference.into(),
            state,
            cloud: None,
            state_reason: None,
            owner: owner_in(value),
            pod: pod_in(value),
            instance_type: value(tag::INSTANCE_TYPE).unwrap_or_default().into(),
            capacity_type: CapacityType::default(),
            zone: None,
            private_ip: None,
            other_ip: None,
            public_ip: None,
            launched_at: None,
        }
    }

    /// The same instance with its private addresses in this order: the address of this family first, if it has one.
    #[must_use]
    pub fn with_first(mut self, family: IpFamily) -> Self {
        let is_first = |ip: &IpAddr| ip.is_ipv4() == (family == IpFamily::Ipv4);
        let is_behind = self.other_ip.as_ref().is_some_and(is_first);
        if is_behind && !self.private_ip.as_ref().is_some_and(is_first) {
            std::mem::swap(&mut self.private_ip, &mut self.other_ip);
        }
        self
    }

    /// Proof that this instance belongs to this owner and this pod. None: its tags name another one, or none.
    ///
    /// There is no other way to make an [`OwnedInstance`], so nothing else can be terminated.
    #[must_use]
    pub fn owned_by(&self, owner: &Owner, pod: &PodUid) -> Option<OwnedInstance> {
        let tags_agree =
            self.owner.as_ref() == Some(owner) && self.pod.as_ref().is_some_and(|p| p.uid == *pod);
        tags_agree.then(|| OwnedInstance { id: self.id.clone() })
    }
}

impl Instance {
    /// The first tag that does not name this owner or this pod, and so why ORCA may not end the instance. None when
    /// [`owned_by`](Self::owned_by) gives the proof.
    #[must_use]
    pub fn foreign_tag(&self, owner: &Owner, pod: &PodUid) -> Option<ForeignTag> {
        let differs = |key: &'static str, found: Option<&str>, expected: &str| {
            let found = found.filter(|found| !found.is_empty()).map(str::to_owned);
            (found.as_deref() != Some(expected)).then(|| ForeignTag {
                key,
                found,
                expected: expected.to_owned(),
            })
        };
        let named = self.owner.as_ref();
        let uid = self.pod.as_ref().map(|pod| pod.uid.as_str());
        differs(tag::CLUSTER, named.map(|owner| owner.cluster.as_str()), owner.cluster.as_str())
            .or_else(|| differs(tag::NODE, named.map(|owner| owner.node.as_str()), owner.node.as_str()))
            .or_else(|| differs(tag::POD_UID, uid, pod.as_str()))
    }

    /// What of its tags names another pod than its UID says: the name and the UID contradict each other, and nobody but people
    /// can tell which of them was changed.
    #[must_use]
    pub fn contradicting_tag(&self, pod: &PodRef) -> Option<ForeignTag> {
        let named = self.pod.as_ref()?;
        let differs = |key: &'static str, found: &str, expected: &str| {
            let named = (!found.is_empty()).then(|| found.to_owned());
            (found != expected).then(|| ForeignTag { key, found: named, expected: expected.to_owned() })
        };
        differs(tag::POD_NAMESPACE, &named.namespace, &pod.namespace)
            .or_else(|| differs(tag::POD_NAME, &named.name, &pod.name))
    }
}

/// A tag that keeps ORCA from ending an instance, because it does not name the owner or the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignTag {
    /// The tag's key.
    pub key: &'static str,
    /// Its value. None: the tag is missing or empty, or another tag of the owner is.
    pub found: Option<String>,
    /// The value that names this owner or this pod.
    pub expected: String,
}

impl std::fmt::Display for ForeignTag {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.found {
            Some(found) => write!(
                out,
                "its tag {} is \"{}\" and has to be \"{}\"",
                self.key,
                cut(found, 80),
                self.expected
            ),
            None => write!(out, "it has no tag {}, which has to be \"{}\"", self.key, self.expected),
        }
    }
}

/// An instance that belongs to this owner and pod, by the tags that the cloud returned. Made by [`Instance::owned_by`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnedInstance {
    id: InstanceId,
}

impl OwnedInstance {
    /// The instance's id.
    #[must_use]
    pub fn id(&self) -> &InstanceId {
        &self.id
    }
}

/// The states of an instance's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// Launched, not yet running.
    Pending,
    /// It runs. Nothing is said about the programs on it.
    Running,
    /// On the way to stopped; it still costs.
    Stopping,
    /// Stopped; its disks still cost, and it can be started again.
    Stopped,
    /// On the way to terminated, which cannot be undone.
    ShuttingDown,
    /// Gone for good.
    Terminated,
}

impl InstanceState {
    /// Every state, in the order in which an instance goes through them.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Stopping, Self::Stopped, Self::ShuttingDown, Self::Terminated];

    /// Whether the instance still has to be terminated: it costs money, and runs or can run again.
    #[must_use]
    pub fn is_alive(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Stopping | Self::Stopped => true,
            Self::ShuttingDown | Self::Terminated => false,
        }
    }

    /// The state in EC2's spelling, such as `shutting-down`. Messages and metrics use it for every cloud.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }
}

/// Why an instance is in its state: the cause that matters to a pod, and what the cloud says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateReason {
    /// What it means for the pod.
    pub cause: EndCause,
    /// The cloud's code, such as `Server.SpotInstanceTermination`.
    pub code: String,
    /// The cloud's message.
    pub message: String,
}

/// What ended an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndCause {
    /// A call of the cloud's API, by ORCA or by somebody else.
    ApiCall,
    /// The instance shut itself down.
    Guest,
    /// The cloud took back a spot instance.
    SpotInterruption,
    /// The cloud failed: host, network, maintenance.
    Provider,
    /// The cloud accepted the launch and could not carry it out, for example because it has no capacity.
    LaunchFailed,
    /// The cloud accepted the launch and could not carry it out because of what it asks for, such as a key or a snapshot,
    /// or because of a limit of the account, such as that of volumes.
    LaunchInvalid,
    /// Anything else.
    Other,
}

/// How an instance is bought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CapacityType {
    /// At the list price, until terminated.
    #[default]
    OnDemand,
    /// At the market price; the cloud can take the instance back at any time.
    Spot,
}

impl CapacityType {
    /// `on-demand` or `spot`, as in annotations and config.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
        }
    }
}

/// A family of addresses, in Kubernetes' own spelling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpFamily {
    /// Version 4.
    #[default]
    #[serde(rename = "IPv4")]
    Ipv4,
    /// Version 6.
    #[serde(rename = "IPv6")]
    Ipv6,
}

/// Whether a running instance passes the cloud's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// All checks passed: the pod becomes Ready.
    Passed,
    /// The checks have not finished: Ready stays as it is.
    Initializing,
    /// A check failed: the pod becomes unready.
    Impaired,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::{TagSource, tags};

    #[test]
    fn tags_name_owner_pod_and_type_and_without_them_nothing_is_owned() {
        let owner = Owner { cluster: "c1".into(), node: "n1".into() };
        let pod = PodRef::new("ml", "train", "u1");
        let written = tags(&TagSource {
            owner: &owner,
            pod: &pod,
            attempt: 1,
            instance_type: "t3.micro",
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            user_tags: &BTreeMap::new(),
        });
        let of = |tags| Instance::from_tags("i-1".into(), "cloud://i-1", InstanceState::Running, tags);
        let ours = of(&written);
        assert_eq!((&ours.owner, &ours.pod), (&Some(owner.clone()), &Some(pod.clone())));
        assert_eq!(&*ours.instance_type, "t3.micro");
        assert_eq!(ours.owned_by(&owner, &pod.uid).map(|owned| owned.id().clone()), Some("i-1".into()));
        assert_eq!(of(&BTreeMap::new()).owned_by(&owner, &pod.uid), None);
        let neighbour = Owner { node: "n2".into(), ..owner.clone() };
        assert_eq!(
            ours.owned_by(&neighbour, &pod.uid),
            None,
            "an instance of another node must not be owned"
        );
        assert_eq!(ours.owned_by(&owner, &"u2".into()), None, "an instance of another pod must not be owned");
    }

    #[test]
    fn an_only_address_is_the_first_whichever_family_is_wanted() {
        let bare = Instance::from_tags("i-1".into(), "cloud://i-1", InstanceState::Running, &BTreeMap::new());
        for family in [IpFamily::Ipv4, IpFamily::Ipv6] {
            for ip in ["10.0.0.7".parse().ok(), "2001:db8::7".parse().ok()] {
                let first = Instance { private_ip: ip, ..bare.clone() }.with_first(family);
                assert_eq!((first.private_ip, first.other_ip), (ip, None), "{family:?}");
            }
        }
    }

    #[test]
    fn names_of_states_and_capacity_types_are_those_of_serde() {
        for capacity_type in [CapacityType::OnDemand, CapacityType::Spot] {
            assert_eq!(serde_json::json!(capacity_type), capacity_type.as_str());
        }
        for state in InstanceState::ALL {
            assert_eq!(serde_json::json!(state), state.as_str());
        }
    }
}
