//! The interface between ORCA and a cloud: six operations that every back end has, and two optional abilities.
//!
//! Nothing here is specific to one cloud. That no pod gets two instances rests on [`CloudClient::launch`]: repeating a
//! launch with the same token must return the same instance. A back end whose API has no client tokens keeps a table
//! of tokens itself.
//!
//! `docs/back-ends.md` is the guide for authors. `orca_testkit::contract::cloud::CloudContract` tests a back end against
//! these rules.
//!
//! # Example
//!
//! A back end whose instances exist only in the memory of this process. It is complete: a virtual node runs over it.
//!
//! ```
//! use std::collections::BTreeMap;
//! use std::sync::{Mutex, MutexGuard, PoisonError};
//! use std::time::Duration;
//!
//! use jiff::Timestamp;
//! use orca_core::clock::{Clock, SystemClock};
//! use orca_core::prelude::*;
//!
//! type Table = BTreeMap<InstanceId, (Offer, InstanceState)>;
//!
//! #[derive(Debug, Default)]
//! struct InMemory(Mutex<Table>);
//!
//! impl InMemory {
//!     fn table(&self) -> MutexGuard<'_, Table> {
//!         self.0.lock().unwrap_or_else(PoisonError::into_inner)
//!     }
//! }
//!
//! fn instance(id: &InstanceId, (offer, state): &(Offer, InstanceState)) -> Instance {
//!     Instance::from_tags(id.clone(), &format!("memory://here/{id}"), *state, &offer.tags)
//! }
//!
//! #[async_trait::async_trait]
//! impl CloudClient for InMemory {
//!     fn info(&self) -> CloudInfo {
//!         CloudInfo { provider: "memory".into(), os_image: "Memory".into(), ..CloudInfo::default() }
//!     }
//!
//!     async fn identity(&self) -> Result<CloudIdentity, CloudError> {
//!         Ok("here".into())
//!     }
//!
//!     async fn offers(&self, request: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
//!         Ok(vec![Offer::new(request, serde_json::Value::Null)])
//!     }
//!
//!     async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome {
//!         let mut table = self.table();
//!         // The last look at the clock: from here on nothing waits.
//!         if SystemClock.now() > not_after {
//!             return LaunchOutcome::NotSent(CloudError::new(Kind::Unknown, "TooLate", "the deadline has passed"));
//!         }
//!         // The instance is named after the token, so a repeated launch finds the first one's instance.
//!         let id = InstanceId::new(token.as_str());
//!         let launched = table.entry(id.clone()).or_insert_with(|| (offer.clone(), InstanceState::Running));
//!         match launched {
//!             (known, _) if known != offer => LaunchOutcome::Mismatch,
//!             (_, state) if !state.is_alive() => LaunchOutcome::Ended,
//!             launched => LaunchOutcome::Launched(Box::new(instance(&id, launched))),
//!         }
//!     }
//!
//!     async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError> {
//!         let all = self.table().iter().map(|(id, launched)| instance(id, launched)).collect::<Vec<_>>();
//!         Ok(all.into_iter().filter(|instance| instance.owner.as_ref() == Some(owner)).collect())
//!     }
//!
//!     async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError> {
//!         let table = self.table();
//!         Ok(ids.iter().filter_map(|id| Some(instance(id, table.get(id)?))).collect())
//!     }
//!
//!     async fn terminate(&self, instances: &[OwnedInstance]) -> Terminations {
//!         let mut table = self.table();
//!         let mut end = |id: &InstanceId| match table.get_mut(id) {
//!             Some((_, state)) => {
//!                 *state = InstanceState::Terminated;
//!                 Ok(*state)
//!             }
//!             None => Err(CloudError::new(Kind::NotFound, "NoSuchInstance", format!("there is no instance {id}"))),
//!         };
//!         instances.iter().map(|owned| (owned.id().clone(), end(owned.id()))).collect()
//!     }
//!
//!     fn token_memory(&self) -> Duration {
//!         // The table of tokens is never cleared while its instances exist.
//!         Duration::MAX
//!     }
//! }
//!
//! let cloud: std::sync::Arc<dyn CloudClient> = std::sync::Arc::new(InMemory::default());
//! assert_eq!(cloud.info().provider, "memory");
//! ```

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
/// Any method may be called while others are running, also with the same arguments. Bound every call yourself: the
/// node drops a future that takes too long, after the time that is given with each method. A dropped call may have been
/// executed; the node treats it like a crash at that point.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CloudClient: Send + Sync + fmt::Debug {
    /// The name of this cloud, and what the config of the back end adds to the node. Called once, when the virtual node
    /// is built; makes no call to the cloud.
    fn info(&self) -> CloudInfo;

    /// Where this client's instances live, as the back end writes it: for EC2 the account and the region. Every launch
    /// record names it, so that nothing is concluded about an instance from the lists of another account or region.
    ///
    /// Guarantees: the text stays the same while the same instances can be listed, described and ended, and is another
    /// one when other instances would be listed. Credentials can change in a running process, so the node calls it
    /// again after a minute, with the next sweep. It waits 45 s for the first answer, and 5 s for each later one.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked. Before the first answer nothing is listed or launched. Later the last answer counts
    /// for two minutes; then every sweep fails until there is an answer.
    async fn identity(&self) -> Result<CloudIdentity, CloudError>;

    /// Ways to fulfil a request, best first, with everything resolved.
    ///
    /// Guarantees: launches nothing; each offer carries the request's tags unchanged, and everything that
    /// [`launch`](Self::launch) needs. An empty list means that nothing fits now; the node asks again later. It waits one
    /// minute for an answer.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::Kind::Invalid) when the request can never be fulfilled as it is. Its
    /// [`Fault`](crate::error::Fault) says whether the pod or the config has the wrong value. Any other kind when the
    /// cloud could not be asked, or has nothing to offer now. Nothing was launched, so no attempt is recorded.
    async fn offers(&self, request: &LaunchRequest) -> Result<Vec<Offer>, CloudError>;

    /// Sends one launch of exactly this offer under this token, once. Neither the back end nor a library below it may
    /// repeat the call.
    ///
    /// Guarantees: all sends with the same token and the same offer together launch at most one instance, and each that
    /// is answered returns that same instance. The token must be remembered for [`token_memory`](Self::token_memory)
    /// after the first send, and for [`SIGNATURE_LIFETIME`](crate::limits::SIGNATURE_LIFETIME) more. The offer's tags are
    /// on the instance from the moment that it can be listed. Nothing is sent after `not_after`, a wall-clock time,
    /// however long signing or connecting took: answer [`LaunchOutcome::NotSent`] instead.
    ///
    /// The node waits two minutes for an answer. The outcome of a call that it drops is unknown, and the same offer goes
    /// out again under the same token.
    async fn launch(&self, offer: &Offer, token: &LaunchToken, not_after: Timestamp) -> LaunchOutcome;

    /// Every instance of this owner, alive or ended, that the cloud still lists.
    ///
    /// Guarantees: complete, or an error. An instance that was launched seconds ago may be missing: the node takes an
    /// instance for gone only after several lists without it. It waits 45 s for an answer.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked, or a part of the list is missing: a page, a zone. The node then keeps what it knows,
    /// and launches nothing once its latest complete list is a minute old.
    async fn list_owned(&self, owner: &Owner) -> Result<Vec<Instance>, CloudError>;

    /// Those of these instances that the cloud knows. One that is missing from the answer was not found. For an empty slice
    /// the answer is empty, without a call to the cloud. The node waits 20 s for an answer.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked. That some ids are unknown is no error.
    async fn describe(&self, ids: &[InstanceId]) -> Result<Vec<Instance>, CloudError>;

    /// Asks the cloud to end these instances, and returns what it answered for each.
    ///
    /// Guarantees: one instance that cannot be ended does not keep the others alive. Ending an ended instance succeeds.
    /// Safe to repeat. The answer has one entry for each instance given; for an empty slice it is empty, without a call.
    ///
    /// Called with at most 500 instances. The node waits 35 s for an answer, and asks again for what is still alive.
    async fn terminate(&self, instances: &[OwnedInstance]) -> Terminations;

    /// How long after its first send a token may be sent again. After that, an attempt without a certain answer is never
    /// sent again.
    ///
    /// Guarantees: the cloud remembers the token for [`SIGNATURE_LIFETIME`](crate::limits::SIGNATURE_LIFETIME) longer,
    /// because the last send may be executed that much later. A value that promises too much can launch a second
    /// instance for a pod.
    fn token_memory(&self) -> Duration;

    /// The optional abilities of this cloud. Default: none. A wrapper around another client passes on those of the
    /// client inside.
    fn capabilities(self: Arc<Self>) -> Capabilities {
        Capabilities::default()
    }
}

