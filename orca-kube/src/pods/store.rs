//! The latest known objects of the node's pods, by UID.
//!
//! Decisions read this cache, but a stale entry does no harm: the API server checks every write against the version that it
//! was computed from, and it confirms the absence of a pod before anything follows from that.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use orca_core::ids::{PodRef, PodUid};
use orca_core::planted::{Bug, planted};
use orca_core::pod::{self, Intent};
use tokio::sync::Notify;

use crate::absence::Absence;
use crate::metrics::PHASES;
use crate::recent::Recent;

#[derive(Debug, Default)]
pub(super) struct Store {
    pods: Mutex<Pods>,
    synced: AtomicBool,
    listed: Notify,
    /// The highest version of a complete list.
    highest: AtomicU64,
    /// Pods whose deletion the watch showed to this process.
    pub(super) departed: Recent<PodUid>,
}

#[derive(Debug, Default)]
struct Pods {
    by_uid: BTreeMap<PodUid, Slot>,
    /// The latest UID of each namespace and name.
    by_name: BTreeMap<(Arc<str>, Arc<str>), PodUid>,
}

#[derive(Debug)]
struct Slot {
    entry: Entry,
    failures: u32,
}

/// One pod.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) reference: PodRef,
    pub(super) pod: Arc<Pod>,
    pub(super) presence: Presence,
}

/// Whether the object exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It was read, and nothing suggests that it is gone.
    There,
    /// It has to be read before anything is concluded.
    Doubtful,
    /// It is gone, which is final for a UID.
    Gone,
}

