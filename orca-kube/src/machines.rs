//! The provider over any cloud: pods as machines.
//!
//! One sweep lists all machines of the owner; nothing here asks the cloud about a single pod on a timer. Sends run on
//! tasks of their own, so that dropping a caller's future loses nothing; terminations are gathered for a moment and
//! sent together.

mod bucket;
mod custody;
mod ledger;
mod pace;
mod scarcity;
mod sweep;
mod terminate;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use orca_core::clock::Clock;
use orca_core::cloud::{CloudClient, HealthSource, LaunchOutcome};
use orca_core::config::Controller;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{Owner, PodRef, PodUid};
use orca_core::launch::{LaunchRecord, LaunchWish};
use orca_core::limits;
use orca_core::provider::{Claim, Machines, Notify, Plan, Provider};
use orca_core::well_known::node_condition;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::bucket::Bucket;
use self::ledger::Ledger;
use self::scarcity::Scarcity;
use crate::metrics::CloudMetrics;
use crate::recent::Recent;

/// The [`Provider`] over a [`CloudClient`]. Cheap to clone; all clones are the same provider.
#[derive(Clone, Debug)]
pub struct MachineProvider {
    inner: Arc<Inner>,
}

/// What a provider is made from.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) cloud: Arc<dyn CloudClient>,
    pub(crate) health: Option<Arc<dyn HealthSource>>,
    pub(crate) owner: Owner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Controller,
    pub(crate) metrics: CloudMetrics,
}

