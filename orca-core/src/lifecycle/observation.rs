//! Everything that is known about one pod and its instances, at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;

use super::facts::{Facts, Task, TaskFailure, TaskState};
use crate::admission::{Rejection, Request};
use crate::clock;
use crate::cloud::LaunchOutcome;
use crate::ids::{CloudIdentity, Owner, PodRef};
use crate::instance::Instance;
use crate::launch::{AttemptState, LaunchRecord, RecordError};
use crate::pod::{self, Intent};
use crate::provider::KnownInstances;

/// What [`decide`](super::decide) decides from. It was read beforehand: a decision looks nothing up.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The pod's names and UID.
    pub reference: &'a PodRef,
    /// The cluster and the node that will own what is launched.
    pub owner: &'a Owner,
    /// The user's tags for what is launched.
    pub user_tags: &'a BTreeMap<String, String>,
    /// What is asked of ORCA for this UID.
    pub intent: Intent,
    /// The object, unless it is gone.
    pub pod: Option<&'a Pod>,
    /// The launch record in its status, if there is one.
    pub record: Option<&'a Result<LaunchRecord, RecordError>>,
    /// What the pod asks for, or why it gets no instance.
    pub request: &'a Result<Request, Rejection>,
    /// Whether pods of `DaemonSets` get no instance (`pods.daemonSets`).
    pub ignore_daemons: bool,
    /// Until when the pod has to wait because earlier pods of its owner ended soon after their launch.
    pub held_until: Option<Timestamp>,
    /// What is known about its instances.
    pub instances: &'a KnownInstances,
    /// The state and the results of the tasks that were started for it.
    pub facts: &'a Facts,
    /// When nothing has confirmed the pod's instance for this time, its Ready becomes Unknown. None: never.
    pub ready_unknown_after: Option<Duration>,
    /// How long an offer that was refused for lack of capacity is not asked for again.
    pub capacity_memory: Duration,
    /// The cloud identities whose instances the operator has given up.
    pub abandoned: &'a [CloudIdentity],
    /// Whether to refuse a pod whose instance type has less than the pod asks for.
    pub check_fit: bool,
}

impl<'a> Observation<'a> {
    /// The readable record, if there is one.
    pub(super) fn record(&self) -> Option<&'a LaunchRecord> {
        self.record.and_then(|record| record.as_ref().ok())
    }

    /// The identity that the pod was launched under, or may have been, and the current one, if they differ.
    pub(super) fn launched_elsewhere(&self) -> Option<(&'a CloudIdentity, &'a CloudIdentity)> {
        let record = self.record()?;
        let may_exist = match record.state() {
            AttemptState::Launched(_) | AttemptState::Mismatch | AttemptState::Unresolved { .. } => true,
            AttemptState::Closed(_) | AttemptState::Unsent => false,
        };
        let (recorded, current) = (&record.cloud, self.instances.identity.as_ref()?);
        (may_exist && recorded != current).then_some((recorded, current))
    }

    /// The send that is over, and its outcome. A failed task leaves the outcome unknown.
    pub(super) fn answered(&self) -> Option<(Timestamp, LaunchOutcome)> {
        let send = self.facts.send.as_ref()?;
        match &send.state {
            TaskState::UnderWay => None,
            TaskState::Done { result: Ok(outcome), .. } => Some((send.key, outcome.clone())),
            TaskState::Done { result: Err(failure), .. } => {
                Some((send.key, LaunchOutcome::Unknown(TaskFailure::error(failure))))
            }
        }
    }

    /// Whether a send is under way.
    pub(super) fn is_sending(&self) -> bool {
        self.facts.send.as_ref().is_some_and(Task::is_under_way)
    }

    /// The instance that counts: the recorded one, else an alive one, else the newest.
    pub(super) fn instance(&self) -> Option<&'a Instance> {
        let recorded = self.record().and_then(|record| record.instance_id.as_ref());
        let seen = &self.instances.seen;
        seen.iter()
            .find(|instance| Some(&instance.id) == recorded)
            .or_else(|| seen.iter().find(|instance| instance.state.is_alive()))
            .or_else(|| seen.first())
    }

    /// Whether some instance of this pod still has to be terminated.
    pub(super) fn any_alive(&self) -> bool {
        self.instances.seen.iter().any(|instance| instance.state.is_alive())
    }

    /// The phase that the live object shows.
    pub(super) fn live_phase(&self) -> Option<&'a str> {
        self.pod?.status.as_ref()?.phase.as_deref()
    }

    /// Whether the live object says Ready=True for this very instance.
    pub(super) fn shown_ready(&self, instance: &Instance) -> bool {
        let is_this = |shown: &str| shown.rsplit('/').next() == Some(instance.id.as_str());
        self.pod.is_some_and(|pod| pod::was_ready(pod) && pod::container_id(pod).is_some_and(is_this))
    }

    /// When `spec.activeDeadlineSeconds` has passed, counted from the pod's start time.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let pod = self.pod?;
        let seconds = pod.spec.as_ref()?.active_deadline_seconds?;
        let started = pod.status.as_ref()?.start_time.as_ref()?.0;
        started.saturating_add(SignedDuration::from_secs(seconds)).ok()
    }

    /// How long ago the object was created.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        let created = self.pod.and_then(|pod| pod.metadata.creation_timestamp.as_ref()).map(|at| at.0);
        created.map_or(Duration::ZERO, |created| clock::age(created, now))
    }

    /// Whether some controller replaces the pod when it fails.
    pub(super) fn is_replaced(&self) -> bool {
        self.pod.is_some_and(|pod| pod::controller(pod).is_some())
    }

    /// Whether a Failed pod of this kind would come back at once as a new one.
    pub(super) fn restarts_always(&self) -> bool {
        self.pod.is_none_or(pod::restarts_always)
    }
}
