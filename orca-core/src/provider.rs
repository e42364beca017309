//! The interface between the pod controller and the instances: what the controller may ask for, by pod.
//!
//! `orca-kube` has the only implementation, over any [`CloudClient`](crate::cloud::CloudClient), and its pod controller has
//! no other way to an instance. A back end does not implement it. Names such as `create_pod`, `get_pods` and
//! `configure_node` are those of Virtual Kubelet's provider interface.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Node;

use crate::clock;
use crate::cloud::LaunchOutcome;
use crate::error::CloudError;
use crate::ids::{CloudIdentity, InstanceId, PodRef, PodUid};
use crate::instance::{ForeignTag, Health, Instance};
use crate::launch::{LaunchRecord, LaunchRequest, Offer};
use crate::limits;
use crate::planted::{Bug, planted};

/// Called with the UID of a pod whose instance changed. The listener looks at the pod again; what changed is not passed on.
pub type Notify = Arc<dyn Fn(&PodUid) + Send + Sync>;

/// Runs pods as instances.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// Gets what one send needs: a permit of the launch rate and, for a new attempt, one offer with everything resolved.
    ///
    /// Launches nothing, and is safe to drop at any time. A pod that has to wait for its permit keeps its place in the queue,
    /// also when the future is dropped.
    ///
    /// # Errors
    ///
    /// There is no offer: the cloud could not be asked, refused the request, or has no capacity. A resend needs no offer,
    /// and does not fail.
    async fn prepare_pod(&self, pod: &PodRef, what: &Prepare) -> Result<Prepared, CloudError>;

    /// Sends one launch for this pod, exactly as recorded. Once it is answered, [`get_pod`](Self::get_pod) knows the
    /// instance.
    ///
    /// Do not drop the future: the launch may still happen, and its answer is lost, as in a crash.
    async fn create_pod(&self, pod: &PodRef, record: &LaunchRecord) -> LaunchOutcome;

    /// Notes an instance that the pod's own record or status names, so that an instance that is gone can be told apart from
    /// one that never existed. Safe to repeat.
    fn adopt(&self, pod: &PodRef, claim: Claim);

    /// The pod has finished: forget its instance as soon as the cloud no longer lists it. Safe to repeat.
    fn disclaim(&self, pod: &PodUid);

    /// Asks the cloud to end the live instances of this pod, and returns at once. The pod is notified when their state
    /// changes. Ends only instances whose tags name this owner and this UID. Safe to repeat.
    fn delete_pod(&self, pod: &PodRef);

    /// Everything that is known about the instances of this pod at this time. Reads memory alone.
    fn get_pod(&self, pod: &PodRef, now: Timestamp) -> KnownInstances;

    /// The pods for which an instance is known: listed, just launched, or claimed by its pod.
    fn get_pods(&self) -> Vec<PodRef>;

    /// Forgets everything about a pod that is gone and whose instances have ended.
    fn forget(&self, pod: &PodUid);

    /// Asks for a sweep soon, because a decision waits for one. Returns at once.
    fn refresh(&self);

    /// Adds the provider's own condition, `CloudReachable`, to this node, once the cloud has answered or failed.
    fn configure_node(&self, node: &mut Node);

    /// Sets whom to notify of pods whose instances changed. Call it once, first; a second listener is ignored.
    fn notify_pods(&self, notify: Notify);

    /// Whether the latest sweep succeeded. Reads memory; makes no call to the cloud.
    ///
    /// # Errors
    ///
    /// The error of the latest sweep, or `NotSweptYet` before the first one has finished.
    async fn ping(&self) -> Result<(), CloudError>;
}

/// What a send needs from [`Provider::prepare_pod`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepare {
    /// A new attempt: an offer and a permit.
    Attempt(LaunchRequest),
    /// One more send of the attempt with this number: a permit.
    Resend {
        /// The attempt, from 1.
        attempt: u32,
    },
}

