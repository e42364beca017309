//! The provider over any cloud: pods as instances.
//!
//! One sweep lists all instances of the owner; nothing here asks the cloud about a single pod on a timer. Terminations are
//! gathered for a moment and sent together.

mod bucket;
mod gc_queries;
mod ledger;
mod sweep;
mod terminate;
mod unavailable;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, NodeCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use orca_core::clock::{self, Clock};
use orca_core::cloud::{CloudClient, HealthSource, LaunchOutcome};
use orca_core::config::Controller;
use orca_core::error::{CloudError, Kind};
use orca_core::fit;
use orca_core::ids::{CloudIdentity, InstanceId, Owner, PodRef, PodUid};
use orca_core::instance::Instance;
use orca_core::launch::{LaunchRecord, LaunchRequest, Offer};
use orca_core::limits;
use orca_core::provider::{Claim, KnownInstances, Notify, Permit, Prepare, Prepared, Provider};
use orca_core::well_known::{node_condition, reason};
use tokio_util::sync::CancellationToken;

use self::bucket::{Bucket, RetryAfter};
use self::ledger::Ledger;
use self::unavailable::UnavailableOfferings;
use crate::crash::{self, Effect};
use crate::identity::IdentityGuard;
use crate::metrics::CloudMetrics;
use crate::recent::Recent;

/// After this many intervals without a complete answer, what was known is unconfirmed.
const SWEEPS_WITHOUT_ANSWER: f64 = 3.0;

/// The [`Provider`] over a [`CloudClient`]. Cheap to clone; all clones are the same provider.
#[derive(Clone, Debug)]
pub(crate) struct InstanceProvider {
    inner: Arc<Inner>,
}

/// What a provider is made from.
#[derive(Debug)]
pub(crate) struct ProviderParts {
    pub(crate) cloud: Arc<dyn CloudClient>,
    pub(crate) health: Option<Arc<dyn HealthSource>>,
    pub(crate) owner: Owner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Controller,
    pub(crate) metrics: CloudMetrics,
    pub(crate) identity: IdentityGuard,
    /// How many missing instances people have said are really gone.
    pub(crate) release: usize,
    /// Whether an offer that has less than the pod asks for is refused.
    pub(crate) check_fit: bool,
}

struct Inner {
    parts: ProviderParts,
    ledger: Mutex<Ledger>,
    bucket: Mutex<Bucket>,
    unavailable: Mutex<UnavailableOfferings>,
    notify: OnceLock<Notify>,
    sweep_wanted: tokio::sync::Notify,
    terminate_wanted: tokio::sync::Notify,
    /// Pods that this process sent a launch for.
    launched_for: Recent<PodUid>,
    /// Launch calls that are on their way.
    launching: AtomicUsize,
}

/// Counts a launch call for as long as it is on its way.
struct Launching<'a>(&'a Inner);

impl<'a> Launching<'a> {
    fn begin(inner: &'a Inner) -> Self {
        inner.launching.fetch_add(1, Ordering::AcqRel);
        Self(inner)
    }
}

impl Drop for Launching<'_> {
    fn drop(&mut self) {
        self.0.launching.fetch_sub(1, Ordering::AcqRel);
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("parts", &self.parts).finish_non_exhaustive()
    }
}