impl Store {
    fn pods(&self) -> MutexGuard<'_, Pods> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, uid: &PodUid) -> Option<Entry> {
        self.pods().by_uid.get(uid).map(|slot| slot.entry.clone())
    }

    pub(super) fn uids(&self) -> Vec<PodUid> {
        self.pods().by_uid.keys().cloned().collect()
    }

    pub(super) fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Acquire)
    }

    /// Waits for the first complete list.
    pub(super) async fn synced(&self) {
        while !self.is_synced() {
            let listed = self.listed.notified();
            if !self.is_synced() {
                listed.await;
            }
        }
    }

    pub(super) fn mark_synced(&self) {
        self.synced.store(true, Ordering::Release);
        self.listed.notify_waiters();
    }

    /// Stores an object that was read or watched, unless a newer version is known. Returns the UIDs to look at.
    ///
    /// If another pod has the same name, the earlier one is in doubt (B5).
    pub(super) fn apply(&self, mut object: Pod) -> Vec<PodUid> {
        let Some(reference) = pod::reference(&object) else {
            return Vec::new();
        };
        // Field ownership is half of an object's size, and is not used here.
        object.metadata.managed_fields = None;
        let mut pods = self.pods();
        let mut changed = vec![reference.uid.clone()];
        let name = (Arc::clone(&reference.namespace), Arc::clone(&reference.name));
        let before = pods.by_name.insert(name, reference.uid.clone()).filter(|uid| *uid != reference.uid);
        if let Some(uid) = before
            && let Some(slot) = pods.by_uid.get_mut(&uid)
            && slot.entry.presence == Presence::There
        {
            slot.entry.presence = Presence::Doubtful;
            changed.push(uid);
        }
        match pods.by_uid.get_mut(&reference.uid) {
            Some(slot) if slot.entry.presence == Presence::Gone => return Vec::new(),
            Some(slot) if !is_newer(&object, &slot.entry.pod) => {}
            Some(slot) => {
                slot.entry.pod = Arc::new(object);
                slot.entry.presence = Presence::There;
            }
            None => {
                let uid = reference.uid.clone();
                let entry = Entry { reference, pod: Arc::new(object), presence: Presence::There };
                pods.by_uid.insert(uid, Slot { entry, failures: 0 });
            }
        }
        changed
    }

    /// The pod is gone, which is final. Returns its UID, if it was known.
    pub(super) fn depart(&self, absence: &Absence) -> Option<PodUid> {
        let uid = absence.uid();
        let mut pods = self.pods();
        let slot = pods.by_uid.get_mut(uid)?;
        slot.entry.presence = Presence::Gone;
        Some(uid.clone())
    }

    /// A complete list did not show these: each has to be confirmed by reading it (B4).
    pub(super) fn not_listed(&self, listed: &std::collections::HashSet<PodUid>) -> Vec<PodUid> {
        let mut doubtful = Vec::new();
        if planted(Bug::NoRelist) {
            return doubtful;
        }
        for (uid, slot) in &mut self.pods().by_uid {
            if !listed.contains(uid) && slot.entry.presence == Presence::There {
                slot.entry.presence = Presence::Doubtful;
                doubtful.push(uid.clone());
            }
        }
        doubtful
    }

    pub(super) fn doubt(&self, uid: &PodUid) {
        if let Some(slot) = self.pods().by_uid.get_mut(uid)
            && slot.entry.presence == Presence::There
        {
            slot.entry.presence = Presence::Doubtful;
        }
    }

    /// Stores the object that a GET returned for a pod that was known like this: it exists, unless it is known to be gone. It
    /// counts even with a lower version, which only a restored API server returns, unless a newer one came in meanwhile.
    pub(super) fn confirm(&self, known: &Entry, mut object: Pod) {
        let mut pods = self.pods();
        let Some(slot) = pods.by_uid.get_mut(&known.reference.uid) else { return };
        object.metadata.managed_fields = None;
        if Arc::ptr_eq(&slot.entry.pod, &known.pod) || is_newer(&object, &slot.entry.pod) {
            slot.entry.pod = Arc::new(object);
        }
        if slot.entry.presence == Presence::Doubtful {
            slot.entry.presence = Presence::There;
        }
    }

    /// Whether a newer version of this object is known.
    pub(super) fn is_known_newer(&self, object: &Pod) -> bool {
        let uid = object.metadata.uid.as_deref().map(PodUid::new);
        let known = uid.and_then(|uid| self.get(&uid));
        known.is_some_and(|known| !is_newer(object, &known.pod))
    }

    /// Marks the pod of this object as in doubt, and returns its UID.
    pub(super) fn doubt_object(&self, object: &Pod) -> Option<PodUid> {
        let uid = PodUid::new(object.metadata.uid.as_deref()?);
        self.doubt(&uid);
        Some(uid)
    }

    /// How many pods are in each phase.
    pub(super) fn in_phases(&self) -> [usize; PHASES.len()] {
        let mut counts = [0; PHASES.len()];
        for slot in self.pods().by_uid.values() {
            let phase = slot.entry.pod.status.as_ref().and_then(|status| status.phase.as_deref());
            let place = PHASES.iter().position(|known| Some(*known) == phase).unwrap_or_default();
            counts[place] += 1;
        }
        counts
    }

    /// How many of the known pods are wanted.
    pub(super) fn wanted(&self) -> usize {
        let pods = self.pods();
        let is_wanted = |slot: &&Slot| {
            slot.entry.presence != Presence::Gone && pod::intent(&slot.entry.pod) == Intent::Wanted
        };
        pods.by_uid.values().filter(is_wanted).count()
    }

    /// Notes the version of a complete list. Returns whether it is older than an earlier one: the API server was set back.
    pub(super) fn listed_at(&self, version: Option<u64>) -> bool {
        let Some(version) = version else { return false };
        let highest = self.highest.fetch_max(version, Ordering::AcqRel).max(self.highest_known());
        version < highest
    }

    /// How many pods are in doubt, so that the API server has to be asked before anything is concluded.
    pub(super) fn doubts(&self) -> usize {
        self.pods().by_uid.values().filter(|slot| slot.entry.presence == Presence::Doubtful).count()
    }

    fn highest_known(&self) -> u64 {
        self.pods().by_uid.values().filter_map(|slot| version(&slot.entry.pod)).max().unwrap_or_default()
    }

    pub(super) fn forget(&self, uid: &PodUid) {
        let mut pods = self.pods();
        let Some(slot) = pods.by_uid.remove(uid) else { return };
        let name = (slot.entry.reference.namespace, slot.entry.reference.name);
        if pods.by_name.get(&name) == Some(uid) {
            pods.by_name.remove(&name);
        }
    }

    /// Counts a failure, and returns how many there were in a row.
    pub(super) fn failed(&self, uid: &PodUid) -> u32 {
        self.pods().by_uid.get_mut(uid).map_or(1, |slot| {
            slot.failures = slot.failures.saturating_add(1);
            slot.failures
        })
    }

    pub(super) fn succeeded(&self, uid: &PodUid) {
        if let Some(slot) = self.pods().by_uid.get_mut(uid) {
            slot.failures = 0;
        }
    }
}