/// The result of [`Provider::prepare_pod`].
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The offer to record. None for one more send of an attempt: its offer is in the record.
    pub offer: Option<Offer>,
    /// Whether the send may go out.
    pub permit: Permit,
}

/// Whether a send may go out, by the launch rate of the config (`controller.launchRate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It may. Use it within 30 s, or ask again.
    Granted,
    /// Not before this time. Ask again then; the pod keeps its place in the queue.
    Until(Timestamp),
}

/// An instance that the pod's own record or status names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The instance's id.
    pub id: InstanceId,
    /// Where it was launched, if the record says so. Lists made under another identity say nothing about it.
    pub cloud: Option<CloudIdentity>,
    /// Its health by the pod's status: [`Health::Passed`] when the pod shows Ready.
    pub health: Option<Health>,
}

/// What is known about the instances of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownInstances {
    /// Whether the last complete sweep began less than [`SWEEP_FRESH`](crate::limits::SWEEP_FRESH) ago, so that a launch may
    /// rely on it.
    pub fresh: bool,
    /// The instances of this pod: live ones before ended ones, and the newest first among each.
    pub seen: Vec<Instance>,
    /// An instance that the latest complete sweep did not find: one that was listed or launched before, or one that only the
    /// pod's status names.
    pub missing: Option<Missing>,
    /// The health of the first of `seen`, if it is known.
    pub health: Option<Health>,
    /// Since when the instances have been shutting down: the latest such time that was observed.
    pub ending_since: Option<Timestamp>,
    /// When the latest complete sweeps began, oldest first. Bounded.
    pub complete_sweeps: Arc<[Timestamp]>,
    /// A live instance of an earlier pod with the same namespace and name.
    pub namesake: Option<InstanceId>,
    /// When a complete answer last showed the instance, if that is longer ago than
    /// [`UNCONFIRMED`](crate::limits::UNCONFIRMED) or three sweep intervals, whichever is longer.
    pub unconfirmed_since: Option<Timestamp>,
    /// Why the cloud last refused to end an instance of this pod, if it did.
    pub end_refused: Option<CloudError>,
    /// The latest error of an end that was first asked for over a minute ago and has no certain answer.
    pub end_unanswered: Option<CloudError>,
    /// A live instance of the pod that ORCA may not end, because its tags were changed, and the tag that differs.
    pub foreign: Option<(InstanceId, ForeignTag)>,
    /// The error of the latest sweep, if it failed.
    pub trouble: Option<CloudError>,
    /// The cloud's identity, once it is known. Before, `fresh` is false.
    pub identity: Option<CloudIdentity>,
    /// How long a token may be sent again: [`token_memory`](crate::cloud::CloudClient::token_memory) of the cloud.
    pub token_memory: Duration,
}

/// An instance that should be there and is not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The id.
    pub id: InstanceId,
    /// How many complete answers in a row did not have it.
    pub absences: u32,
    /// When the first of these answers came.
    pub since: Timestamp,
    /// When the last of them came. Time without an answer does not count.
    pub latest: Timestamp,
    /// Whether so many instances are missing that none of them is taken for gone.
    pub is_held: bool,
}

impl Missing {
    /// Whether this many absences in a row, the first and the last at these times, prove that an instance is gone: at least
    /// [`ABSENCES`](crate::limits::ABSENCES), over at least [`ABSENT_FOR`](crate::limits::ABSENT_FOR).
    #[must_use]
    pub fn is_proven(absences: u32, since: Timestamp, latest: Timestamp) -> bool {
        if planted(Bug::OneAbsence) {
            return absences > 0;
        }
        absences >= limits::ABSENCES && clock::age(since, latest) >= limits::ABSENT_FOR
    }

    /// Whether it counts as gone: its absence [is proven](Self::is_proven), and it is not held.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let is_proven = Self::is_proven(self.absences, self.since, self.latest);
        is_proven && (!self.is_held || planted(Bug::OneAbsence))
    }
}