/// The optional abilities of a cloud.
#[derive(Clone, Debug, Default)]
pub struct Capabilities {
    /// Checks of running instances. Without it, an instance that runs counts as ready.
    pub health: Option<Arc<dyn HealthSource>>,
    /// What instances leave behind. Without it, garbage collection ends instances only, and does not report instances of
    /// the cluster that name another node.
    pub leftovers: Option<Arc<dyn LeftoverSource>>,
}

/// The answer of [`CloudClient::terminate`], for each instance: its state after the call, or why it could not be ended.
pub type Terminations = BTreeMap<InstanceId, Result<InstanceState, CloudError>>;

/// The outcome of one launch call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LaunchOutcome {
    /// There is an instance: launched by this send or by an earlier one with this token.
    Launched(Box<Instance>),
    /// This send certainly launched nothing. In doubt answer [`Unknown`](Self::Unknown): after a refusal a new attempt
    /// begins under another token, which can launch a second instance.
    Refused(CloudError),
    /// The cloud knows the token with another offer, so something may have been launched under it. The node never sends
    /// this token again, and looks for the instance instead.
    Mismatch,
    /// The token's instance was launched and has ended. The pod fails.
    Ended,
    /// The send was stopped before anything left this process. It closes no attempt: the same offer is sent again under the
    /// same token, soon, or after a minute if the [`Kind`](crate::Kind) says that people have to act.
    NotSent(CloudError),
    /// The call may have been executed: a time-out, a reset, an answer that cannot be read. The same offer is sent again
    /// under the same token.
    Unknown(CloudError),
}

