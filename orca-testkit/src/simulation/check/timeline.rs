//! A history by pod and by instance, with the questions that rules ask of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::fake_ec2::{Call, CallOutcome, Ender};
use crate::simulation::history::{Change, Fact, History, Named, PodVersion};

/// Two launches, or a launch and an end, at one moment happened in the order of the history.
pub(super) type Place = usize;

/// A history, looked through.
pub(super) struct Timeline<'h> {
    pub(super) history: &'h History,
    pub(super) pods: BTreeMap<&'h str, Life<'h>>,
    pub(super) instances: BTreeMap<&'h str, InstanceLife<'h>>,
    pub(super) calls: Vec<(Place, Timestamp, &'h Call)>,
    pub(super) requests: Vec<Asked<'h>>,
    /// When the API server was set back.
    pub(super) set_back: Vec<Timestamp>,
    /// When processes of the controller started, and which.
    pub(super) started: Vec<(Timestamp, u8)>,
    pub(super) events: Vec<(Timestamp, &'h str, &'h str)>,
    pub(super) nodes: BTreeMap<&'h str, Vec<(Timestamp, bool)>>,
}

/// What the controller asked of the API server.
pub(super) struct Asked<'h> {
    pub(super) place: Place,
    pub(super) at: Timestamp,
    pub(super) verb: &'h str,
    pub(super) name: &'h str,
    pub(super) uid: Option<&'h str>,
    pub(super) code: u16,
}

/// One pod.
#[derive(Default)]
pub(super) struct Life<'h> {
    /// Its versions; none: it is gone.
    pub(super) versions: Vec<(Place, Timestamp, Option<&'h PodVersion>)>,
}

/// One instance.
#[derive(Default)]
pub(super) struct InstanceLife<'h> {
    pub(super) cloud: &'h str,
    pub(super) launched: Option<(Place, Timestamp)>,
    pub(super) tags: Vec<(Timestamp, &'h Named)>,
    pub(super) ran_at: Option<Timestamp>,
    pub(super) passes_at: Option<Timestamp>,
    pub(super) impaired: Vec<(Timestamp, bool)>,
    pub(super) stopping: Option<(Timestamp, Ender)>,
    pub(super) ending: Option<(Place, Timestamp, Ender)>,
    /// When an answer first named it to the controller.
    pub(super) answered_at: Option<Timestamp>,
}

impl<'h> Timeline<'h> {
    pub(super) fn of(history: &'h History) -> Self {
        let mut seen = Self {
            history,
            pods: BTreeMap::new(),
            instances: BTreeMap::new(),
            calls: Vec::new(),
            requests: Vec::new(),
            set_back: Vec::new(),
            started: Vec::new(),
            events: Vec::new(),
            nodes: BTreeMap::new(),
        };
        for (place, entry) in history.entries.iter().enumerate() {
            seen.record(place, entry.at, &entry.fact);
        }
        seen
    }

    fn record(&mut self, place: Place, at: Timestamp, fact: &'h Fact) {
        match fact {
            Fact::Pod(pod) => {
                self.pods.entry(&pod.uid).or_default().versions.push((place, at, Some(pod)));
            }
            Fact::PodGone { uid } => self.pods.entry(uid).or_default().versions.push((place, at, None)),
            Fact::SetBack => self.set_back.push(at),
            Fact::Started { process } => self.started.push((at, *process)),
            Fact::Node { name, is_there } => self.nodes.entry(name).or_default().push((at, *is_there)),
            Fact::Event { about, reason } => self.events.push((at, about, reason)),
            Fact::Request { verb, name, uid, code } => {
                let uid = uid.as_deref();
                self.requests.push(Asked { place, at, verb, name, uid, code: *code });
            }
            Fact::Call { call, .. } => {
                self.calls.push((place, at, call));
                if call.action == "RunInstances" && call.outcome == CallOutcome::Done {
                    for id in &call.instances {
                        self.instances.entry(id).or_default().answered_at.get_or_insert(at);
                    }
                }
            }
            Fact::Instance { cloud, id, change } => {
                let instance = self.instances.entry(id).or_default();
                instance.cloud = cloud;
                instance.record(place, at, change);
            }
            Fact::Told(_) => {}
        }
    }

