//! What instances left behind, under the same rules as instances, and the report of what is nobody's.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use orca_core::error::CloudError;
use orca_core::ids::{InstanceId, NodeName, PodUid};
use orca_core::leftover::{Leftover, LeftoverId};
use orca_core::orphans::{self, Finding, LEFTOVER_AGES, Round};

use super::api_reader::Read;
use super::{Garbage, notes};
use crate::crash::{self, Effect};

/// A list that takes longer is given up.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Removed in one round, one after the other.
const MOST_REMOVALS: usize = 50;

impl Garbage {
    /// Looks for leftovers, and removes those that are due. While nothing is ended, nothing is removed either.
    pub(super) async fn collect_leftovers(&mut self) {
        let Some(source) = self.parts.leftovers.clone() else {
            return;
        };
        let found = match bounded(source.leftovers(&self.parts.owner)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(error = %error, "Leftovers cannot be listed; none is removed");
                return;
            }
        };
        self.report_not_owned(&found);
        let (alive, findings) = self.look_at(&found).await;
        let round = Round {
            now: self.parts.clock.now(),
            leader_since: self.parts.leader_since,
            alive,
            findings: &findings,
        };
        let verdict = self.leftover_history.judge(&round, self.rules(LEFTOVER_AGES));
        self.parts.metrics.leftovers.set(i64::try_from(verdict.suspects.len()).unwrap_or(i64::MAX));
        self.leftovers_frozen = verdict.frozen.as_ref().map(notes::cause);
        self.show_frozen();
        if let Some(freeze) = &verdict.frozen {
            self.tell(&notes::frozen(freeze, &verdict.suspects));
        }
        if self.frozen.is_some() {
            return;
        }
        for id in verdict.kill.iter().take(MOST_REMOVALS) {
            self.remove(&found, id).await;
        }
    }

    /// Leftovers whose pod nobody here knows and that no alive instance belongs to, and how many instances are alive.
    async fn look_at(&self, found: &[Leftover]) -> (usize, Vec<Finding<LeftoverId>>) {
        let alive = self.parts.provider.listed_alive().map(|(_, alive)| alive).unwrap_or_default();
        let in_use: HashSet<&PodUid> =
            alive.iter().filter_map(|instance| instance.pod.as_ref()).map(|pod| &pod.uid).collect();
        let owned = found.iter().filter(|leftover| leftover.owner.as_ref() == Some(&self.parts.owner));
        let doubtful: Vec<_> = owned
            .filter_map(|leftover| Some((leftover, leftover.pod.as_ref()?)))
            .filter(|(_, pod)| !in_use.contains(&pod.uid) && self.parts.pods.standing(&pod.uid).is_none())
            .collect();
        let reads = self.read(doubtful.iter().map(|(_, pod)| *pod)).await;
        let findings = doubtful.into_iter().map(|(leftover, pod)| Finding {
            key: leftover.id.clone(),
            created_at: leftover.created_at,
            standing: reads.get(pod).map_or(orphans::Standing::Unknown, Read::standing),
            // However sure it is that nobody wants it: there is no hurry.
            saw_deletion: false,
            launched_by_us: self.parts.provider.launched_for(&pod.uid),
            may_be_forgotten: self.parts.set_back.may_concern(leftover.created_at),
        });
        (alive.len(), findings.collect())
    }

    /// Without a pod's UID nothing proves that nobody needs them, so they stay, and people are told.
    fn report_not_owned(&self, found: &[Leftover]) {
        let is_not_owned =
            |one: &&Leftover| one.owner.as_ref() == Some(&self.parts.owner) && one.pod.is_none();
        let ids: Vec<&LeftoverId> = found.iter().filter(is_not_owned).map(|one| &one.id).collect();
        self.parts.metrics.leftovers_not_owned.set(i64::try_from(ids.len()).unwrap_or(i64::MAX));
        if !ids.is_empty() {
            self.tell(&notes::leftovers_without_pod(&ids));
        }
    }

    async fn remove(&self, found: &[Leftover], id: &LeftoverId) {
        let leftover = found.iter().find(|leftover| leftover.id == *id);
        let owned = leftover.and_then(|leftover| {
            let pod = leftover.pod.as_ref()?;
            leftover.owned_by(&self.parts.owner, &pod.uid)
        });
        let Some((source, owned)) = self.parts.leftovers.as_ref().zip(owned) else {
            return;
        };
        match crash::around(Effect::Remove, bounded(source.remove(&owned))).await {
            Ok(()) => {
                self.parts.metrics.removed.inc();
                tracing::warn!(leftover = %id, "Leftover removed");
                self.tell(&notes::removed(id));
            }
            Err(error) => {
                tracing::warn!(leftover = %id, error = %error, "Leftover not removed; it is tried again");
            }
        }
    }

    /// Counts and names the instances of our cluster that are not this node's. Those that are, and name no pod, are told of in each
    /// round.
    pub(super) async fn report_foreign(&self) {
        let Some(source) = self.parts.leftovers.clone() else {
            return;
        };
        let instances = match bounded(source.list_cluster(&self.parts.owner.cluster)).await {
            Ok(instances) => instances,
            Err(error) => {
                tracing::warn!(error = %error, "Instances of the cluster cannot be listed; no report");
                return;
            }
        };
        let mut by_node: BTreeMap<Option<NodeName>, Vec<InstanceId>> = BTreeMap::new();
        let owner = &self.parts.owner;
        for instance in instances.into_iter().filter(|one| orphans::is_foreign(one, owner)) {
            by_node.entry(instance.owner.map(|owner| owner.node)).or_default().push(instance.id);
        }
        let count: usize = by_node.values().map(Vec::len).sum();
        self.parts.metrics.foreign.set(i64::try_from(count).unwrap_or(i64::MAX));
        for (node, foreign) in &by_node {
            tracing::warn!(
                count = foreign.len(),
                tagged_node = node.as_ref().map(tracing::field::display),
                expected_node = %owner.node,
                instances = notes::named(foreign),
                "Instances of this cluster belong to another node or to none; ORCA does not touch them"
            );
            self.tell(&notes::foreign(node.as_ref(), &owner.node, foreign));
        }
    }
}

async fn bounded<T>(call: impl Future<Output = Result<T, CloudError>> + Send) -> Result<T, CloudError> {
    tokio::time::timeout(TIMEOUT, call).await.unwrap_or_else(|_elapsed| {
        let message = format!("no answer within {} s", TIMEOUT.as_secs());
        Err(CloudError::new(orca_core::Kind::Unknown, "TimedOut", message))
    })
}
