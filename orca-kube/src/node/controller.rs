//! Keeps the Node object true: registers or adopts it, restores what we own, re-creates it when it is deleted.
//!
//! What others own is kept: labels, annotations, taints, conditions, cordon. A difference is always computed from the live
//! object (A35), so a change by somebody else to what ORCA owns is undone at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, NodeCondition, Taint};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, Event};
use orca_core::clock::Clock;
use orca_core::provider::Provider;
use orca_core::resources::Resources;
use orca_core::well_known::{annotation, label, taint};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::cloud_events::CloudEvents;
use super::difference::{
    OWN_TAINTS, allocatable, changed_fields, condition, differs, has_taint, keep_transition, no_schedule,
    pass_on, was_ready, with_taints,
};
use super::object::NodeTemplate;
use super::recreations::Recreations;
use crate::call::{AT_START, CallError, bounded, bounded_on, in_words};
use crate::crash::{self, Effect};
use crate::error::Error;
use crate::health::Health;
use crate::identity::IdentityGuard;
use crate::metrics::{NodeMetrics, Outcome};
use crate::rights::explained;
use crate::set_back::SetBack;
use crate::watching;

/// At least this often a heartbeat is written, although nothing changed (A31).
const HEARTBEAT_SECONDS: i64 = 300;
/// How often the live object is compared with what it should be.
const LOOK: Duration = Duration::from_secs(1);
/// After this many intervals without a complete sweep a taint keeps new pods away.
const SWEEPS_WITHOUT_ANSWER: f64 = 3.0;

/// What the controller works with.
pub(crate) struct NodeParts {
    pub(crate) client: kube::Client,
    pub(crate) template: NodeTemplate,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Health,
    pub(crate) metrics: NodeMetrics,
    /// Take over an existing node that is not ORCA's.
    pub(crate) adopt_foreign: bool,
    pub(crate) identity: IdentityGuard,
    pub(crate) set_back: SetBack,
    pub(crate) events: CloudEvents,
}

/// What the node lease and the admission of pods need to know about the live Node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its UID, for its lease.
    pub(crate) uid: String,
    /// Its labels, for the admission of pods.
    pub(crate) labels: BTreeMap<String, String>,
    /// What it offers, for the same.
    pub(crate) allocatable: Arc<Resources>,
}

/// The loop that keeps the Node object true.
pub(crate) struct NodeController {
    parts: NodeParts,
    api: Api<Node>,
    facts: watch::Sender<Option<Facts>>,
    unreachable_since: Mutex<Option<Timestamp>>,
    recreations: Mutex<Recreations>,
}

impl NodeController {
    pub(crate) fn new(parts: NodeParts) -> Self {
        let api = Api::all(parts.client.clone());
        Self {
            parts,
            api,
            facts: watch::Sender::new(None),
            unreachable_since: Mutex::default(),
            recreations: Mutex::default(),
        }
    }

    /// What is known of the live Node; nothing before it is registered.
    pub(crate) fn facts(&self) -> watch::Receiver<Option<Facts>> {
        self.facts.subscribe()
    }

    fn tell(&self, live: &Node) {
        self.parts.events.saw(live);
        let facts = live.metadata.uid.clone().map(|uid| {
            let labels = live.metadata.labels.clone().unwrap_or_default();
            Facts { uid, labels, allocatable: Arc::new(allocatable(live)) }
        });
        self.facts.send_if_modified(|known| {
            let changed = *known != facts;
            known.clone_from(&facts);
            changed
        });
    }

    /// Creates or adopts the Node, for as long as it takes. The only error is [`Error::ForeignNode`].
    pub(crate) async fn register(&self) -> Result<Node, Error> {
        let mut failures = 0;
        loop {
            match self.try_register().await {
                Ok(node) => {
                    if !self.parts.adopt_foreign && !is_ours(&node) {
                        return Err(Error::ForeignNode(self.parts.template.config.node.name.clone()));
                    }
                    self.tell(&node);
                    self.parts.health.set_registered();
                    return Ok(node);
                }
                Err(error) => {
                    failures += 1;
                    self.parts.health.beat();
                    let error = explained(&error, &self.parts.template.config.node.name);
                    tracing::warn!(error, "Node not registered; trying again");
                    self.parts.health.registration_failed(error);
                    tokio::time::sleep(AT_START.delay(failures)).await;
                }
            }
        }
    }