/// The ability to tell whether running instances pass the cloud's own checks.
///
/// The node waits 15 s for each answer. An error delays Ready, and has no other effect.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HealthSource: Send + Sync + fmt::Debug {
    /// The health of those of these instances that the cloud knows about. For an empty slice the answer is empty, without a
    /// call to the cloud.
    ///
    /// Called with each sweep, for the running instances that have not passed yet.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked.
    async fn health(&self, ids: &[InstanceId]) -> Result<BTreeMap<InstanceId, Health>, CloudError>;

    /// All running instances that fail a check now, whoever owns them. The number of calls to the cloud must not grow with
    /// the number of instances.
    ///
    /// Called about once a minute, to notice instances that fail after they have passed. A back end that cannot tell keeps
    /// the default, which returns none.
    ///
    /// Guarantees: complete, or an error.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked, or a part of the answer is missing.
    async fn impaired(&self) -> Result<Vec<InstanceId>, CloudError> {
        Ok(Vec::new())
    }
}

/// The ability to find and remove what instances left behind (disks, network interfaces, open requests), and to list the
/// instances of a whole cluster. Without it, people have to clean these up.
///
/// The node waits one minute for each answer.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LeftoverSource: Send + Sync + fmt::Debug {
    /// Everything with the tags of this owner that could be removed now: it costs money, and no instance uses it.
    ///
    /// Guarantees: complete, or an error. Nothing that an instance uses is in it.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked, or a part of the answer is missing. Nothing is removed then.
    async fn leftovers(&self, owner: &Owner) -> Result<Vec<Leftover>, CloudError>;

    /// Removes one leftover. Removing what is already gone succeeds.
    ///
    /// # Errors
    ///
    /// It was not removed. The cloud itself must refuse to remove something that came into use meanwhile.
    async fn remove(&self, leftover: &OwnedLeftover) -> Result<(), CloudError>;

    /// Every instance of this cluster, whatever node and pod its tags name.
    ///
    /// Guarantees: complete, or an error. The result is counted and reported; nothing in it is ended.
    ///
    /// # Errors
    ///
    /// The cloud could not be asked, or a part of the list is missing.
    async fn list_cluster(&self, cluster: &ClusterId) -> Result<Vec<Instance>, CloudError>;
}
