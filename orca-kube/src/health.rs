//! The health of a virtual node, for liveness and readiness probes.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use orca_core::clock::Clock;

/// Kubernetes counts a node as lost when its lease is older than this.
const LEASE_SECONDS: i64 = 40;
/// The loops beat every few seconds. After this time without a beat they are stuck.
const STUCK_SECONDS: i64 = 120;

/// Why a virtual node is not healthy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unhealthy {
    /// It ended because of a bug: a loop ended or panicked. The text is that of its error.
    #[error("{0}")]
    Ended(String),
    /// Its loops have not beaten for this many seconds.
    #[error("the loops have not turned for {0} s")]
    Stuck(i64),
    /// It does not know yet which process is the leader.
    #[error("the leader lease has not been read yet")]
    LeaderUnknown,
    /// The leader lease cannot be read or written. The text says why, and what to do.
    #[error("the leader lease cannot be read or written: {0}")]
    LeaderLease(String),
    /// It has not registered its Node object yet.
    #[error("the node is not registered yet")]
    NotRegistered,
    /// The Node object cannot be created or read. The text says why, and what to do.
    #[error("the node cannot be registered: {0}")]
    RegistrationFailed(String),
    /// Its node lease was last renewed this many seconds ago.
    #[error("the node lease was last renewed {0} s ago")]
    LeaseNotRenewed(i64),
    /// The cluster or the cloud is another one than the Node object records. The text says what to do.
    #[error("{0}")]
    IdentityMismatch(String),
    /// The first complete list of pods has not arrived.
    #[error("the pods of the node have not been listed yet")]
    PodsNotListed,
}

/// The state of one virtual node, for health endpoints. Cheap to clone; every clone shows the same node.
///
/// Use [`live`](Self::live) for liveness. For readiness use [`leader`](Self::leader), [`node`](Self::node),
/// [`identity`](Self::identity) and [`pods`](Self::pods): all of them succeed in a process that stands by. No method makes a
/// call.
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
    /// Why the leader lease cannot be read or written at present.
    leader_failure: Mutex<Option<String>>,
    /// Why the Node could not be registered when it was last tried.
    registration_failure: Mutex<Option<String>>,
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

    /// This process leads, or stands by behind another one that holds the lease.
    pub(crate) fn set_leader(&self, is_leader: bool) {
        self.state.leader.store(is_leader, Ordering::Release);
        self.state.standby.store(!is_leader, Ordering::Release);
        put(&self.state.leader_failure, None);
    }

    /// The leader is no longer known, because the lease cannot be read.
    pub(crate) fn leader_unknown(&self, why: String) {
        self.state.leader.store(false, Ordering::Release);
        self.state.standby.store(false, Ordering::Release);
        put(&self.state.leader_failure, Some(why));
    }

    /// This process leads, and cannot renew the lease. None: it can again.
    pub(crate) fn leader_failing(&self, why: Option<String>) {
        put(&self.state.leader_failure, why);
    }

    pub(crate) fn registration_failed(&self, why: String) {
        put(&self.state.registration_failure, Some(why));
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
        put(&self.state.mismatch, mismatch);
    }

    /// A loop ended, and with it the node. If the process goes on, it has to be restarted.
    pub(crate) fn ended(&self, error: &crate::Error) {
        // Only the first cause counts.
        let _later = self.state.ended.set(error.to_string());
    }

    /// Whether the node works. It still does during an outage of the cloud or of the API server, when a restart would not
    /// help.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::Ended`] after a bug, or [`Unhealthy::Stuck`] when the loops have not beaten for 120 s: restart the
    /// process.
    pub fn live(&self) -> Result<(), Unhealthy> {
        if let Some(why) = self.state.ended.get() {
            return Err(Unhealthy::Ended(why.clone()));
        }
        let age = self.clock.now().as_second() - self.state.beat.load(Ordering::Acquire);
        if age > STUCK_SECONDS { Err(Unhealthy::Stuck(age)) } else { Ok(()) }
    }

    /// Whether this process leads, or stands by behind a leader that it knows.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::LeaderUnknown`] before the leader lease was read, [`Unhealthy::LeaderLease`] while it cannot be read or
    /// written.
    pub fn leader(&self) -> Result<(), Unhealthy> {
        if let Some(why) = get(&self.state.leader_failure) {
            return Err(Unhealthy::LeaderLease(why));
        }
        let known = self.state.leader.load(Ordering::Acquire) || self.state.standby.load(Ordering::Acquire);
        if known { Ok(()) } else { Err(Unhealthy::LeaderUnknown) }
    }

    /// Whether the Node is registered, and its lease was renewed within 40 s. Always true for a process that stands by.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::NotRegistered`], [`Unhealthy::RegistrationFailed`] or [`Unhealthy::LeaseNotRenewed`].
    pub fn node(&self) -> Result<(), Unhealthy> {
        if self.state.standby.load(Ordering::Acquire) {
            return Ok(());
        }
        if !self.state.registered.load(Ordering::Acquire) {
            let why = get(&self.state.registration_failure);
            return Err(why.map_or(Unhealthy::NotRegistered, Unhealthy::RegistrationFailed));
        }
        let age = self.clock.now().as_second() - self.state.renewed.load(Ordering::Acquire);
        if age > LEASE_SECONDS { Err(Unhealthy::LeaseNotRenewed(age)) } else { Ok(()) }
    }

    /// Whether the cluster and the cloud are those that the Node object records. If not, the node launches and ends
    /// nothing and writes no pod, and the error says what to do.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::IdentityMismatch`].
    pub fn identity(&self) -> Result<(), Unhealthy> {
        get(&self.state.mismatch).map_or(Ok(()), |text| Err(Unhealthy::IdentityMismatch(text)))
    }

    /// Whether the first complete list of pods has arrived. Always true for a process that stands by.
    ///
    /// # Errors
    ///
    /// [`Unhealthy::PodsNotListed`].
    pub fn pods(&self) -> Result<(), Unhealthy> {
        let ok = self.state.standby.load(Ordering::Acquire) || self.state.synced.load(Ordering::Acquire);
        if ok { Ok(()) } else { Err(Unhealthy::PodsNotListed) }
    }
}

fn get(text: &Mutex<Option<String>>) -> Option<String> {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn put(text: &Mutex<Option<String>>, new: Option<String>) {
    *text.lock().unwrap_or_else(PoisonError::into_inner) = new;
}
