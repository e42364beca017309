//! One round over the instances: the cloud's list first, then the API server about each pod that nobody here knows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use orca_core::clock;
use orca_core::ids::{InstanceId, PodRef, PodUid};
use orca_core::instance::Instance;
use orca_core::limits;
use orca_core::orphans::{self, Finding, Round, Rules, Standing, Verdict};

use super::api_reader::Read;
use super::{Garbage, notes};
use crate::call::CallError;
use crate::spans;

/// Reads at the same time.
const READS: usize = 16;
/// Reads in one round. More pods than that are unknown until those before them are settled.
const MOST_READS: usize = 1_000;

/// Why a round did not happen.
#[derive(Debug, thiserror::Error)]
pub(super) enum RoundError {
    #[error("the cluster cannot be read: {0}")]
    Cluster(#[from] CallError),
    #[error("there has been no complete list of instances for {} s", limits::SWEEP_FRESH.as_secs())]
    Stale,
}

impl Garbage {
    /// Judges the latest sweep, unless it was judged before. Returns whether it was judged now.
    pub(super) async fn round(&mut self) -> Result<bool, RoundError> {
        if !self.is_our_cluster().await? {
            return Ok(false);
        }
        let Some((swept, mut alive)) = self.parts.provider.listed_alive() else {
            return Ok(false);
        };
        let now = self.parts.clock.now();
        if !clock::is_recent(swept, now, limits::SWEEP_FRESH) {
            return Err(RoundError::Stale);
        }
        // The first complete sweep is not judged: the second is the first that can tell what stays.
        match self.judged.replace(swept) {
            None => return Ok(false),
            Some(before) if before == swept => return Ok(false),
            Some(_) => {}
        }
        // A back end answers for the owner alone; whatever else it lists is not looked at.
        alive.retain(|instance| instance.owner.as_ref() == Some(&self.parts.owner));
        alive.sort_by(|a, b| a.id.cmp(&b.id));
        self.compare_with_the_lease(&alive, now);
        self.report_without_pod();
        let findings = self.look(&alive).await;
        if !self.is_proven(&alive, &findings) {
            return Ok(true);
        }
        let newest = alive.iter().filter_map(|instance| instance.launched_at).max();
        let round = Round {
            now: newest.map_or(now, |newest| newest.max(now)),
            leader_since: self.parts.leader_since,
            alive: alive.len(),
            findings: &findings,
        };
        let verdict = self.history.judge(&round, self.rules(1));
        self.carry_out(&verdict, &alive, &findings);
        self.look_for_the_forgotten(&findings, swept);
        Ok(true)
    }

    /// Tells of those that name no pod in two rounds in a row: one list can be a moment ahead of the tags.
    fn report_without_pod(&mut self) {
        let now = self.parts.provider.without_pod();
        let before = std::mem::replace(&mut self.without_pod, now);
        let lasting: Vec<InstanceId> =
            self.without_pod.iter().filter(|id| before.contains(id)).cloned().collect();
        if !lasting.is_empty() {
            self.tell(&notes::without_pod(&lasting));
        }
    }

    /// Notices a set-back that happened while no process looked, by what processes before this one launched.
    fn compare_with_the_lease(&self, alive: &[Instance], now: Timestamp) {
        let is_ours = |one: &Instance| {
            one.pod.as_ref().is_some_and(|pod| self.parts.provider.launched_for(&pod.uid))
                || one.launched_at.is_none_or(|at| at > self.parts.leader_since)
        };
        let launched = alive.iter().filter(|one| !is_ours(one)).filter_map(|one| one.launched_at);
        if self.parts.set_back.is_outlived(launched) {
            self.parts.set_back.notice(now);
        }
        self.parts.set_back.forget_lease();
    }

    /// When none is left whose pod a set-back of the API server may have taken, there is nothing to hold any longer.
    fn look_for_the_forgotten(&self, findings: &[Finding<InstanceId>], swept: Timestamp) {
        let is_open = |finding: &Finding<InstanceId>| {
            finding.may_be_forgotten && matches!(finding.standing, Standing::Absent | Standing::Unknown)
        };
        if !findings.iter().any(is_open) && !self.parts.pods.has_doubts() {
            self.parts.set_back.all_found(swept);
        }
    }

