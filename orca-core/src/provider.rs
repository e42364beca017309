//! The pod-lifecycle seam: what a pod controller may ask for, by pod UID.
//!
//! The names are those of the original design. `orca-kube` has the one implementation, over any
//! [`CloudClient`](crate::cloud::CloudClient); its pod controller reaches instances by no other path.

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

/// Called with the UID of a pod whose instance changed. It carries nothing else: the pod is looked at again.
pub type Notify = Arc<dyn Fn(&PodUid) + Send + Sync>;

/// Pods as instances.
#[async_trait]
pub trait Provider: Send + Sync + fmt::Debug {
    /// Makes ready what a launch needs: for a new attempt one offer with everything resolved, and the permit for the send.
    ///
    /// Launches nothing. Safe to drop at any time; a place among those who wait for a permit is kept.
    ///
    /// # Errors
    ///
    /// No offer could be made, or the cloud could not be asked.
    async fn prepare_pod(&self, pod: &PodRef, what: &Prepare) -> Result<Prepared, CloudError>;

    /// Sends one launch for this pod, exactly as recorded. An instance that it launched is known to
    /// [`get_pod`](Self::get_pod) from the answer on.
    ///
    /// Dropping the returned future is like a crash: nobody knows whether the launch happens.
    async fn create_pod(&self, pod: &PodRef, record: &LaunchRecord) -> LaunchOutcome;

    /// Takes note of an instance that the pod's own record or status names, so that its absence can be told from
    /// never having existed. Safe to repeat.
    fn adopt(&self, pod: &PodRef, claim: Claim);

    /// The pod has finished: its instance may be forgotten when the cloud no longer lists it. Safe to repeat.
    fn disclaim(&self, pod: &PodUid);

    /// Asks the cloud to end the instances of this pod that are alive, and returns at once; the pod is notified when
    /// their state changes. Only instances whose tags name this owner and this UID are touched. Safe to repeat.
    fn delete_pod(&self, pod: &PodRef);

    /// Everything that is known about the instances of this pod at this time.
    fn get_pod(&self, pod: &PodRef, now: Timestamp) -> KnownInstances;

    /// The pods that have an instance, by the last complete sweep.
    fn get_pods(&self) -> Vec<PodRef>;

    /// Forgets everything about a pod that is gone and whose instances have ended.
    fn forget(&self, pod: &PodUid);

    /// Asks for a sweep now, because a decision waits for one.
    fn refresh(&self);

    /// Sets what the provider knows about the node: nothing that the config already says.
    fn configure_node(&self, node: &mut Node);

    /// Says where to report pods whose instances changed. Called once, before anything else.
    fn notify_pods(&self, notify: Notify);

    /// Whether the cloud has answered lately: the error of the latest sweep, if it failed.
    async fn ping(&self) -> Result<(), CloudError>;
}

/// What to make ready for a send.
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

/// What was made ready.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// The offer to freeze. None for one more send of an attempt: its offer stands in the record.
    pub offer: Option<Offer>,
    /// Whether the send may go out.
    pub permit: Permit,
}

/// Whether a send may go out: launches go out no faster than the cloud takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// It may, and soon: a permit is not kept for long.
    Granted,
    /// Not before this time. Ask again then; the place in the queue is kept.
    Until(Timestamp),
}

/// An instance that the pod's own record or status names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The instance's id.
    pub id: InstanceId,
    /// Where it was launched, if the record says so. Elsewhere nothing is known about it, and its absence means nothing.
    pub cloud: Option<CloudIdentity>,
    /// What the pod's status says of its health: [`Health::Passed`] when it shows Ready.
    pub health: Option<Health>,
}

/// What is known about the instances of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownInstances {
    /// Whether the last complete sweep began recently enough to prove anything.
    pub fresh: bool,
    /// The instances tagged with this UID, newest first, alive ones before ended ones.
    pub seen: Vec<Instance>,
    /// The instance that is known to have existed and was not found lately.
    pub missing: Option<Missing>,
    /// The health of the first instance, if it is known.
    pub health: Option<Health>,
    /// Since when the last of them has been shutting down, as far as was seen.
    pub ending_since: Option<Timestamp>,
    /// When the latest complete sweeps began, oldest first; bounded.
    pub complete_sweeps: Arc<[Timestamp]>,
    /// An instance that is alive and belongs to an earlier pod of the same namespace and name.
    pub namesake: Option<InstanceId>,
    /// When the instance that is there was confirmed last, if that is longer ago than it should be: no complete answer has
    /// shown it since.
    pub unconfirmed_since: Option<Timestamp>,
    /// Why the cloud last refused to end an instance of this pod, if it did.
    pub end_refused: Option<CloudError>,
    /// Why nobody knows whether an instance of this pod is being ended, once it has been asked for longer than a minute.
    pub end_unanswered: Option<CloudError>,
    /// An instance of the pod that is alive and whose tags no longer say so: it may not be ended.
    pub foreign: Option<(InstanceId, ForeignTag)>,
    /// Why there has been no complete sweep lately, if the cloud said.
    pub trouble: Option<CloudError>,
    /// Where the cloud's answers come from, once it has said so. Nothing is fresh before.
    pub identity: Option<CloudIdentity>,
    /// For how long a token is certain to be remembered.
    pub token_memory: Duration,
}

/// An instance that should be there and is not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The id.
    pub id: InstanceId,
    /// In how many complete answers in a row it was not found.
    pub absences: u32,
    /// Since when.
    pub since: Timestamp,
    /// In which of these answers it was not found last. Time that passes without an answer proves nothing.
    pub latest: Timestamp,
    /// Whether too many others are missing as well to conclude anything from it.
    pub is_held: bool,
}

impl Missing {
    /// Whether this many absences, the first and the last at these times, prove that an instance is gone.
    #[must_use]
    pub fn is_proven(absences: u32, since: Timestamp, latest: Timestamp) -> bool {
        if planted(Bug::OneAbsence) {
            return absences > 0;
        }
        absences >= limits::ABSENCES && clock::age(since, latest) >= limits::ABSENT_FOR
    }

    /// Whether it was absent often enough, over a time that is long enough, and not with too many others, to count as gone.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        let is_proven = Self::is_proven(self.absences, self.since, self.latest);
        is_proven && (!self.is_held || planted(Bug::OneAbsence))
    }
}
