//! Garbage collection as a pure rule: which of the things that cost money has no pod, and whether it may be ended now.
//!
//! A thing is judged by what a linearizable read of its pod said *after* the cloud had listed it, so that the verdict is
//! stable: the absence of a UID never changes again. Two rounds and a minimum age protect against our own mistakes, the
//! brake against those that nobody thought of: a restored API server, a wrong cluster, a second ORCA.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::ids::{InstanceId, Owner, PodUid};
use crate::instance::Instance;
use crate::limits;
use crate::planted::{Bug, planted};

/// So many rounds in a row must find a thing without its pod.
pub const ROUNDS: u32 = 2;
/// What was found in this time counts for the brake.
pub const BRAKE_WINDOW: Duration = Duration::from_hours(1);
/// This many orphans in that time are ordinary, however few instances there are.
pub const BRAKE_LEAST: usize = 3;
/// With more instances, one in this many may be an orphan.
pub const BRAKE_SHARE: usize = 10;
/// Leftovers wait this many times as long as an instance: an hour by default.
pub const LEFTOVER_AGES: u32 = 12;

/// What a read made after the thing was listed says of its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The pod exists and should run.
    Wanted,
    /// The pod exists and has ended, or is to go: its own path ends the instance.
    Ending,
    /// The API server itself said that no pod of this UID exists.
    Absent,
    /// The pod is wanted and has another instance, which is the one to keep.
    Surplus,
    /// No answer, or one that proves nothing.
    Unknown,
}

/// One thing of ours that is alive, and what is known of its pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<K> {
    /// Which thing.
    pub key: K,
    /// When the cloud made it, by the cloud's clock. None: its age counts from when it was first found.
    pub created_at: Option<Timestamp>,
    /// What a read said of its pod.
    pub standing: Standing,
    /// Whether this process itself saw the pod's deletion.
    pub saw_deletion: bool,
    /// Whether this process sent a launch for this pod.
    pub launched_by_us: bool,
    /// Whether the API server was set back since, so that it may have forgotten the pod: then its absence is no deletion.
    pub may_be_forgotten: bool,
}

/// One round: a complete list of the cloud, and the reads that followed it.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a, K> {
    /// Now; never before the newest `created_at`, so that a clock that is behind makes nothing look older.
    pub now: Timestamp,
    /// Since when this process has been the active one.
    pub leader_since: Timestamp,
    /// How many things of this owner are alive in all.
    pub alive: usize,
    /// Those whose pod is not known to be wanted, and any others that were looked at.
    pub findings: &'a [Finding<K>],
}

/// What people decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Nothing younger is ended.
    pub min_age: Duration,
    /// So many orphans may be ended although they are more than the brake allows, or may be forgotten. 0: none.
    pub release: usize,
}

/// What follows from a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<K> {
    /// Everything that has no pod, or one instance too many.
    pub suspects: Vec<K>,
    /// What to end now. Empty while frozen.
    pub kill: Vec<K>,
    /// Those of the suspects whose pod may be forgotten: they stay until people release them.
    pub held: Vec<K>,
    /// Why nothing is ended although there is something to end.
    pub frozen: Option<Freeze<K>>,
}

/// Why nothing is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freeze<K> {
    /// More orphans than mistakes explain.
    Brake {
        /// Orphans within the last hour.
        orphans: usize,
        /// How many would be ordinary.
        limit: usize,
    },
    /// Somebody else launches under our identity.
    ForeignWriter {
        /// What they launched.
        key: K,
    },
}

/// What earlier rounds found. In memory only: a restart starts over, and with it the two rounds.
#[derive(Clone, Debug)]
pub struct History<K> {
    suspicions: BTreeMap<K, Suspicion>,
    /// When each orphan was last found, for the brake.
    counted: BTreeMap<K, Timestamp>,
    /// Ended by permission, so not a reason to brake again.
    permitted: BTreeSet<K>,
    braked: bool,
}

#[derive(Clone, Copy, Debug)]
struct Suspicion {
    rounds: u32,
    since: Timestamp,
}

impl<K> Default for History<K> {
    fn default() -> Self {
        Self {
            suspicions: BTreeMap::new(),
            counted: BTreeMap::new(),
            permitted: BTreeSet::new(),
            braked: false,
        }
    }
}

impl<K: Ord + Clone> History<K> {
    /// Judges one round and remembers it.
    ///
    /// The brake lasts until it is released, or until no orphan was found for an hour.
    pub fn judge(&mut self, round: &Round<'_, K>, rules: Rules) -> Verdict<K> {
        let is_suspect =
            |finding: &&Finding<K>| matches!(finding.standing, Standing::Absent | Standing::Surplus);
        let suspects: Vec<&Finding<K>> = round.findings.iter().filter(is_suspect).collect();
        self.remember(&suspects, round.now);
        let held: Vec<K> =
            suspects.iter().filter(|one| is_held(one)).map(|finding| finding.key.clone()).collect();
        let held = if held.len() > rules.release { held } else { Vec::new() };
        let due: Vec<&Finding<K>> = suspects
            .iter()
            .copied()
            .filter(|finding| self.is_confirmed(finding) && !held.contains(&finding.key))
            .collect();
        let orphans = self.count(&due, round.now);
        let brake = self.brake(orphans, round.alive, rules.release);
        let frozen = foreign(&suspects, round.leader_since).or(brake);
        let mut kill: Vec<K> = Vec::new();
        if frozen.is_none() {
            let ripe = due.into_iter().filter(|finding| self.is_ripe(finding, round.now, rules.min_age));
            kill.extend(ripe.map(|finding| finding.key.clone()));
            if orphans > ordinary(round.alive) {
                self.permitted.extend(kill.iter().cloned());
            }
        }
        let suspects = suspects.into_iter().map(|finding| finding.key.clone()).collect();
        Verdict { suspects, kill, held, frozen }
    }