    pub(super) fn rules(&self, ages: u32) -> Rules {
        let settings = &self.parts.settings;
        Rules {
            min_age: Duration::from_secs(u64::from(settings.min_age_seconds)).saturating_mul(ages),
            release: usize::try_from(settings.release_brake).unwrap_or(usize::MAX),
        }
    }

    /// Whether the API server still is that of the cluster whose instances we own.
    async fn is_our_cluster(&mut self) -> Result<bool, CallError> {
        let found = self.parts.api_reader.cluster().await?;
        let expected = self.cluster_uid.get_or_insert_with(|| found.clone()).clone();
        if found == expected {
            return Ok(true);
        }
        self.history.interrupt();
        self.leftover_history.interrupt();
        self.frozen = Some(notes::CLUSTER_CHANGED);
        self.show_frozen();
        self.tell(&notes::cluster_changed(&expected, &found));
        Ok(false)
    }

    /// Whether this is the cluster whose instances these are, when only the config says so: a name can be given to two. The
    /// Node of before proves it, or one instance whose pod is here.
    fn is_proven(&mut self, alive: &[Instance], findings: &[Finding<InstanceId>]) -> bool {
        let is_here = |pod: &PodRef| self.parts.pods.standing(&pod.uid).is_some();
        self.proven |= alive.iter().filter_map(|instance| instance.pod.as_ref()).any(is_here);
        if self.proven || findings.is_empty() {
            return true;
        }
        self.history.interrupt();
        self.leftover_history.interrupt();
        self.frozen = Some(notes::CLUSTER_UNPROVEN);
        self.show_frozen();
        let suspects: Vec<InstanceId> = findings.iter().map(|finding| finding.key.clone()).collect();
        self.tell(&notes::unproven(&self.parts.owner.cluster, &suspects));
        false
    }

    /// Everything whose pod is not known to be wanted, with what the API server said after it was listed.
    async fn look(&self, alive: &[Instance]) -> Vec<Finding<InstanceId>> {
        let doubled = orphans::doubled(alive);
        let mut doubtful: Vec<(&Instance, &PodRef)> = Vec::new();
        for instance in alive {
            let Some(pod) = &instance.pod else { continue };
            match self.parts.pods.standing(&pod.uid) {
                Some(Standing::Wanted) if !doubled.contains_key(&pod.uid) => {}
                Some(Standing::Ending | Standing::Unknown) => self.parts.pods.wake(&pod.uid),
                Some(Standing::Wanted | Standing::Absent | Standing::Surplus) | None => {
                    doubtful.push((instance, pod));
                }
            }
        }
        let reads = self.read(doubtful.iter().map(|(_, pod)| *pod)).await;
        let surplus = self.surplus(&doubled, &reads);
        let finding = |(instance, pod): (&Instance, &PodRef)| {
            let read = reads.get(pod).map_or(Standing::Unknown, Read::standing);
            let standing = match read {
                Standing::Wanted if surplus.contains(&instance.id) => Standing::Surplus,
                // The UID is alive under another name: these tags contradict each other, and prove nothing.
                Standing::Absent if self.parts.pods.standing(&pod.uid) == Some(Standing::Wanted) => {
                    Standing::Unknown
                }
                Standing::Wanted
                | Standing::Absent
                | Standing::Surplus
                | Standing::Ending
                | Standing::Unknown => read,
            };
            Finding {
                key: instance.id.clone(),
                created_at: instance.launched_at,
                standing,
                saw_deletion: self.parts.pods.saw_deletion(&pod.uid),
                launched_by_us: self.parts.provider.launched_for(&pod.uid),
                may_be_forgotten: self.parts.set_back.may_concern(instance.launched_at),
            }
        };
        doubtful.into_iter().map(finding).collect()
    }