struct Inner {
    parts: Parts,
    ledger: Mutex<Ledger>,
    bucket: Mutex<Bucket>,
    scarcity: Mutex<Scarcity>,
    notify: OnceLock<Notify>,
    sweep_wanted: tokio::sync::Notify,
    terminate_wanted: tokio::sync::Notify,
    sends: TaskTracker,
    /// Pods that this process sent a launch for.
    launched_for: Recent<PodUid>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl MachineProvider {
    /// A provider that has seen nothing yet.
    pub(crate) fn new(parts: Parts) -> Self {
        let bucket = Bucket::new(&parts.settings.launch_rate);
        let ledger = Mutex::new(Ledger::new(parts.health.is_some()));
        let inner = Inner {
            parts,
            ledger,
            bucket: Mutex::new(bucket),
            scarcity: Mutex::default(),
            notify: OnceLock::new(),
            sweep_wanted: tokio::sync::Notify::new(),
            terminate_wanted: tokio::sync::Notify::new(),
            sends: TaskTracker::new(),
            launched_for: Recent::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Runs the sweeps and the terminations until the token is cancelled.
    pub(crate) async fn run(&self, shutdown: CancellationToken) {
        tokio::join!(sweep::run(&self.inner, &shutdown), terminate::run(&self.inner, &shutdown));
    }

    /// Waits until every send that is under way was answered.
    pub(crate) async fn drain(&self) {
        self.inner.sends.close();
        self.inner.sends.wait().await;
    }

    /// When the latest complete sweep began.
    pub(crate) fn last_sweep(&self) -> Option<Timestamp> {
        self.inner.ledger().last_sweep()
    }
}

impl Inner {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A panic while it was held is a bug elsewhere; the ledger is only facts, and stays usable.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scarcity(&self) -> MutexGuard<'_, Scarcity> {
        self.scarcity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake<'a>(&self, pods: impl IntoIterator<Item = &'a PodUid>) {
        if let Some(notify) = self.notify.get() {
            for pod in pods {
                notify(pod);
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}

#[async_trait]
impl Provider for MachineProvider {
    async fn plan_pod(&self, wish: &LaunchWish) -> Result<Plan, CloudError> {
        let cloud = &self.inner.parts.cloud;
        let offers = self.inner.parts.metrics.observe("offers", cloud.offers(wish)).await?;
        let Some(offer) = self.inner.scarcity().choose(offers)? else {
            return Err(CloudError::new(
                Kind::NoCapacity,
                "NoOffer",
                "the cloud has nothing that fits this pod",
            ));
        };
        Ok(match self.permit(&wish.pod.uid) {
            Some(wait) => Plan::Wait(wait),
            None => Plan::Ready(Box::new(offer)),
        })
    }

    fn permit(&self, pod: &PodUid) -> Option<Duration> {
        self.inner.bucket().take(pod)
    }

    fn create_pod(&self, pod: &PodRef, record: &LaunchRecord) {
        let (inner, pod) = (Arc::clone(&self.inner), pod.clone());
        let (offer, token, send_at) = (record.offer.clone(), record.token.clone(), record.send_at);
        inner.ledger().sending(&pod.uid, send_at);
        inner.launched_for.insert(&pod.uid);
        let not_after = send_at.saturating_add(limits::SEND_FENCE).unwrap_or(Timestamp::MIN);
        self.inner.sends.spawn(async move {
            let cloud = Arc::clone(&inner.parts.cloud);
            // A task inside the task: if the back end panics, the outcome is unknown and not lost.
            let sent = offer.clone();
            let send = tokio::spawn(async move { cloud.launch(&sent, &token, not_after).await });
            let outcome = send.await.unwrap_or_else(|failure| {
                LaunchOutcome::Unknown(CloudError::new(Kind::Unknown, "BackEndPanicked", failure.to_string()))
            });
            inner.parts.metrics.launched(&outcome);
            if let LaunchOutcome::Refused(error) = &outcome
                && error.kind == Kind::NoCapacity
            {
                inner.scarcity().remember(&offer, error.clone());
            }
            tracing::debug!(pod_uid = %pod.uid, outcome = outcome_name(&outcome), "Launch call answered");
            let now = inner.now();
            inner.ledger().answered(&pod, send_at, outcome, now);
            inner.wake([&pod.uid]);
            inner.sweep_wanted.notify_one();
        });
    }

    fn settle(&self, pod: &PodUid, send_at: Timestamp) {
        self.inner.ledger().settle(pod, send_at);
    }

    fn adopt(&self, pod: &PodRef, claim: Claim) {
        let now = self.inner.now();
        self.inner.ledger().adopt(pod, claim, now);
    }

    fn delete_pod(&self, pod: &PodRef) {
        let now = self.inner.now();
        let queued = self.inner.ledger().queue_termination(&self.inner.parts.owner, &pod.uid, now);
        if queued {
            self.inner.terminate_wanted.notify_one();
        }
    }

    fn get_pod(&self, pod: &PodRef) -> Machines {
        let now = self.inner.now();
        let mut machines = self.inner.ledger().machines(pod, now);
        machines.token_memory = self.inner.parts.cloud.token_memory();
        machines
    }

    fn get_pods(&self) -> Vec<PodRef> {
        self.inner.ledger().pods()
    }

    fn forget(&self, pod: &PodUid) {
        self.inner.ledger().forget(pod);
        self.inner.bucket().forget(pod);
    }

    fn refresh(&self) {
        self.inner.sweep_wanted.notify_one();
    }

    fn configure_node(&self, node: &mut Node) {
        let trouble = self.inner.ledger().trouble();
        let (status, reason, message) = match &trouble {
            None => ("True", "SweepComplete", "the cloud lists its instances".to_owned()),
            Some(error) => ("False", "SweepFailed", error.to_string()),
        };
        let now = Some(Time(self.inner.now()));
        let condition = NodeCondition {
            type_: node_condition::CLOUD_REACHABLE.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_heartbeat_time: now.clone(),
            last_transition_time: now,
        };
        node.status.get_or_insert_default().conditions.get_or_insert_default().push(condition);
    }

    fn notify_pods(&self, notify: Notify) {
        if self.inner.notify.set(notify).is_err() {
            tracing::warn!("A second listener for machine changes is ignored");
        }
    }

    async fn ping(&self) -> Result<(), CloudError> {
        let ledger = self.inner.ledger();
        match (ledger.trouble(), ledger.last_sweep()) {
            (Some(error), _) => Err(error),
            (None, Some(_)) => Ok(()),
            (None, None) => {
                Err(CloudError::new(Kind::Unknown, "NotSweptYet", "the cloud has not answered yet"))
            }
        }
    }
}

fn outcome_name(outcome: &LaunchOutcome) -> &'static str {
    match outcome {
        LaunchOutcome::Launched(_) => "launched",
        LaunchOutcome::Refused(_) => "refused",
        LaunchOutcome::Mismatch => "mismatch",
        LaunchOutcome::Ended => "ended",
        LaunchOutcome::NotSent(_) => "not_sent",
        LaunchOutcome::Unknown(_) => "unknown",
    }
}
