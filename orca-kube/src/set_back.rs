//! Whether the API server was set back to an older state, and until when it may have forgotten pods because of that.
//!
//! Pods that it forgot never come back, and a process that starts later never knew them: it would take their instances for
//! orphans. So the Node object records the time. For instances launched until then, a missing pod proves nothing, in any
//! process, until people say so or each of these instances has its pod.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;
use orca_core::well_known::annotation;
use tokio::sync::Notify;

/// The cloud's clock says when an instance was launched, and ours when the set-back was noticed: they differ by less.
const SKEW: Duration = Duration::from_mins(5);

/// A renewal every ten seconds, a launch that takes a minute to be carried out, and clocks that differ a little.
const OUTLIVED: Duration = Duration::from_mins(3);

/// What is known about set-backs. Cheap to clone; all clones share their state.
#[derive(Clone, Debug, Default)]
pub(crate) struct SetBack {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    noticed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Pods made until then may be forgotten.
    until: Option<Timestamp>,
    /// Whether this process itself noticed one.
    is_noticed: bool,
    /// When the node lease was renewed last before this process renewed it.
    found_lease: Option<Timestamp>,
}

impl SetBack {
    /// Sets what an earlier process recorded on the Node.
    pub(crate) fn recall(&self, recorded: Option<Timestamp>) {
        let mut state = self.state();
        state.until = state.until.max(recorded);
    }

    /// The node lease that an earlier process left says when it was renewed last.
    pub(crate) fn found_lease(&self, renewed_at: Timestamp) {
        self.state().found_lease.get_or_insert(renewed_at);
    }

    /// Whether one of these launches is later than an earlier process lived by the node lease that it left. Who launches renews it,
    /// so the lease is of an older state.
    pub(crate) fn is_outlived(&self, mut launched: impl Iterator<Item = Timestamp>) -> bool {
        let Some(renewed_at) = self.state().found_lease else { return false };
        let latest = renewed_at.saturating_add(OUTLIVED).unwrap_or(Timestamp::MAX);
        launched.any(|at| at > latest)
    }

    /// The question whether it is outlived is settled: from here on this process launches.
    pub(crate) fn forget_lease(&self) {
        self.state().found_lease = None;
    }

    /// What the Node object records. A time that cannot be parsed counts as now: holding back too much can be corrected later.
    pub(crate) fn on(node: &Node, now: Timestamp) -> Option<Timestamp> {
        let text = node.metadata.annotations.as_ref()?.get(annotation::SET_BACK_UNTIL)?;
        Some(text.parse().unwrap_or_else(|error| {
            tracing::warn!(error = %error, value = text, "The node's time of a set-back cannot be read; it is taken for now");
            now
        }))
    }

    /// The API server showed less than before.
    pub(crate) fn notice(&self, now: Timestamp) {
        let mut state = self.state();
        let until = now.saturating_add(SKEW).unwrap_or(Timestamp::MAX);
        state.until = state.until.max(Some(until));
        if !std::mem::replace(&mut state.is_noticed, true) {
            tracing::error!(
                "The API server was set back to an older state; pods that it forgot keep their instances"
            );
        }
        drop(state);
        self.shared.noticed.notify_one();
    }

    /// Waits for the next time that it is noticed. For one waiter.
    pub(crate) async fn noticed(&self) {
        self.shared.noticed.notified().await;
    }

    /// Whether this process noticed a set-back. New versions exceed the old ones within minutes, but what was forgotten stays
    /// forgotten.
    pub(crate) fn is_noticed(&self) -> bool {
        self.state().is_noticed
    }

    /// Until when pods may be forgotten. None: they were not, or all are found.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        self.state().until
    }

    /// Whether the pod of an instance that was launched then may be forgotten. One of unknown age may.
    pub(crate) fn may_concern(&self, launched_at: Option<Timestamp>) -> bool {
        self.until().is_some_and(|until| launched_at.is_none_or(|launched| launched <= until))
    }

    /// A complete list that began at this time showed no instance whose pod may be forgotten.
    pub(crate) fn all_found(&self, listed_at: Timestamp) {
        let mut state = self.state();
        if state.until.is_some_and(|until| listed_at > until) {
            tracing::info!("Every instance of before the API server was set back has its pod");
            state.until = None;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the resource versions of one object, each read from etcd or returned by a write. When one is lower than the one
/// before, the API server was set back.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    highest: u64,
}

impl Versions {
    /// Notes the version of the object. Returns whether it is lower than before.
    pub(crate) fn fell_to(&mut self, version: Option<&str>) -> bool {
        let Some(version) = version.and_then(|text| text.parse::<u64>().ok()) else { return false };
        // From here on the new versions count, so that one set-back is noticed once.
        let fell = version < self.highest;
        self.highest = version;
        fell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    #[test]
    fn pods_of_before_may_be_forgotten_until_all_are_found() {
        let set_back = SetBack::default();
        assert!(!set_back.is_noticed() && !set_back.may_concern(Some(at(0))) && !set_back.may_concern(None));
        set_back.notice(at(1_000));
        assert!(set_back.is_noticed() && set_back.may_concern(None));
        assert!(set_back.may_concern(Some(at(1_300))) && !set_back.may_concern(Some(at(1_301))));
        set_back.all_found(at(1_300));
        assert_eq!(
            set_back.until(),
            Some(at(1_300)),
            "the list may have begun before the last of them was launched"
        );
        set_back.all_found(at(1_301));
        assert_eq!((set_back.until(), set_back.is_noticed()), (None, true));
    }

    #[test]
    fn what_an_earlier_process_noticed_counts_and_is_written_as_it_is_read() {
        let recorded = SetBack::default();
        recorded.recall(Some(at(1_300)));
        assert!(!recorded.is_noticed() && recorded.may_concern(Some(at(1_300))));
        let mut node = Node::default();
        assert_eq!(SetBack::on(&node, at(9)), None);
        for (value, expected) in [("1970-01-01T00:21:40Z", Some(at(1_300))), ("yesterday", Some(at(9)))] {
            node.metadata.annotations =
                Some([(annotation::SET_BACK_UNTIL.to_owned(), value.to_owned())].into());
            assert_eq!(SetBack::on(&node, at(9)), expected, "{value}");
        }
    }

    #[test]
    fn a_lease_that_was_outlived_by_launches_is_of_an_older_state() {
        let set_back = SetBack::default();
        let launched = |second| [at(0), at(second)].into_iter();
        assert!(!set_back.is_outlived(launched(9_000)), "without an earlier lease nothing is noticed");
        set_back.found_lease(at(1_000));
        set_back.found_lease(at(5_000));
        assert!(
            !set_back.is_outlived(launched(1_180)) && set_back.is_outlived(launched(1_181)),
            "the first lease counts"
        );
        set_back.forget_lease();
        assert!(!set_back.is_outlived(launched(9_000)));
    }

    #[test]
    fn a_version_that_falls_is_noticed_once() {
        let mut versions = Versions::default();
        let seen = [
            ("7", false),
            ("9", false),
            ("9", false),
            ("8", true),
            ("8", false),
            ("x", false),
            ("10", false),
        ];
        for (version, fell) in seen {
            assert_eq!(versions.fell_to(Some(version)), fell, "{version}");
        }
        assert!(!versions.fell_to(None));
    }
}
