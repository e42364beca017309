//! The seam for authors of cloud back ends: six verbs, and the abilities that a cloud may have besides.
//!
//! Nothing here is shaped like one cloud. A back end whose API knows no client tokens keeps a token table of its
//! own; everything else in ORCA rests on the contract of [`CloudClient::launch`].
//!
//! `docs/back-ends.md` is the guide for authors, and `orca_testkit::contract::cloud` the contract as a test.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::CloudError;
use crate::ids::{CloudIdentity, ClusterId, InstanceId, Owner};
use crate::instance::{Health, Instance, InstanceState, OwnedInstance};
use crate::launch::{LaunchRequest, LaunchToken, Offer};
use crate::leftover::{Leftover, OwnedLeftover};

mod info;

pub use info::CloudInfo;

/// A cloud that can launch, describe and terminate instances.
///
/// Every method may be called concurrently, and should end on its own: the node drops the future of a call that takes too
/// long. Dropping it is like a crash at that point: whatever was sent may have been executed.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CloudClient: Send + Sync + fmt::Debug {
    /// What this back end is called, and what its config adds. It is asked for once, when the virtual node is built.
    fn info(&self) -> CloudInfo;

    /// Where this client's instances live, in the back end's own words. It stands in every launch record, so that another
    /// account or region is never asked about what this one launched.
    ///
    /// Guarantees: the same text for as long as instances can be listed, described and ended under it; another text
    /// otherwise. It is asked for again from time to time.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked. Nothing is known then, and nothing is launched.
    async fn identity(&self) -> Result<CloudIdentity, CloudError>;

    /// Ways to fulfil a request, best first, with everything resolved.
    ///
    /// Guarantees: launches nothing; each offer carries the request's tags unchanged, and everything that
    /// [`launch`](Self::launch) needs. An empty list means that nothing fits now.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::Kind::Invalid) when the request can never be fulfilled, naming whose value is wrong; anything
    /// else when the cloud could not be asked.
    async fn offers(&self, request: &LaunchRequest) -> Result<Vec<Offer>, CloudError>;

    /// Sends one launch of exactly this offer under this token, once: no hidden retries.
    ///
    /// Guarantees: for as long as [`token_memory`](Self::token_memory) and until the last of them is void, any number of
    /// sends with the same token and the same offer launch at most one instance in all, and each that is answered
    /// returns that same instance. The offer's tags are on the instance from the moment that it can be listed. Nothing
    /// is sent after `not_after`, a wall-clock time, however long signing or connecting took.
    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome;

    /// Every instance of this owner, alive or ended, that the cloud still lists.
    ///
    /// Guarantees: complete, or an error. A partial list is an error. An instance launched seconds ago may be
    /// missing; absence is never proof.
    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError>;

    /// Those of these instances that the cloud knows. One that is missing in the answer was not found. No ids: no answer,
    /// and no call.
    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError>;

    /// Asks the cloud to end these instances, and says for each what the cloud answered.
    ///
    /// Guarantees: one instance that cannot be ended does not keep the others alive. Ending an ended instance is
    /// success. Safe to repeat. The answer has one entry for each instance given.
    async fn terminate(&self, instances: &[OwnedInstance]) -> Terminations;

    /// For how long after its first send a token may be sent again. After it, an attempt that is still unresolved is
    /// never sent again.
    ///
    /// Guarantees: the token is remembered for [`SIGNATURE_LIFETIME`](crate::limits::SIGNATURE_LIFETIME) longer than that,
    /// because the last send may be executed so much later.
    fn token_memory(&self) -> Duration;

    /// What this cloud can do besides. Default: nothing.
    fn capabilities(self: Arc<Self>) -> Capabilities {
        Capabilities::default()
    }
}

/// The abilities that a cloud may have besides launching, describing and terminating.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// Without it, an instance that runs counts as ready.
    pub health: Option<Arc<dyn HealthSource>>,
    /// Without it, garbage collection ends instances only, and there is no report of foreign ones.
    pub leftovers: Option<Arc<dyn LeftoverSource>>,
}

/// For each instance that was to end: its state after the call, or why it could not be ended.
pub type Terminations = BTreeMap<InstanceId, Result<InstanceState, CloudError>>;

/// The outcome of one launch call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchOutcome {
    /// There is an instance: launched by this send or by an earlier one with this token.
    Launched(Box<Instance>),
    /// This send launched nothing, for certain. In doubt it is [`Unknown`](Self::Unknown): after a refusal a new attempt
    /// begins, under another token.
    Refused(CloudError),
    /// The token is known with other parameters: something may have been launched under it.
    Mismatch,
    /// The token's instance was launched and has ended.
    Ended,
    /// The send was stopped before it left. The kind says whether it is worth trying again soon.
    NotSent(CloudError),
    /// Nobody knows.
    Unknown(CloudError),
}

/// The ability to tell whether running instances pass their own checks. A cloud without it counts a running instance
/// as ready.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HealthSource: Send + Sync + fmt::Debug {
    /// The health of those of these instances that the cloud knows about. No ids: no answer, and no call.
    async fn health(&self, ids: &[InstanceId]) -> Result<BTreeMap<InstanceId, Health>, CloudError>;

    /// All running instances that fail a check now, no matter whose they are, in a number of calls that does not grow with the
    /// number of instances. It is how a failure is noticed after the checks have passed; a back end that cannot tell
    /// returns none, as this default does.
    ///
    /// Guarantees: one that is impaired is in it, or the answer is an error.
    async fn impaired(&self) -> Result<Vec<InstanceId>, CloudError> {
        Ok(Vec::new())
    }
}

/// The ability to find what instances left behind: disks, network interfaces and open requests, and the instances of a
/// cluster that no node accounts for. A cloud without it leaves them to people.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LeftoverSource: Send + Sync + fmt::Debug {
    /// Everything with the tags of this owner that could be removed now: it costs money, and no instance uses it.
    ///
    /// Guarantees: complete, or an error. Nothing that an instance uses is in it.
    async fn leftovers(&self, owner: &Owner) -> Result<Vec<Leftover>, CloudError>;

    /// Removes one. Removing what is gone is success. Something that came into use meanwhile must be refused by the
    /// cloud, and is an error.
    async fn remove(&self, leftover: &OwnedLeftover) -> Result<(), CloudError>;

    /// Every instance of this cluster, whatever node and pod its tags name.
    ///
    /// Guarantees: complete, or an error.
    async fn list_cluster(&self, cluster: &ClusterId) -> Result<Vec<Instance>, CloudError>;
}
