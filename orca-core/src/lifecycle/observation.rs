//! All that was seen of one pod and its instances, at one moment.

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

/// What [`decide`](super::decide) looks at. Everything in it was read before; nothing is looked up.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The pod's names and UID.
    pub reference: &'a PodRef,
    /// Who owns what is launched.
    pub owner: &'a Owner,
    /// The tags of the config, for what is launched.
    pub user_tags: &'a BTreeMap<String, String>,
    /// What is asked for this UID.
    pub intent: Intent,
    /// The object, unless it is gone.
    pub pod: Option<&'a Pod>,
    /// The launch record in its status.
    pub record: Option<&'a Result<LaunchRecord, RecordError>>,
    /// What the pod asks for, or why it buys nothing.
    pub request: &'a Result<Request, Rejection>,
    /// Whether pods of `DaemonSets` buy nothing.
    pub ignore_daemons: bool,
    /// Until when pods of the same owner are held back, because those before ended soon after their launch.
    pub held_until: Option<Timestamp>,
    /// What is known about its instances.
    pub instances: &'a KnownInstances,
    /// What is known of the tasks that were started for it.
    pub facts: &'a Facts,
    /// After which time without confirmation of its instance nobody can say whether a pod is ready. None: never.
    pub ready_unknown_after: Option<Duration>,
    /// For how long an offer that was refused for want of capacity is not asked for again.
    pub capacity_memory: Duration,
    /// The cloud identities whose instances people have given up.
    pub abandoned: &'a [CloudIdentity],
    /// Whether a pod is refused whose instance type has less than it asks for.
    pub check_fit: bool,
}

impl<'a> Observation<'a> {
    /// The readable record, if there is one.
    pub(super) fn record(&self) -> Option<&'a LaunchRecord> {
        self.record.and_then(|record| record.as_ref().ok())
    }

    /// Where the pod was launched, or may have been, if that is not where the cloud's answers come from now.
    pub(super) fn launched_elsewhere(&self) -> Option<(&'a CloudIdentity, &'a CloudIdentity)> {
        let record = self.record()?;
        let may_exist = match record.state() {
            AttemptState::Launched(_) | AttemptState::Mismatch | AttemptState::Unresolved { .. } => true,
            AttemptState::Closed(_) | AttemptState::Unsent => false,
        };
        let (recorded, current) = (&record.cloud, self.instances.identity.as_ref()?);
        (may_exist && recorded != current).then_some((recorded, current))
    }

    /// The send that was answered, and its answer. One that has none leaves everything open.
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

    /// When the pod's own deadline is over: counted from when it was first acknowledged.
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
