//! Whether the current cluster and cloud are those that this node has instances in.
//!
//! The Node object records both while there are instances. When a region, an account or a cluster was changed, the new lists
//! say nothing about the old instances. So nothing is launched, ended or written until people have said what they meant. The
//! Node and its lease are still kept up, so that no pod is evicted meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use orca_core::clock;
use orca_core::ids::{CloudIdentity, ClusterId};
use orca_core::well_known::annotation;

use crate::health::Health;

/// After this time without any instance the record is dropped, and the node may move to another cluster or account.
const IDLE: Duration = Duration::from_mins(1);

/// What the operator said about earlier identities of the node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepted {
    /// These name the same place as the current identity: instances launched under them are looked for under that one.
    pub(crate) adopted: Vec<CloudIdentity>,
    /// Instances under these are left to people. The id of a cluster can be among them.
    pub(crate) abandoned: Vec<CloudIdentity>,
}

/// The identities that the Node object records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) cluster: Option<ClusterId>,
    pub(crate) cloud: Option<CloudIdentity>,
}

impl Recorded {
    pub(crate) fn on(node: &Node) -> Self {
        let text = |key| {
            let annotations = node.metadata.annotations.as_ref()?;
            annotations.get(key).map(String::as_str).filter(|text| !text.is_empty())
        };
        Self {
            cluster: text(annotation::CLUSTER_ID).map(ClusterId::new),
            cloud: text(annotation::CLOUD_IDENTITY).map(CloudIdentity::new),
        }
    }
}

/// Why the node does nothing. `Display` is for people, and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    #[error(
        "this node launched its instances in {was}, and the credentials and region of now are those of {is}: nothing is \
         launched, ended or written. Give ORCA back what it had; or start it with --adopt-identity {was} if both name the \
         same place, or with --abandon {was} to leave what runs there to yourself"
    )]
    Cloud { was: CloudIdentity, is: CloudIdentity },
    #[error(
        "this node tagged its instances with cluster {was}, and the cluster is {is} now: nothing is launched, ended or \
         written. Set cluster.id to {was}; or start ORCA with --abandon {was} to leave what carries that tag to yourself"
    )]
    Cluster { was: ClusterId, is: ClusterId },
}

/// Compares what the Node records with the current cluster and cloud. Cheap to clone; all clones are the same guard.
#[derive(Clone, Debug)]
pub(crate) struct IdentityGuard {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cluster: ClusterId,
    accepted: Accepted,
    health: Health,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    recorded: Recorded,
    current: Option<CloudIdentity>,
    /// Since when there has been no instance.
    idle_since: Option<Timestamp>,
}

impl IdentityGuard {
    /// A guard for a node in this cluster whose Node object records this.
    pub(crate) fn new(cluster: ClusterId, recorded: Recorded, accepted: Accepted, health: Health) -> Self {
        let state = Mutex::new(State { recorded, current: None, idle_since: None });
        let guard = Self { shared: Arc::new(Shared { cluster, accepted, health, state }) };
        guard.show();
        guard
    }

    /// The cloud returned this identity.
    ///
    /// Errors: it is not the one that this node belongs to, so nothing that the cloud returns may be used.
    pub(crate) fn answered(&self, identity: &CloudIdentity) -> Result<(), Mismatch> {
        self.state().current = Some(identity.clone());
        self.show();
        if let Some(mismatch) = self.mismatch() {
            return Err(mismatch);
        }
        // The change was accepted, so it is recorded.
        let mut state = self.state();
        if state.recorded.cloud.is_some() {
            state.recorded.cloud = Some(identity.clone());
        }
        if state.recorded.cluster.is_some() {
            state.recorded.cluster = Some(self.shared.cluster.clone());
        }
        Ok(())
    }

    /// Sets whether there are instances, or may be in a moment. From the first one on the node belongs to the current cluster
    /// and cloud. When there has been none for a while, it belongs to none.
    pub(crate) fn has_instances(&self, has: bool, now: Timestamp) {
        if self.mismatch().is_some() {
            return;
        }
        let mut state = self.state();
        if has {
            state.idle_since = None;
            let (cluster, cloud) = (Some(self.shared.cluster.clone()), state.current.clone());
            state.recorded = Recorded { cluster, cloud };
            return;
        }
        let since = *state.idle_since.get_or_insert(now);
        if clock::age(since, now) >= IDLE {
            state.recorded = Recorded::default();
        }
    }

    /// Why nothing may be done now. None: the identities agree.
    pub(crate) fn mismatch(&self) -> Option<Mismatch> {
        let Shared { cluster, accepted, .. } = &*self.shared;
        let state = self.state();
        let is_given_up = |was: &str| accepted.abandoned.iter().any(|one| one.as_str() == was);
        if let Some(was) = state.recorded.cluster.as_ref().filter(|was| *was != cluster)
            && !is_given_up(was.as_str())
        {
            return Some(Mismatch::Cluster { was: was.clone(), is: cluster.clone() });
        }
        let (was, is) = state.recorded.cloud.as_ref().zip(state.current.as_ref())?;
        let is_accepted = accepted.adopted.contains(was) || is_given_up(was.as_str());
        (was != is && !is_accepted).then(|| Mismatch::Cloud { was: was.clone(), is: is.clone() })
    }