    /// The instances that were ever launched for this pod, in order.
    pub(super) fn launched_for<'t>(
        &'t self,
        uid: &'t str,
    ) -> impl Iterator<Item = (&'h str, &'t InstanceLife<'h>)> + 't {
        let of = move |instance: &InstanceLife<'_>| instance.pod() == Some(uid);
        self.instances.iter().filter(move |(_, instance)| of(instance)).map(|(id, instance)| (*id, instance))
    }

    /// Whether this name was ever the virtual node's.
    pub(super) fn is_ours(&self, node: &str) -> bool {
        self.history.nodes.contains(node)
    }

    /// A node of another name was a change of the config for a time.
    pub(super) fn is_present_node(&self, name: &str) -> bool {
        self.history.node == name
    }

    /// Whether it is bound to the node that is there at the end, and was launched where the controller is at the end.
    pub(super) fn is_present(&self, version: &PodVersion) -> bool {
        let home = &self.history.home;
        let is_at_home = version.record.as_ref().is_none_or(|record| record.cloud == *home);
        self.is_present_node(&version.node) && is_at_home
    }

    /// The latest time at which the API server was set back, before this one.
    pub(super) fn was_set_back_before(&self, at: Timestamp) -> bool {
        self.set_back.iter().any(|set_back| *set_back <= at)
    }

    /// Whether such an event was published at all.
    pub(super) fn was_told(&self, reason: &str) -> bool {
        self.events.iter().any(|(_, _, found)| *found == reason)
    }

    pub(super) fn slack(&self) -> SignedDuration {
        SignedDuration::try_from(self.history.slack).unwrap_or_default()
    }

    /// This many seconds later, and as much more as things are written down late.
    pub(super) fn later(&self, at: Timestamp, seconds: i64) -> Timestamp {
        let by = self.slack() + SignedDuration::from_secs(seconds);
        at.saturating_add(by).unwrap_or(Timestamp::MAX)
    }
}

impl<'h> Life<'h> {
    /// The version that was there at this place in the history.
    pub(super) fn at_place(&self, place: Place) -> Option<&'h PodVersion> {
        self.versions.iter().rev().find(|(when, _, _)| *when < place).and_then(|(_, _, version)| *version)
    }

    /// The version that was there at this time.
    pub(super) fn at(&self, at: Timestamp) -> Option<&'h PodVersion> {
        self.versions.iter().rev().find(|(_, when, _)| *when <= at).and_then(|(_, _, version)| *version)
    }

    /// The latest version, unless it is gone.
    pub(super) fn last(&self) -> Option<&'h PodVersion> {
        self.versions.last().and_then(|(_, _, version)| *version)
    }

    /// Every version that was there.
    pub(super) fn shown(&self) -> impl Iterator<Item = (Timestamp, &'h PodVersion)> + '_ {
        self.versions.iter().filter_map(|(_, at, version)| version.map(|version| (*at, version)))
    }

    /// Whether it was gone, deleted or terminal at some time before this place.
    pub(super) fn was_unwanted_before(&self, place: Place) -> bool {
        let unwanted = |version: Option<&PodVersion>| {
            version.is_none_or(|version| version.deletion.is_some() || version.is_terminal())
        };
        self.versions.iter().any(|(when, _, version)| *when < place && unwanted(*version))
    }

    /// Since when it has been without a break what this says of it, at the end.
    pub(super) fn since(&self, holds: impl Fn(Option<&PodVersion>) -> bool) -> Option<Timestamp> {
        let mut since = None;
        for (_, at, version) in &self.versions {
            since = if holds(*version) { since.or(Some(*at)) } else { None };
        }
        since
    }
}

impl<'h> InstanceLife<'h> {
    fn record(&mut self, place: Place, at: Timestamp, change: &'h Change) {
        match change {
            Change::Launched(named) => {
                self.launched = Some((place, at));
                self.tags.push((at, named));
            }
            Change::Tagged(named) => self.tags.push((at, named)),
            Change::Running { passes_at } => {
                self.ran_at = Some(at);
                self.passes_at = *passes_at;
            }
            Change::Impaired(is_impaired) => self.impaired.push((at, *is_impaired)),
            Change::Stopping(by) => self.stopping = Some((at, *by)),
            Change::Ending(by) => self.ending = Some((place, at, *by)),
            Change::Terminated => {
                // One that was never seen to end has ended now.
                self.ending.get_or_insert((place, at, Ender::Provider));
            }
        }
    }

    /// The pod that it was launched for.
    pub(super) fn pod(&self) -> Option<&'h str> {
        self.tags.first().and_then(|(_, named)| named.pod.as_deref())
    }

    /// Whether somebody changed its tags.
    pub(super) fn was_retagged(&self) -> bool {
        self.tags.len() > 1
    }

    /// Whether it is alive at this time.
    pub(super) fn was_alive_at(&self, at: Timestamp) -> bool {
        self.launched.is_some_and(|(_, when)| when <= at) && self.ending.is_none_or(|(_, when, _)| when >= at)
    }

    /// Whether it is alive at this place in the history.
    pub(super) fn is_alive_at(&self, place: Place) -> bool {
        self.launched.is_some_and(|(when, _)| when <= place)
            && self.ending.is_none_or(|(when, _, _)| when > place)
    }
}
