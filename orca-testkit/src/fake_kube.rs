//! A Kubernetes API server in memory, with its own clock and its own seed. The [`store`] holds the objects.
//!
//! [`FakeKube::client`] is an ordinary `kube::Client`; [`FakeKube::serve`] opens a port for kubectl and other programs. A
//! scheduler and controllers run only if you start them: [`controllers::Controllers`].
//!
//! ```
//! use k8s_openapi::api::core::v1::Namespace;
//! use kube::Api;
//! use orca_testkit::fake_kube::{FakeKube, Options, controllers::Controllers};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kube::Result<()> {
//! let kube = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
//! let controllers = tokio::spawn(Controllers::new(kube.store()).run());
//! let namespaces: Api<Namespace> = Api::all(kube.client());
//! assert!(namespaces.get("kube-system").await?.metadata.uid.is_some());
//! # controllers.abort();
//! # Ok(())
//! # }
//! ```

mod admission;
mod answer;
pub mod audit;
mod cluster;
pub mod controllers;
mod defaults;
mod discovery;
pub mod error;
pub mod fault;
mod http;
mod kubelet;
pub mod object;
mod openapi;
mod patch;
mod protobuf;
mod request;
pub mod resource;
mod review;
mod route;
mod schema;
pub mod selector;
mod service;
pub mod store;
mod table;
pub mod time;
mod validate;
mod verbs;
mod view;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use orca_core::clock::Clock;
use serde_json::{Value, json};

use cluster::Cluster;

pub use answer::ApiBody;
pub use audit::{Audit, AuditEntry};
pub use error::ApiError;
pub use fault::{Effect, Fault, Faults};
pub use http::{ServeError, Served, Transport};
pub use object::Object;
pub use resource::Resource;
pub use service::ApiService;
pub use store::{Snapshot, Store};

/// The namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// The priority classes that every cluster has.
const PRIORITIES: [(&str, i64); 2] =
    [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)];

/// The user of clients that do not say who they are.
const ADMIN: &str = "kubernetes-admin";

/// The options of a fake cluster.
#[derive(Clone)]
pub struct Options {
    /// Where the cluster takes its times from.
    pub clock: Arc<dyn Clock>,
    /// The seed of all UIDs and generated names.
    pub seed: u64,
    /// How many changes of each kind of object watches can go back. A watch from an older version gets a 410. Default: 10 000.
    pub remembered_changes: usize,
}

impl Options {
    /// A cluster with this clock and this seed.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        // Two changes for each of 5 000 pods; a change keeps some 20 KiB.
        Self { clock, seed, remembered_changes: 10_000 }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options").field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// A fake cluster. A clone is the same cluster.
#[derive(Clone, Debug)]
pub struct FakeKube {
    cluster: Arc<Cluster>,
}

impl FakeKube {
    /// A new cluster with the usual namespaces and priority classes.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let store = Store::new(options);
        let namespaces = NAMESPACES.map(|name| (&resource::NAMESPACES, namespace(name)));
        let classes =
            PRIORITIES.map(|(name, value)| (&resource::PRIORITYCLASSES, priority_class(name, value)));
        for (resource, value) in namespaces.into_iter().chain(classes) {
            let made = store.create(resource, value);
            debug_assert!(made.is_ok(), "an empty store has room for {resource:?}");
        }
        Self { cluster: Arc::new(Cluster::new(store)) }
    }

    /// The store with all objects.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.cluster.store
    }

    /// The audit list: the requests that were answered.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.cluster.audit
    }

    /// The faults: order slow, lost or refused answers here.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.cluster.faults
    }

    /// A client with an administrator's rights, without a socket. Make it within a tokio runtime.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        self.client_as(ADMIN)
    }

    /// A client as this user, without a socket. Make it within a tokio runtime.
    #[must_use]
    pub fn client_as(&self, user: &str) -> kube::Client {
        kube::Client::new(self.service_as(user), "default")
    }

    /// The API as this user, as a `tower` service.
    #[must_use]
    pub fn service_as(&self, user: &str) -> ApiService {
        ApiService::new(Arc::clone(&self.cluster), user)
    }

    /// A bearer token for this user.
    #[must_use]
    pub fn token_for(&self, user: &str) -> String {
        let token = format!("of-{user}");
        self.cluster.remember_token(token.clone(), user.to_owned());
        token
    }

    /// Serves the API on an address; port 0 means any free port. A request without a token of a service account or
    /// [of a user](Self::token_for) is an administrator's.
    ///
    /// # Errors
    ///
    /// The address cannot be used, or no certificate can be made for it.
    pub async fn serve(&self, address: SocketAddr, transport: Transport) -> Result<Served, ServeError> {
        http::serve(self.service_as(ADMIN), address, transport).await
    }
}

fn namespace(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name, "labels": { "kubernetes.io/metadata.name": name } },
        "spec": { "finalizers": ["kubernetes"] },
        "status": { "phase": "Active" },
    })
}

fn priority_class(name: &str, value: i64) -> Value {
    json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": { "name": name },
        "value": value,
        "preemptionPolicy": "PreemptLowerPriority",
    })
}
