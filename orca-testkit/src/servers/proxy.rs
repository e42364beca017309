//! A proxy in front of an EC2-compatible server, which adds what such servers lack.
//!
//! - **Token memory**: a repeated `RunInstances` with the same client token launches nothing new.
//! - **Faults**: refusals, lost requests, lost answers and delays, when a test orders them ([`Fault`]).
//! - **A ledger**: every call, with its parameters, its times and its outcome ([`Call`]).
//! - **A lifecycle**: instances that stay `pending` and `shutting-down` for a while.
//!
//! Everything else passes unchanged. An action that the upstream lacks becomes the error
//! `UnsupportedOperation` and is kept in [`Ec2Proxy::unsupported`], for a test to fail on.

mod answer;
mod exchange;
mod fault;
mod ledger;
mod listener;
mod overlay;
mod query;
mod tokens;

use super::Error;
use super::http::Http;
use exchange::Exchange;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

pub use answer::AnsweredBy;
pub use fault::{Effect, Fault, FaultId};
pub use ledger::{Call, Outcome};
pub use query::Parameters;

/// Describing thousands of instances takes the upstream more than a minute.
const UPSTREAM_LIMIT: Duration = Duration::from_mins(5);

/// A running proxy; dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Ec2Proxy {
    endpoint: Url,
    exchange: Arc<Exchange>,
    listener: JoinHandle<()>,
}

impl Ec2Proxy {
    /// Starts a proxy for this upstream.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub async fn start(upstream: &Url) -> Result<Self, Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(Error::Port)?;
        let port = listener.local_addr().map_err(Error::Port)?.port();
        let endpoint = super::probe::loopback(&port.to_string())?;
        let exchange = Arc::new(Exchange::new(upstream.clone(), Http::new(UPSTREAM_LIMIT)));
        let listener = tokio::spawn(listener::serve(listener, Arc::clone(&exchange)));
        Ok(Self { endpoint, exchange, listener })
    }

    /// Where it listens: the endpoint URL for the AWS client.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Orders a fault. Of several that match a call, only the one that was ordered first acts on it.
    #[expect(clippy::must_use_candidate, reason = "few tests ask for the hits of a fault")]
    pub fn fault(&self, fault: Fault) -> FaultId {
        self.exchange.faults.add(fault)
    }

    /// How many calls this fault has acted on.
    #[must_use]
    pub fn hits(&self, fault: FaultId) -> usize {
        self.exchange.faults.hits(fault)
    }

    /// Removes all faults. [`hits`](Self::hits) still knows them.
    pub fn clear_faults(&self) {
        self.exchange.faults.clear();
    }

    /// Every call so far, in the order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.exchange.ledger.calls()
    }

    /// Every call of one action (`RunInstances`, `AmazonSSM.GetParameter`), in the order of arrival.
    #[must_use]
    pub fn calls_of(&self, action: &str) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| call.action == action);
        calls
    }

    /// The instances launched for each pod, by the tag `orca.research/pod-uid` of the launch call.
    ///
    /// A launch counts from the moment that the upstream has made it, whether or not the client has
    /// received the answer.
    #[must_use]
    pub fn launched(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.exchange.ledger.launched()
    }

    /// The calls that the upstream does not know, each with what it answered.
    #[must_use]
    pub fn unsupported(&self) -> Vec<String> {
        self.exchange.ledger.unsupported()
    }

    /// How long an instance stays `pending` in the answers, from its launch through this proxy.
    ///
    /// Only the answers are rewritten: a filter by state still sees the upstream's states.
    pub fn set_boot_delay(&self, delay: Duration) {
        self.exchange.overlay.set_boot_delay(delay);
    }

    /// How long an instance stays `shutting-down` in the answers, from its end through this proxy.
    pub fn set_shutdown_delay(&self, delay: Duration) {
        self.exchange.overlay.set_shutdown_delay(delay);
    }

    /// Forgets calls, faults, client tokens, instances and delays. Use it together with a reset of the upstream.
    pub fn forget_all(&self) {
        self.exchange.forget_all();
    }
}

impl Drop for Ec2Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