    /// Reads each pod once, and hands what exists to the pod controller.
    pub(super) async fn read<'a>(
        &self,
        pods: impl Iterator<Item = &'a PodRef> + Send,
    ) -> HashMap<PodRef, Read> {
        // By all of its names: tags can be changed, and then two instances name one UID under two names.
        let mut pods: Vec<PodRef> = pods.cloned().collect();
        pods.sort_by(|one, other| {
            (&one.uid, &one.namespace, &one.name).cmp(&(&other.uid, &other.namespace, &other.name))
        });
        pods.dedup();
        // Owned and not borrowed: the compiler cannot tell that a stream of borrowing futures may go to another thread.
        let reads = pods.into_iter().take(MOST_READS).map(|pod| {
            let (api_reader, controller) = (Arc::clone(&self.parts.api_reader), self.parts.pods.clone());
            async move {
                let read = api_reader.pod(&pod).await;
                if let Read::There(object) = &read {
                    controller.apply((**object).clone());
                }
                (pod, read)
            }
        });
        futures::stream::iter(reads).buffer_unordered(READS).collect().await
    }

    /// Of each wanted pod with several instances, those that are too many.
    fn surplus(
        &self,
        doubled: &BTreeMap<&PodUid, Vec<&Instance>>,
        reads: &HashMap<PodRef, Read>,
    ) -> BTreeSet<InstanceId> {
        let mut all = BTreeSet::new();
        for (uid, alive) in doubled {
            let found = reads.iter().find(|(pod, read)| pod.uid == **uid && matches!(read, Read::There(_)));
            let Some((pod, read @ Read::There(object))) = found else { continue };
            if read.standing() != Standing::Wanted {
                continue;
            }
            let recorded = self.parts.pods.recorded(object);
            let alive = self.without_contradictions(pod, alive);
            let surplus = orphans::surplus(&alive, recorded.as_ref());
            if surplus.is_empty() {
                continue;
            }
            tracing::error!(
                pod = %pod,
                recorded = recorded.as_ref().map(tracing::field::display),
                instances = ?alive,
                "A pod has more than one instance, which must never be"
            );
            self.tell(&notes::surplus(pod, &alive, &surplus));
            all.extend(surplus);
        }
        all
    }

    /// Those whose tags name this pod and no other. The rest is told of: which of their tags was changed nobody here can tell, so
    /// they neither end nor make another one end.
    fn without_contradictions<'a>(&self, pod: &PodRef, alive: &[&'a Instance]) -> Vec<&'a Instance> {
        let mut named = Vec::new();
        for &instance in alive {
            match instance.contradicting_tag(pod) {
                None => named.push(instance),
                Some(tag) => self.tell(&notes::contradicting(&instance.id, &tag)),
            }
        }
        named
    }

    fn carry_out(
        &mut self,
        verdict: &Verdict<InstanceId>,
        alive: &[Instance],
        findings: &[Finding<InstanceId>],
    ) {
        let metrics = self.parts.metrics.clone();
        metrics.orphaned.set(i64::try_from(verdict.suspects.len()).unwrap_or(i64::MAX));
        let is_held = !verdict.held.is_empty();
        // The process that noticed it knows the forgotten pods, and holds them itself.
        let holds = is_held || (self.parts.set_back.is_noticed() && self.parts.pods.has_doubts());
        let frozen = verdict.frozen.as_ref().map(notes::cause).or(holds.then_some(notes::SET_BACK));
        if self.frozen.is_some() && frozen.is_none() {
            tracing::info!("Garbage collection of instances goes on");
        }
        self.frozen = frozen;
        self.show_frozen();
        if let Some(freeze) = &verdict.frozen {
            self.tell(&notes::frozen(freeze, &verdict.suspects));
        }
        if is_held {
            self.tell(&notes::forgotten(&verdict.held));
        }
        for id in &verdict.kill {
            let instance = alive.iter().find(|instance| instance.id == *id);
            let standing = findings.iter().find(|finding| finding.key == *id).map(|finding| finding.standing);
            let Some((instance, standing)) = instance.zip(standing) else { continue };
            let Some(pod) = &instance.pod else { continue };
            if self.parts.provider.end_instance(id, &pod.uid) {
                metrics.terminated.inc();
                let age = age(instance, self.parts.clock.now());
                spans::pod(pod)
                    .in_scope(|| tracing::warn!(instance_id = %id, age, "Orphaned instance is terminated"));
                self.tell(&notes::terminated(instance, standing));
            }
        }
    }
}

/// In seconds, for the log.
fn age(instance: &Instance, now: Timestamp) -> Option<i64> {
    instance.launched_at.map(|at| now.duration_since(at).as_secs())
}