    async fn get(&self) -> Result<Node, CallError> {
        let name = &self.parts.template.config.node.name;
        bounded_on(("nodes", name), self.api.get(name)).await
    }

    async fn try_register(&self) -> Result<Node, CallError> {
        match self.get().await {
            Err(CallError::NotFound(_)) => self.create(None).await,
            other => other,
        }
    }

    /// Creates the Node. One that was deleted comes back with the labels, taints and cordon that it had.
    async fn create(&self, last: Option<&Node>) -> Result<Node, CallError> {
        let mut node = self.parts.template.build(self.now());
        // A Node that was Ready comes back Ready: an outage of the cloud evicts no pod, even if the Node is deleted (A48).
        let was_ready = last.and_then(|last| last.status.as_ref()).is_some_and(was_ready);
        if was_ready {
            node.status = Some(self.parts.template.status(true, self.now()));
        }
        self.parts.provider.configure_node(&mut node);
        if let Some(last) = last {
            let labels = last.metadata.labels.clone().unwrap_or_default();
            node.metadata.labels = Some(labels.into_iter().chain(self.parts.template.labels()).collect());
            node.metadata.annotations.clone_from(&last.metadata.annotations);
            let spec = node.spec.get_or_insert_default();
            spec.unschedulable = last.spec.as_ref().and_then(|spec| spec.unschedulable);
            spec.provider_id = provider_id(last).map(str::to_owned).or_else(|| spec.provider_id.take());
            spec.taints = Some(with_taints(last, &self.parts.template.taints()));
        }
        let params = PostParams::default();
        match crash::around(Effect::NodeCreate, bounded(self.api.create(&params, &node))).await {
            Ok(node) => {
                tracing::info!(node_name = self.parts.template.config.node.name, "Node registered");
                Ok(node)
            }
            // Another writer was faster: adopt what there is.
            Err(CallError::Conflict) => self.get().await,
            Err(error) => Err(error),
        }
    }

