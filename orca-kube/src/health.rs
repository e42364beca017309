//! What a virtual node says of itself: is it alive, is it ready.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use orca_core::clock::Clock;

/// A node lease older than this is no heartbeat.
const LEASE_SECONDS: i64 = 40;
/// The loops beat at least every few seconds; one that is silent this long is stuck.
const STUCK_SECONDS: i64 = 120;

/// Why a virtual node is not healthy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unhealthy {
    /// It ended although nobody asked it to. The text is that of its error.
    #[error("{0}")]
    Ended(String),
    /// Its loops have been silent for this many seconds.
    #[error("the loops have not turned for {0} s")]
    Stuck(i64),
    /// It does not know yet which process is the active one.
    #[error("the leader lease has not been read yet")]
    LeaderUnknown,
    /// There is no Node object of it yet.
    #[error("the node is not registered yet")]
    NotRegistered,
    /// Its node lease was last renewed this many seconds ago.
    #[error("the node lease was last renewed {0} s ago")]
    LeaseNotRenewed(i64),
    /// Cluster or cloud are not those that the node belongs to. The text says what to do.
    #[error("{0}")]
    IdentityMismatch(String),
    /// The first complete list of pods has not arrived.
    #[error("the pods of the node have not been listed yet")]
    PodsNotListed,
}

/// The state of one virtual node, for health endpoints. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Health {
    clock: Arc<dyn Clock>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    leader: AtomicBool,
    standby: AtomicBool,
    synced: AtomicBool,
    registered: AtomicBool,
    renewed: AtomicI64,
    beat: AtomicI64,
    /// Why cluster or cloud are not those that the node belongs to.
    mismatch: Mutex<Option<String>>,
    /// Why the node has ended although nobody asked it to.
    ended: OnceLock<String>,
}

impl Health {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let health = Self { clock, state: Arc::default() };
        health.beat();
        health
    }

    pub(crate) fn set_leader(&self, is_leader: bool) {
        self.state.leader.store(is_leader, Ordering::Release);
        self.state.standby.store(!is_leader, Ordering::Release);
    }

    pub(crate) fn set_synced(&self) {
        self.state.synced.store(true, Ordering::Release);
    }

    pub(crate) fn set_registered(&self) {
        self.state.registered.store(true, Ordering::Release);
    }

    pub(crate) fn renewed(&self, at: Timestamp) {
        self.state.renewed.store(at.as_second(), Ordering::Release);
    }

    pub(crate) fn beat(&self) {
        self.state.beat.store(self.clock.now().as_second(), Ordering::Release);
    }

    pub(crate) fn set_identity(&self, mismatch: Option<String>) {
        *self.state.mismatch.lock().unwrap_or_else(PoisonError::into_inner) = mismatch;
    }

    /// A loop ended, and the node with it. A process that goes on without it has to be restarted.
    pub(crate) fn ended(&self, error: &crate::Error) {
        // Only the first cause is of interest.
        let _later = self.state.ended.set(error.to_string());
    }

    /// Alive: the loops turn. An outage of the cloud or of the API server is no reason to restart.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::Ended`] or [`Unhealthy::Stuck`]: the process has to be restarted.
    pub fn live(&self) -> Result<(), Unhealthy> {
        if let Some(why) = self.state.ended.get() {
            return Err(Unhealthy::Ended(why.clone()));
        }
        let age = self.clock.now().as_second() - self.state.beat.load(Ordering::Acquire);
        if age > STUCK_SECONDS { Err(Unhealthy::Stuck(age)) } else { Ok(()) }
    }

    /// Whether this process is the active one, or stands by for it.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::LeaderUnknown`].
    pub fn leader(&self) -> Result<(), Unhealthy> {
        let known = self.state.leader.load(Ordering::Acquire) || self.state.standby.load(Ordering::Acquire);
        if known { Ok(()) } else { Err(Unhealthy::LeaderUnknown) }
    }

    /// Whether the Node is registered and its lease renewed. A process that stands by is ready to take over.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::NotRegistered`] or [`Unhealthy::LeaseNotRenewed`].
    pub fn node(&self) -> Result<(), Unhealthy> {
        if self.state.standby.load(Ordering::Acquire) {
            return Ok(());
        }
        if !self.state.registered.load(Ordering::Acquire) {
            return Err(Unhealthy::NotRegistered);
        }
        let age = self.clock.now().as_second() - self.state.renewed.load(Ordering::Acquire);
        if age > LEASE_SECONDS { Err(Unhealthy::LeaseNotRenewed(age)) } else { Ok(()) }
    }

    /// Whether cluster and cloud are those that the node belongs to. While they are not, nothing is launched, ended or
    /// written, and the error says what to do.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::IdentityMismatch`].
    pub fn identity(&self) -> Result<(), Unhealthy> {
        let mismatch = self.state.mismatch.lock().unwrap_or_else(PoisonError::into_inner);
        mismatch.clone().map_or(Ok(()), |text| Err(Unhealthy::IdentityMismatch(text)))
    }

    /// Whether the first complete list of pods has arrived.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::PodsNotListed`].
    pub fn pods(&self) -> Result<(), Unhealthy> {
        let ok = self.state.standby.load(Ordering::Acquire) || self.state.synced.load(Ordering::Acquire);
        if ok { Ok(()) } else { Err(Unhealthy::PodsNotListed) }
    }
}