    /// Forgets the rounds, because the next one is about another world. What counts for the brake stays.
    pub fn interrupt(&mut self) {
        self.suspicions.clear();
    }

    fn remember(&mut self, suspects: &[&Finding<K>], now: Timestamp) {
        let mut suspicions = BTreeMap::new();
        for finding in suspects {
            let before = self.suspicions.get(&finding.key);
            let rounds = before.map_or(0, |suspicion| suspicion.rounds).saturating_add(1);
            let since = before.map_or(now, |suspicion| suspicion.since);
            suspicions.insert(finding.key.clone(), Suspicion { rounds, since });
        }
        // What is no suspect now starts over: only rounds in a row count.
        self.suspicions = suspicions;
    }

    /// Whether there is enough evidence: two rounds in a row, or the pod's deletion with our own eyes.
    fn is_confirmed(&self, finding: &Finding<K>) -> bool {
        let rounds = self.suspicions.get(&finding.key).map_or(0, |suspicion| suspicion.rounds);
        rounds >= ROUNDS || is_witnessed(finding)
    }

    fn is_ripe(&self, finding: &Finding<K>, now: Timestamp, min_age: Duration) -> bool {
        let first_found = self.suspicions.get(&finding.key).map_or(now, |suspicion| suspicion.since);
        let born = finding.created_at.unwrap_or(first_found);
        is_witnessed(finding) || now.duration_since(born) >= signed(min_age)
    }

    /// How many different orphans there were within the last hour.
    fn count(&mut self, due: &[&Finding<K>], now: Timestamp) -> usize {
        for finding in due {
            self.counted.insert(finding.key.clone(), now);
        }
        self.counted.retain(|_, at| now.duration_since(*at) < signed(BRAKE_WINDOW));
        let counted = &self.counted;
        self.permitted.retain(|key| counted.contains_key(key));
        self.counted.len()
    }

    fn brake(&mut self, orphans: usize, alive: usize, release: usize) -> Option<Freeze<K>> {
        let unpermitted = orphans.saturating_sub(self.permitted.len());
        let limit = ordinary(alive);
        let is_released = orphans <= release;
        self.braked = !is_released && unpermitted > 0 && (self.braked || unpermitted > limit);
        (self.braked && !planted(Bug::NoBrake)).then_some(Freeze::Brake { orphans, limit })
    }
}

/// How many orphans in an hour are ordinary, with this many alive.
#[must_use]
pub fn ordinary(alive: usize) -> usize {
    BRAKE_LEAST.max(alive / BRAKE_SHARE)
}

/// A surplus instance has a pod, so its deletion says nothing.
fn is_witnessed<K>(finding: &Finding<K>) -> bool {
    finding.saw_deletion && finding.standing == Standing::Absent
}

/// A pod whose deletion was seen is not forgotten, and one that is there has a surplus all the same.
fn is_held<K>(finding: &Finding<K>) -> bool {
    finding.may_be_forgotten && finding.standing == Standing::Absent && !finding.saw_deletion
}

/// While we are the active process, and after every send of our predecessor has become void, only we launch.
fn foreign<K: Clone>(suspects: &[&Finding<K>], leader_since: Timestamp) -> Option<Freeze<K>> {
    let ours_alone_from = leader_since.saturating_add(limits::SIGNATURE_LIFETIME).unwrap_or(Timestamp::MAX);
    let is_foreign = |finding: &&&Finding<K>| {
        !finding.launched_by_us && finding.created_at.is_some_and(|at| at > ours_alone_from)
    };
    let found = suspects.iter().find(is_foreign)?;
    Some(Freeze::ForeignWriter { key: found.key.clone() })
}

fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}

/// Of several alive instances of one pod, those that are one too many: all but the recorded one, else all but the
/// oldest. Of one or none: nothing.
#[must_use]
pub fn surplus(alive: &[&Instance], recorded: Option<&InstanceId>) -> Vec<InstanceId> {
    let by_age =
        |instance: &&&Instance| (instance.launched_at.unwrap_or(Timestamp::MAX), instance.id.clone());
    let keep = alive
        .iter()
        .find(|instance| Some(&instance.id) == recorded)
        .or_else(|| alive.iter().min_by_key(by_age));
    let Some(keep) = keep.map(|instance| &instance.id) else {
        return Vec::new();
    };
    alive.iter().map(|instance| &instance.id).filter(|id| *id != keep).cloned().collect()
}

/// The pods of which more than one instance is alive.
#[must_use]
pub fn doubled(alive: &[Instance]) -> BTreeMap<&PodUid, Vec<&Instance>> {
    let mut by_pod: BTreeMap<&PodUid, Vec<&Instance>> = BTreeMap::new();
    for instance in alive.iter().filter(|instance| instance.state.is_alive()) {
        if let Some(pod) = &instance.pod {
            by_pod.entry(&pod.uid).or_default().push(instance);
        }
    }
    by_pod.retain(|_, instances| instances.len() > 1);
    by_pod
}

/// Whether an instance of our cluster costs money and is not this node's: it names another node or none. It is reported and
/// never touched.
#[must_use]
pub fn is_foreign(instance: &Instance, owner: &Owner) -> bool {
    instance.state.is_alive() && instance.owner.as_ref() != Some(owner)
}

#[cfg(test)]
mod tests;
