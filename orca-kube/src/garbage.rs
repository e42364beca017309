//! Garbage collection: ends the instances that no pod wants, and removes what instances left behind.
//!
//! Each round takes the latest complete sweep, asks the API server itself about every pod that the pod controller does
//! not know, and lets `orca_core::orphans` judge. It only ever ends what carries our tags, and it would rather end
//! nothing than the wrong thing: see there for the rules.

mod api_reader;
mod leftovers;
mod notes;
mod round;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orca_core::clock::Clock;
use orca_core::cloud::LeftoverSource;
use orca_core::config::Gc;
use orca_core::ids::{ClusterId, InstanceId, Owner};
use orca_core::leftover::LeftoverId;
use orca_core::lifecycle::Note;
use orca_core::orphans::History;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use self::api_reader::{ApiReader, ClusterReader};
pub(crate) use self::notes::CAUSES;
use crate::events::Events;
use crate::identity::{IdentityGuard, Mismatch};
use crate::instances::InstanceProvider;
use crate::metrics::{Cause, GarbageMetrics, Outcome};
use crate::pods;
use crate::random::Random;
use crate::set_back::SetBack;

/// After a start the rounds are faster for this time: what was orphaned while nobody looked goes soon.
const EAGER_FOR: Duration = Duration::from_mins(3);
/// The interval at that time, at most.
const EAGER: Duration = Duration::from_secs(10);
/// The interval varies by this share either way, so that many nodes do not ask at once.
const JITTER: f64 = 0.2;
/// Leftovers are looked for every so many intervals.
const LEFTOVER_INTERVALS: u32 = 5;
/// How often foreign instances are reported.
const REPORT: Duration = Duration::from_hours(1);

/// What garbage collection works with.
pub(crate) struct GarbageParts {
    pub(crate) api_reader: Arc<dyn ClusterReader>,
    pub(crate) provider: InstanceProvider,
    pub(crate) pods: pods::Controller,
    pub(crate) owner: Owner,
    pub(crate) settings: Gc,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
    pub(crate) metrics: GarbageMetrics,
    pub(crate) random: Random,
    pub(crate) leftovers: Option<Arc<dyn LeftoverSource>>,
    /// The UID of `kube-system` that the owner stands for. None: the config names the cluster, and the first UID that
    /// is read counts.
    pub(crate) cluster_uid: Option<ClusterId>,
    /// Since when this process has been the active one.
    pub(crate) leader_since: Timestamp,
    pub(crate) identity: IdentityGuard,
    pub(crate) set_back: SetBack,
    /// Whether the cluster is certain from the start: it is named by its UID, or by the Node that was there.
    pub(crate) is_recorded: bool,
}

/// The collector and what it remembers.
pub(crate) struct Garbage {
    parts: GarbageParts,
    cluster_uid: Option<ClusterId>,
    history: History<InstanceId>,
    leftover_history: History<LeftoverId>,
    /// This node's instances that named no pod in the latest round.
    without_pod: Vec<InstanceId>,
    /// When the sweep that was judged last began. A round needs a new one.
    judged: Option<Timestamp>,
    /// Whether the API server is known to be that of the cluster whose instances these are.
    proven: bool,
    /// What stops the collection of instances, and with it that of leftovers.
    frozen: Option<&'static str>,
    leftovers_frozen: Option<&'static str>,
    failures: u32,
    next_leftovers: Instant,
    next_report: Instant,
}

impl Garbage {
    pub(crate) fn new(parts: GarbageParts) -> Self {
        let now = Instant::now();
        Self {
            cluster_uid: parts.cluster_uid.clone(),
            history: History::default(),
            leftover_history: History::default(),
            without_pod: Vec::new(),
            judged: None,
            proven: parts.is_recorded,
            frozen: None,
            leftovers_frozen: None,
            failures: 0,
            next_leftovers: now,
            next_report: now,
            parts,
        }
    }

    /// Collects until the token is cancelled.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        if !self.parts.settings.enabled {
            tracing::warn!("Garbage collection is off (gc.enabled): instances without a pod keep running");
            return shutdown.cancelled().await;
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            () = self.collect() => {}
        }
    }

    async fn collect(&mut self) {
        let began = Instant::now();
        if self.parts.settings.release_brake > 0 {
            tracing::warn!(
                at_most = self.parts.settings.release_brake,
                "The brake of garbage collection is released (gc.releaseBrake); set it back to 0 when the orphans are gone"
            );
        }
        loop {
            tokio::time::sleep(self.interval(began.elapsed())).await;
            if !self.parts.pods.is_synced() {
                continue;
            }
            self.turn().await;
        }
    }

    /// One look at everything that is due.
    async fn turn(&mut self) {
        if let Some(mismatch) = self.parts.identity.mismatch() {
            return self.stand_still(&mismatch);
        }
        let held = self.parts.provider.held();
        if !held.is_empty() {
            tracing::warn!(
                count = held.len(),
                instances = notes::named(&held),
                "Too many instances are missing to be believed"
            );
            self.tell(&notes::missing(&held));
        }
        match self.round().await {
            Ok(judged) => {
                self.failures = 0;
                if judged {
                    self.parts.metrics.rounds.get_or_create(&Outcome::of(true)).inc();
                }
            }
            Err(error) => return self.failed(&error),
        }
        // Before anything was judged, and while the cluster is in question, the rest can wait.
        if self.judged.is_none()
            || [Some(notes::CLUSTER_CHANGED), Some(notes::CLUSTER_UNPROVEN)].contains(&self.frozen)
        {
            return;
        }
        if Instant::now() >= self.next_leftovers {
            self.next_leftovers = Instant::now() + self.pace() * LEFTOVER_INTERVALS;
            self.collect_leftovers().await;
        }
        if Instant::now() >= self.next_report {
            self.next_report = Instant::now() + REPORT;
            self.report_foreign().await;
        }
    }

    /// Cluster or cloud are not those that the node belongs to: what they say is no reason to end anything.
    fn stand_still(&mut self, mismatch: &Mismatch) {
        self.history.interrupt();
        self.leftover_history.interrupt();
        self.frozen = Some(notes::IDENTITY_CHANGED);
        self.show_frozen();
        self.tell(&notes::identity_changed(mismatch));
    }

    fn failed(&mut self, error: &round::RoundError) {
        self.failures = self.failures.saturating_add(1);
        self.parts.metrics.rounds.get_or_create(&Outcome::of(false)).inc();
        if self.failures == 1 {
            tracing::warn!(error = %error, "Garbage collection cannot tell what is wanted, so it ends nothing");
        } else {
            tracing::debug!(error = %error, failures = self.failures, "Garbage collection still cannot tell what is wanted");
        }
    }

    fn pace(&self) -> Duration {
        Duration::from_secs_f64(self.parts.settings.interval_seconds.max(0.1))
    }

    fn interval(&self, running: Duration) -> Duration {
        let pace = if running < EAGER_FOR { self.pace().min(EAGER) } else { self.pace() };
        pace.mul_f64(1.0 - JITTER + 2.0 * JITTER * self.parts.random.fraction())
    }

    fn tell(&self, note: &Note) {
        self.parts.events.publish_on_node(&self.parts.owner.node, note);
    }

    /// Shows on the metric what stops the one or the other.
    fn show_frozen(&self) {
        for cause in CAUSES {
            let is_set = self.frozen == Some(cause) || self.leftovers_frozen == Some(cause);
            self.parts.metrics.frozen.get_or_create(&Cause { cause }).set(i64::from(is_set));
        }
    }
}

#[cfg(test)]
mod tests;