impl InstanceProvider {
    /// A provider that has seen nothing yet.
    pub(crate) fn new(parts: ProviderParts) -> Self {
        let bucket = Bucket::new(&parts.settings.launch_rate);
        // One sweep may fail, and the next take its time, without anybody hearing of it.
        let patience = Duration::from_secs_f64(parts.settings.sweep_seconds.max(0.0) * SWEEPS_WITHOUT_ANSWER);
        let patience = patience.max(limits::UNCONFIRMED);
        let ledger = Ledger::new(parts.health.is_some(), patience).releasing(parts.release);
        let ledger = Mutex::new(ledger);
        let capacity_memory = parts.settings.capacity_memory();
        let inner = Inner {
            parts,
            ledger,
            bucket: Mutex::new(bucket),
            unavailable: Mutex::new(UnavailableOfferings::new(capacity_memory)),
            notify: OnceLock::new(),
            sweep_wanted: tokio::sync::Notify::new(),
            terminate_wanted: tokio::sync::Notify::new(),
            launched_for: Recent::default(),
            launching: AtomicUsize::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Sweeps until the token is cancelled.
    pub(crate) async fn sweep(&self, shutdown: CancellationToken) {
        sweep::run(&self.inner, &shutdown).await;
    }

    /// Sends terminations until the token is cancelled.
    pub(crate) async fn terminate(&self, shutdown: CancellationToken) {
        terminate::run(&self.inner, &shutdown).await;
    }

    /// The first offer for this request that is not known to be unavailable.
    async fn offer(&self, request: &LaunchRequest) -> Result<Offer, CloudError> {
        let parts = &self.inner.parts;
        let mut offers = parts.metrics.observe("offers", parts.cloud.offers(request)).await?;
        if parts.check_fit {
            fit::keep_fitting(&mut offers, &request.resources)?;
        }
        let none =
            || CloudError::new(Kind::NoCapacity, "NoOffer", "the cloud has nothing that fits this pod");
        self.inner.unavailable().choose(offers)?.ok_or_else(none)
    }

    /// The instances that are missing and not believed to be gone, because there are too many.
    pub(crate) fn held(&self) -> Vec<InstanceId> {
        self.inner.ledger().held()
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

    fn unavailable(&self) -> MutexGuard<'_, UnavailableOfferings> {
        self.unavailable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake<'a>(&self, pods: impl IntoIterator<Item = &'a PodUid>) {
        if let Some(notify) = self.notify.get() {
            for pod in pods {
                notify(pod);
            }
        }
    }

    /// Whether the cloud says of all of these that they live where it is asked about. If not, it is asked anew where that is
    /// before anything else.
    fn check_whose<'a>(&self, instances: impl IntoIterator<Item = &'a Instance>) -> Option<CloudIdentity> {
        let known = self.ledger().identity().cloned();
        let mut named = instances.into_iter().filter_map(|instance| instance.cloud.as_ref());
        let other = named.find(|cloud| known.as_ref().is_some_and(|known| known != *cloud)).cloned();
        if other.is_some() {
            self.ledger().doubt_identity();
        }
        other
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Whether something is expected to change soon.
    fn is_changing(&self) -> bool {
        self.launching.load(Ordering::Acquire) > 0 || self.ledger().is_changing()
    }
}

#[async_trait]
impl Provider for InstanceProvider {
    async fn prepare_pod(&self, pod: &PodRef, what: &Prepare) -> Result<Prepared, CloudError> {
        let offer = match what {
            Prepare::Attempt(request) => Some(self.offer(request).await?),
            Prepare::Resend { .. } => None,
        };
        let permit = match self.inner.bucket().try_acquire(&pod.uid) {
            Ok(()) => Permit::Granted,
            Err(RetryAfter(wait)) => {
                Permit::Until(self.inner.now().saturating_add(wait).unwrap_or(Timestamp::MAX))
            }
        };
        Ok(Prepared { offer, permit })
    }

    async fn create_pod(&self, pod: &PodRef, record: &LaunchRecord) -> LaunchOutcome {
        let inner = &self.inner;
        if let Some(mismatch) = inner.parts.identity.mismatch() {
            let error = CloudError::new(Kind::Denied, reason::CLOUD_IDENTITY_CHANGED, mismatch.to_string());
            return LaunchOutcome::NotSent(error);
        }
        // An earlier send of this token may have launched where the record says: anywhere else the same token launches again.
        if record.is_repeated()
            && let Err(error) = sweep::confirm_identity(inner, &record.cloud).await
        {
            return LaunchOutcome::NotSent(error);
        }
        let _launching = Launching::begin(inner);
        inner.parts.identity.has_instances(true, inner.now());
        inner.launched_for.insert(&pod.uid);
        let not_after = record.send_at.saturating_add(limits::SEND_FENCE).unwrap_or(Timestamp::MIN);
        let call = inner.parts.cloud.launch(&record.offer, &record.token, not_after);
        let outcome = crash::around(Effect::Launch, call).await;
        inner.parts.metrics.launched(&outcome);
        tracing::debug!(outcome = outcome_name(&outcome), "Launch call answered");
        match &outcome {
            LaunchOutcome::Launched(instance) => {
                inner.ledger().launched(pod, (**instance).clone(), inner.now());
                inner.check_whose([&**instance]);
                inner.unavailable().forget(&record.offer);
            }
            LaunchOutcome::Refused(error) if error.kind == Kind::NoCapacity => {
                inner.unavailable().remember(&record.offer, error.clone());
            }
            LaunchOutcome::Refused(_)
            | LaunchOutcome::Mismatch
            | LaunchOutcome::Ended
            | LaunchOutcome::NotSent(_)
            | LaunchOutcome::Unknown(_) => {}
        }
        inner.sweep_wanted.notify_one();
        outcome
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

    fn disclaim(&self, pod: &PodUid) {
        self.inner.ledger().disclaim(pod);
    }

    fn get_pod(&self, pod: &PodRef, now: Timestamp) -> KnownInstances {
        let mut instances = self.inner.ledger().instances_of(pod, now);
        instances.token_memory = self.inner.parts.cloud.token_memory();
        let mut alive = instances.seen.iter().filter(|instance| instance.state.is_alive());
        let owner = &self.inner.parts.owner;
        instances.foreign = alive.find_map(|one| Some((one.id.clone(), one.foreign_tag(owner, &pod.uid)?)));
        instances
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
        let (trouble, swept) = {
            let ledger = self.inner.ledger();
            (ledger.trouble(), ledger.last_sweep())
        };
        // Nobody knows yet: what an earlier process found still stands on the Node.
        if trouble.is_none() && swept.is_none() {
            return;
        }
        // A list that failed once, or took its time, is nothing that people have to hear of: the condition follows the taint.
        let now = self.inner.now();
        let patience =
            Duration::from_secs_f64(self.inner.parts.settings.sweep_seconds.max(0.0) * SWEEPS_WITHOUT_ANSWER);
        let trouble = trouble.filter(|_| swept.is_none_or(|swept| clock::age(swept, now) >= patience));
        let (status, reason, message) = match &trouble {
            None => ("True", "SweepComplete", "the cloud lists its instances".to_owned()),
            Some(error) => ("False", "SweepFailed", error.to_string()),
        };
        let now = Some(Time(now));
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
            tracing::warn!("A second listener for instance changes is ignored");
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