    /// Keeps the Node as it should be, for ever, starting from this state of it.
    pub(crate) async fn run(&self, node: Node) {
        let selector = format!("metadata.name={}", self.parts.template.config.node.name);
        let config = watcher::Config::default().fields(&selector).timeout(60);
        // kube's `watch_object` would not list again when the start of a watch is answered with 410.
        let mut events = std::pin::pin!(watching::watch::<Node>(&self.parts.client, config));
        let mut live = node;
        let (mut listed, mut was_absent) = (false, false);
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let missing = tokio::select! {
                biased;
                event = events.next() => match event {
                    Some(Ok(Event::Init)) => { listed = false; continue }
                    Some(Ok(Event::InitApply(node) | Event::Apply(node))) => { live = node; listed = true; false }
                    Some(Ok(Event::InitDone)) => !listed,
                    Some(Ok(Event::Delete(node))) => { live = node; true }
                    Some(Err(error)) => {
                        tracing::warn!(error = in_words(&error), "Watch on the node failed; it is taken up again");
                        continue;
                    }
                    None => return,
                },
                _tick = look.tick() => false,
            };
            self.parts.health.beat();
            let result = if missing { self.recreate(&live).await } else { self.keep(&live).await };
            let is_absent = matches!(result, Err(CallError::NotFound(_)));
            match result {
                Ok(Some(node)) => live = node,
                Ok(None) | Err(CallError::Conflict) => {}
                // The deletion may be about to arrive by the watch, with the last state of the object and what others wrote
                // into it.
                Err(CallError::NotFound(_)) if !was_absent => {}
                Err(CallError::NotFound(_)) => {
                    if let Ok(Some(node)) = self.recreate(&live).await {
                        live = node;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "Node not brought up to date; trying again");
                    tokio::time::sleep(LOOK).await;
                }
            }
            was_absent = is_absent;
        }
    }

    async fn recreate(&self, last: &Node) -> Result<Option<Node>, CallError> {
        // If the Node is deleted again and again, it comes back more and more slowly (A17).
        let pause =
            self.recreations.lock().unwrap_or_else(PoisonError::into_inner).next(self.parts.clock.now());
        tokio::time::sleep(pause).await;
        tracing::warn!(
            node_name = self.parts.template.config.node.name,
            "Node was deleted; creating it again"
        );
        let node = self.create(Some(last)).await?;
        self.tell(&node);
        Ok(Some(node))
    }

    /// Restores what is ours on the live object. None: nothing to do.
    async fn keep(&self, live: &Node) -> Result<Option<Node>, CallError> {
        self.tell(live);
        let name = &self.parts.template.config.node.name;
        let own: Vec<Taint> =
            self.keeps_away(live).await.into_iter().chain(self.stands_still(live)).collect();
        if let Some(patch) = self.object_patch(live, own) {
            let (params, patch) = (PatchParams::default(), Patch::Strategic(patch));
            let call = bounded_on(("nodes", name), self.api.patch(name, &params, &patch));
            return crash::around(Effect::NodePatch, call).await.map(Some);
        }
        let Some(patch) = self.status_patch(live).await else {
            return Ok(None);
        };
        let (params, patch) = (PatchParams::default(), Patch::Strategic(patch));
        let call = bounded_on(("nodes", name), self.api.patch_status(name, &params, &patch));
        let result = crash::around(Effect::NodePatch, call).await;
        self.parts.metrics.status_writes.get_or_create(&Outcome::of(result.is_ok())).inc();
        result.map(Some)
    }

    /// Labels, annotations, taints and provider id that are missing or differ. The list of taints has no merge key, so it is sent whole, and only
    /// over the version that it was computed from.
    fn object_patch(&self, live: &Node, own: Vec<Taint>) -> Option<Value> {
        let labels: BTreeMap<String, String> = self
            .parts
            .template
            .labels()
            .into_iter()
            .filter(|(key, value)| {
                live.metadata.labels.as_ref().and_then(|labels| labels.get(key)) != Some(value)
            })
            .collect();
        let annotations = self.annotations_patch(live);
        let mut taints = with_taints(live, &self.parts.template.taints());
        taints
            .retain(|taint| !OWN_TAINTS.contains(&&*taint.key) || own.iter().any(|one| one.key == taint.key));
        for taint in own {
            if taints.iter().all(|other| other.key != taint.key) {
                taints.push(taint);
            }
        }
        let current = live.spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
        // The provider id can be set once and never changed, so it waits until the node's identity is certain.
        let is_unnamed = provider_id(live).is_none() && self.parts.identity.mismatch().is_none();
        if labels.is_empty() && annotations.is_empty() && taints == current && !is_unnamed {
            return None;
        }
        let mut patch = json!({ "metadata": { "resourceVersion": live.metadata.resource_version } });
        if !labels.is_empty() {
            patch["metadata"]["labels"] = json!(labels);
        }
        if !annotations.is_empty() {
            patch["metadata"]["annotations"] = json!(annotations);
        }
        if taints != current {
            patch["spec"]["taints"] = json!(taints);
        }
        if is_unnamed {
            patch["spec"]["providerID"] = json!(self.parts.template.provider_id());
        }
        Some(patch)
    }

    /// The annotations for the next process, as far as they differ: the identities that the node belongs to, and whether the
    /// API server was set back. Those without a value are removed.
    fn annotations_patch(&self, live: &Node) -> BTreeMap<&'static str, Option<String>> {
        let until = self.parts.set_back.until().map(|until| until.to_string());
        let mut wanted = vec![(annotation::SET_BACK_UNTIL, until)];
        if let Some(recorded) = self.parts.identity.to_record() {
            wanted.push((annotation::CLUSTER_ID, recorded.cluster.map(|cluster| cluster.to_string())));
            wanted.push((annotation::CLOUD_IDENTITY, recorded.cloud.map(|cloud| cloud.to_string())));
        }
        let annotations = live.metadata.annotations.as_ref();
        let is_there = |(key, wanted): &(&str, Option<String>)| {
            annotations.and_then(|live| live.get(*key)) == wanted.as_ref()
        };
        wanted.into_iter().filter(|one| !is_there(one)).collect()
    }

    /// The taint that keeps new pods away while the cloud has not answered for a while. Running pods are not affected by
    /// that, so the node stays Ready and nobody is evicted (A48).
    async fn keeps_away(&self, live: &Node) -> Option<Taint> {
        let answered = self.parts.provider.ping().await.is_ok();
        let now = self.parts.clock.now();
        let mut since = self.unreachable_since.lock().unwrap_or_else(PoisonError::into_inner);
        if answered {
            *since = None;
            return None;
        }
        let began = *since.get_or_insert(now);
        let patience = self.parts.template.config.controller.sweep_seconds * SWEEPS_WITHOUT_ANSWER;
        // A taint that an earlier process set stays until the cloud answers.
        let is_long = now.duration_since(began).as_secs_f64() >= patience;
        (is_long || has_taint(live, taint::CLOUD_UNREACHABLE)).then(|| no_schedule(taint::CLOUD_UNREACHABLE))
    }

    /// The taint that keeps new pods away while cluster or cloud are not those of this node.
    fn stands_still(&self, live: &Node) -> Option<Taint> {
        let identity = &self.parts.identity;
        // Until the identity is known, what an earlier process found still counts.
        let is_open = identity.to_record().is_none() && has_taint(live, taint::IDENTITY_CHANGED);
        (is_open || identity.mismatch().is_some()).then(|| no_schedule(taint::IDENTITY_CHANGED))
    }

    async fn status_patch(&self, live: &Node) -> Option<Value> {
        let now = self.now();
        let old = live.status.clone().unwrap_or_default();
        // A Node that was Ready stays Ready: a restart during an outage of the cloud evicts no pod (A48).
        let ready = was_ready(&old) || self.parts.provider.ping().await.is_ok();
        let mut node = Node { status: Some(self.parts.template.status(ready, now)), ..Node::default() };
        self.parts.provider.configure_node(&mut node);
        let mut wanted = node.status.unwrap_or_default();
        pass_on(&old, &mut wanted);
        let conditions: Vec<NodeCondition> = wanted.conditions.take().unwrap_or_default();
        let changed: Vec<NodeCondition> = conditions
            .into_iter()
            .map(|new| keep_transition(new, &old))
            .filter(|new| differs(new, &old))
            .collect();
        let is_due = condition(&old, "Ready")
            .and_then(|ready| ready.last_heartbeat_time.as_ref())
            .is_none_or(|at| now.as_second() - at.0.as_second() >= HEARTBEAT_SECONDS);
        let mut status = changed_fields(&old, &wanted);
        if changed.is_empty() && status.as_object().is_none_or(serde_json::Map::is_empty) && !is_due {
            return None;
        }
        let beats = if changed.is_empty() {
            condition(&old, "Ready").cloned().into_iter().collect()
        } else {
            changed
        };
        let beats: Vec<NodeCondition> = beats
            .into_iter()
            .map(|beat| NodeCondition { last_heartbeat_time: Some(k8s_time(now)), ..beat })
            .collect();
        status["conditions"] = json!(beats);
        Some(json!({ "status": status }))
    }

    fn now(&self) -> Timestamp {
        let now = self.parts.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

fn k8s_time(at: Timestamp) -> k8s_openapi::apimachinery::pkg::apis::meta::v1::Time {
    k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at)
}

/// The provider id that the live node has.
fn provider_id(node: &Node) -> Option<&str> {
    node.spec.as_ref()?.provider_id.as_deref().filter(|id| !id.is_empty())
}

/// A node that some ORCA registered.
fn is_ours(node: &Node) -> bool {
    node.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(label::PROVIDER))
}