    /// Exactly what the Node should record. None while there is a mismatch, or no identity yet.
    pub(crate) fn to_record(&self) -> Option<Recorded> {
        let state = self.state();
        let recorded = state.current.as_ref().map(|_| state.recorded.clone());
        drop(state);
        recorded.filter(|_| self.mismatch().is_none())
    }

    /// The identity under which to look for an instance that was launched under this one.
    pub(crate) fn resolve(&self, launched: CloudIdentity) -> CloudIdentity {
        if !self.is_adopted(&launched) {
            return launched;
        }
        self.state().current.clone().unwrap_or(launched)
    }

    /// Whether instances that were launched under this identity are looked for under the current one.
    pub(crate) fn is_adopted(&self, launched: &CloudIdentity) -> bool {
        self.shared.accepted.adopted.contains(launched)
    }

    /// The identities whose instances the operator has given up.
    pub(crate) fn abandoned(&self) -> &[CloudIdentity] {
        &self.shared.accepted.abandoned
    }

    fn show(&self) {
        self.shared.health.set_identity(self.mismatch().map(|mismatch| mismatch.to_string()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use orca_core::clock;

    use super::*;

    fn guard(recorded: Recorded, accepted: Accepted) -> IdentityGuard {
        IdentityGuard::new("c".into(), recorded, accepted, Health::new(clock::system()))
    }

    fn recorded(cluster: &str, cloud: &str) -> Recorded {
        Recorded { cluster: Some(cluster.into()), cloud: Some(cloud.into()) }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn a_node_with_instances_stands_still_under_another_identity_until_its_own_is_back() {
        let guard = guard(Recorded::default(), Accepted::default());
        assert_eq!(
            (guard.to_record(), guard.mismatch()),
            (None, None),
            "before any answer nothing is recorded"
        );
        guard.answered(&"1/a".into()).expect("the first");
        guard.has_instances(true, at(0));
        assert_eq!(guard.to_record(), Some(recorded("c", "1/a")));
        let mismatch = guard.answered(&"2/a".into()).expect_err("another account").to_string();
        assert!(mismatch.contains("1/a") && mismatch.contains("--abandon 1/a"), "{mismatch}");
        guard.has_instances(false, at(10));
        guard.has_instances(false, at(1_000));
        assert_eq!(guard.to_record(), None, "the lists of another account must not drop the record");
        assert_eq!(guard.shared.health.identity(), Err(crate::Unhealthy::IdentityMismatch(mismatch)));
        guard.answered(&"1/a".into()).expect("back");
        assert_eq!((guard.mismatch(), guard.shared.health.identity()), (None, Ok(())));
        assert_eq!(guard.to_record(), Some(recorded("c", "1/a")));
    }

    #[test]
    fn a_node_without_instances_may_move() {
        let guard = guard(recorded("c", "1/a"), Accepted::default());
        guard.answered(&"1/a".into()).expect("as recorded");
        guard.has_instances(false, at(0));
        guard.has_instances(false, at(59));
        guard.answered(&"1/b".into()).expect_err("it may only be late to be listed");
        guard.answered(&"1/a".into()).expect("back");
        guard.has_instances(false, at(60));
        assert_eq!(guard.to_record(), Some(Recorded::default()), "the Node records nothing");
        guard.answered(&"1/b".into()).expect("nothing is at stake");
        guard.has_instances(true, at(61));
        assert_eq!(guard.to_record(), Some(recorded("c", "1/b")));
    }

    #[test]
    fn what_the_node_records_counts_from_the_start() {
        let other = guard(recorded("c", "1/a"), Accepted::default());
        assert_eq!(other.mismatch(), None, "the cloud has not answered yet");
        other.answered(&"1/b".into()).expect_err("another region");
        let cluster = guard(recorded("old", "1/a"), Accepted::default());
        assert!(matches!(cluster.mismatch(), Some(Mismatch::Cluster { .. })), "known before any answer");
        cluster.answered(&"1/a".into()).expect_err("another cluster");
    }

    #[test]
    fn people_adopt_or_give_up_an_identity_by_its_name() {
        let adopted = Accepted { adopted: vec!["1/a".into()], ..Accepted::default() };
        let adopting = guard(recorded("c", "1/a"), adopted);
        adopting.answered(&"1/b".into()).expect("adopted");
        assert_eq!(adopting.resolve("1/a".into()), "1/b".into());
        assert_eq!(adopting.resolve("1/z".into()), "1/z".into());
        assert_eq!(adopting.to_record(), Some(recorded("c", "1/b")));
        adopting.answered(&"1/a".into()).expect_err("it has moved, and does not move back by itself");

        let abandoned = Accepted { abandoned: vec!["1/a".into(), "old".into()], ..Accepted::default() };
        let leaving = guard(recorded("old", "1/a"), abandoned);
        leaving.answered(&"1/b".into()).expect("given up");
        assert_eq!(leaving.to_record(), Some(recorded("c", "1/b")));
        leaving.answered(&"1/c".into()).expect_err("nobody spoke of that one");
    }
}