/// Resource versions of one kind can be compared as numbers (Kubernetes API concepts, "Resource versions"). One that
/// cannot be read counts as newer: a write computed from it would only meet a conflict.
fn is_newer(object: &Pod, known: &Pod) -> bool {
    match (version(object), version(known)) {
        (Some(new), Some(old)) => new >= old,
        _ => true,
    }
}

fn version(pod: &Pod) -> Option<u64> {
    pod.metadata.resource_version.as_deref().and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, uid: &str, version: &str) -> Pod {
        let value = serde_json::json!({
            "metadata": { "namespace": "ml", "name": name, "uid": uid, "resourceVersion": version }
        });
        serde_json::from_value(value).expect("a pod")
    }

    fn version(store: &Store, uid: &str) -> Option<String> {
        store.get(&uid.into()).and_then(|entry| entry.pod.metadata.resource_version.clone())
    }

    #[test]
    fn an_older_version_never_replaces_a_newer_one() {
        let store = Store::default();
        store.apply(pod("a", "1", "9"));
        store.apply(pod("a", "1", "10"));
        store.apply(pod("a", "1", "9"));
        assert_eq!(version(&store, "1").as_deref(), Some("10"));
    }

    #[test]
    fn a_new_pod_of_the_same_name_puts_the_old_one_in_doubt() {
        let store = Store::default();
        store.apply(pod("a", "1", "1"));
        let changed = store.apply(pod("a", "2", "5"));
        assert_eq!(changed.len(), 2, "B5: a UID change is a deletion and an addition");
        assert_eq!(store.get(&"1".into()).map(|entry| entry.presence), Some(Presence::Doubtful));
    }

    #[test]
    fn what_a_list_no_longer_shows_is_doubted_and_never_taken_for_gone() {
        let store = Store::default();
        store.apply(pod("a", "1", "1"));
        store.apply(pod("b", "2", "1"));
        let doubtful = store.not_listed(&std::collections::HashSet::from(["2".into()]));
        assert_eq!(doubtful, ["1".into()], "B4");
        assert_eq!(store.get(&"1".into()).map(|entry| entry.presence), Some(Presence::Doubtful));
    }

    #[test]
    fn what_the_api_server_itself_shows_counts_although_it_was_restored() {
        let store = Store::default();
        store.apply(pod("a", "1", "100"));
        let known = store.get(&"1".into()).expect("known");
        assert!(store.is_known_newer(&pod("a", "1", "40")), "a newer version is known");
        store.confirm(&known, pod("a", "1", "40"));
        assert_eq!(
            version(&store, "1").as_deref(),
            Some("40"),
            "an older version from a GET must count: every write would conflict otherwise"
        );
        store.apply(pod("a", "1", "41"));
        store.confirm(&known, pod("a", "1", "40"));
        assert_eq!(
            version(&store, "1").as_deref(),
            Some("41"),
            "a newer version came in meanwhile, so the GET must not count"
        );
    }

    #[test]
    fn a_list_below_what_was_seen_is_behind() {
        let store = Store::default();
        store.apply(pod("a", "1", "100"));
        for (listed, is_older) in [(120, false), (90, true), (119, true), (500, false)] {
            assert_eq!(store.listed_at(Some(listed)), is_older, "{listed}");
        }
    }

    #[test]
    fn a_deleted_pod_stays_gone_whatever_arrives_late() {
        let store = Store::default();
        store.apply(pod("a", "1", "1"));
        store.depart(&Absence::by_watch(&pod("a", "1", "7")).expect("a proof"));
        store.apply(pod("a", "1", "5"));
        store.confirm(&store.get(&"1".into()).expect("known"), pod("a", "1", "6"));
        assert_eq!(store.get(&"1".into()).map(|entry| entry.presence), Some(Presence::Gone));
    }
}
