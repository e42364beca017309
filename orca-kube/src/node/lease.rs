//! The node lease: the heartbeat that keeps the node Ready and its pods from being evicted.
//!
//! It lives in `kube-node-lease`, lasts 40 s and is renewed every 10 s (A20-A27). It has a client of its own, so that
//! no other call can hold it up, and it never stops for an outage of the cloud.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, OwnerReference};
use kube::Api;
use kube::api::PostParams;
use orca_core::clock::Clock;
use tokio::sync::watch;

use crate::call::{CallError, bounded_on};
use crate::health::Health;
use crate::leader::to_micros;
use crate::metrics::{NodeMetrics, Outcome};
use crate::node::Facts;
use crate::rights::explained;
use crate::set_back::{SetBack, Versions};

/// Where the node-lifecycle controller looks for heartbeats, and nowhere else (A24).
pub(crate) const NAMESPACE: &str = "kube-node-lease";
/// How long a renewal keeps the node alive.
const LASTS_SECONDS: i32 = 40;
/// Four renewals in that time.
const EVERY: Duration = Duration::from_secs(10);
/// A renewal that hangs is given up early enough for several more (A27).
const TIMEOUT: Duration = Duration::from_secs(4);
/// After a failure: soon, because three missed renewals cost the node.
const RETRY: Duration = Duration::from_secs(1);

/// What the node lease works with.
#[derive(Debug)]
pub(crate) struct LeaseParts {
    pub(crate) node: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Health,
    pub(crate) metrics: NodeMetrics,
    pub(crate) set_back: SetBack,
}

/// The loop that renews the node lease.
#[derive(Debug)]
pub(crate) struct NodeLease {
    api: Api<Lease>,
    parts: LeaseParts,
}

impl NodeLease {
    pub(crate) fn new(client: kube::Client, parts: LeaseParts) -> Self {
        Self { api: Api::namespaced(client, NAMESPACE), parts }
    }

    /// Renews for ever. `uid` is the live Node's: the lease always names that one as its owner (A18).
    pub(crate) async fn run(&self, mut uid: watch::Receiver<Option<Facts>>) {
        let mut known: Option<Lease> = None;
        let mut versions = Versions::default();
        let mut written: Option<Timestamp> = None;
        loop {
            let node = uid.borrow_and_update().as_ref().map(|facts| facts.uid.clone());
            let pause = match &node {
                None => RETRY,
                Some(node) => match self.renew(known.take(), node, written).await {
                    Ok(lease) => {
                        // No other object is written as often, so this one shows first that the API server was set back.
                        if versions.fell_to(lease.metadata.resource_version.as_deref()) {
                            self.parts.set_back.notice(self.parts.clock.now());
                        }
                        written = renewed_at(&lease);
                        known = Some(lease);
                        self.parts.health.renewed(self.parts.clock.now());
                        self.parts.metrics.renewals.get_or_create(&Outcome::of(true)).inc();
                        self.parts.metrics.renewed_at.set(self.parts.clock.now().as_second());
                        EVERY
                    }
                    Err(error) => {
                        self.parts.metrics.renewals.get_or_create(&Outcome::of(false)).inc();
                        let error = explained(&error, &self.parts.node);
                        tracing::warn!(error, "Node lease not renewed; trying again");
                        RETRY
                    }
                },
            };
            tokio::select! {
                biased;
                changed = uid.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Writes over what was last seen; reads again, or creates, when that fails.
    async fn renew(
        &self,
        known: Option<Lease>,
        node_uid: &str,
        written: Option<Timestamp>,
    ) -> Result<Lease, CallError> {
        if let Some(lease) = known {
            match self
                .call(self.api.replace(
                    &self.parts.node,
                    &PostParams::default(),
                    &self.lease(Some(&lease), node_uid),
                ))
                .await
            {
                Err(CallError::Conflict | CallError::NotFound(_)) => {}
                other => return other,
            }
        }
        match self.call(self.api.get(&self.parts.node)).await {
            Ok(lease) => {
                self.compare(&lease, written);
                self.call(self.api.replace(
                    &self.parts.node,
                    &PostParams::default(),
                    &self.lease(Some(&lease), node_uid),
                ))
                .await
            }
            Err(CallError::NotFound(_)) => {
                self.call(self.api.create(&PostParams::default(), &self.lease(None, node_uid))).await
            }
            Err(error) => Err(error),
        }
    }

    /// Nobody else renews this lease. If it is older than what was written, the API server was set back, however high its
    /// resource versions are by now.
    fn compare(&self, lease: &Lease, written: Option<Timestamp>) {
        let Some(found) = renewed_at(lease) else { return };
        match written {
            Some(written) if found < written => self.parts.set_back.notice(self.parts.clock.now()),
            Some(_) => {}
            None => self.parts.set_back.found_lease(found),
        }
    }

    async fn call<T>(&self, call: impl Future<Output = kube::Result<T>> + Send) -> Result<T, CallError> {
        tokio::time::timeout(TIMEOUT, bounded_on(("leases", &self.parts.node), call))
            .await
            .unwrap_or(Err(CallError::Timeout))
    }

    fn lease(&self, before: Option<&Lease>, node_uid: &str) -> Lease {
        let owner = OwnerReference {
            api_version: "v1".into(),
            kind: "Node".into(),
            name: self.parts.node.clone(),
            uid: node_uid.to_owned(),
            ..OwnerReference::default()
        };
        let metadata = ObjectMeta {
            name: Some(self.parts.node.clone()),
            namespace: Some(NAMESPACE.into()),
            resource_version: before.and_then(|lease| lease.metadata.resource_version.clone()),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        };
        let spec = LeaseSpec {
            holder_identity: Some(self.parts.node.clone()),
            lease_duration_seconds: Some(LASTS_SECONDS),
            renew_time: Some(MicroTime(to_micros(self.parts.clock.now()))),
            ..LeaseSpec::default()
        };
        Lease { metadata, spec: Some(spec) }
    }
}

fn renewed_at(lease: &Lease) -> Option<Timestamp> {
    lease.spec.as_ref()?.renew_time.as_ref().map(|time| time.0)
}
