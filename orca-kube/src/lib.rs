//! ORCA's virtual node: it registers a Node with Kubernetes, and runs every pod that is bound to it as one instance of a
//! cloud. The cloud is any [`CloudClient`](orca_core::cloud::CloudClient): `orca_aws::Ec2Client`, or a back end that you
//! write.
//!
//! # Where to start
//!
//! [`VirtualNode::builder`] takes a client of the cluster and a cloud; [`VirtualNodeBuilder`] has all the options, and its
//! [`build`](VirtualNodeBuilder::build) makes a [`VirtualNode`]. Call [`VirtualNode::health`] and
//! [`VirtualNode::register_metrics`] before [`VirtualNode::run`], which consumes it. [`Error`] says why a node ended. The
//! modules [`spawn`] and [`crash`] are for simulations and tests.
//!
//! # Example
//!
//! A program around one virtual node. It chooses kube's TLS feature, installs a rustls provider if kube needs one, and turns
//! on one version feature of `k8s-openapi`; the library does none of these.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use orca_core::cloud::CloudClient;
//! use orca_core::config::Config;
//! use orca_kube::VirtualNode;
//! use tokio_util::sync::CancellationToken;
//!
//! async fn run(cloud: Arc<dyn CloudClient>) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut cluster = kube::Config::infer().await?;
//!     cluster.default_retry = false; // the virtual node retries, and bounds every call
//!     let shutdown = CancellationToken::new();
//!     let node = VirtualNode::builder(kube::Client::try_from(cluster)?)
//!         .cloud(cloud)
//!         .config(Config::default())
//!         .shutdown(shutdown.clone()) // cancel it to stop; instances keep running
//!         .build()?;
//!     let (mut metrics, health) = (prometheus_client::registry::Registry::default(), node.health());
//!     node.register_metrics(&mut metrics); // serve this registry
//!     let running = tokio::spawn(node.run());
//!     health.live()?; // an answer for a liveness probe
//!     running.await??;
//!     Ok(())
//! }
//! ```
//!
//! # How it works
//!
//! ```text
//!  VirtualNode::run
//!   ├─ leader     one active process: a Lease in ORCA's namespace, named like the node
//!   ├─ node       the Node object and its Lease in kube-node-lease
//!   ├─ pods       watch ─► intake ─► queue ─► observe ─► orca_core::lifecycle::decide ─► apply
//!   │             tasks: what is slow, with results that wake a pod
//!   ├─ instances  the Provider over a CloudClient: sweeps, sends, terminations
//!   ├─ garbage    ends what no pod wants, slowly and with a brake
//!   ├─ identity   stops all of it while cluster or cloud are not those that the node belongs to
//!   └─ events     what people should know, deduplicated and capped
//! ```
//!
//! Every loop is level-triggered: a wake-up carries a key and nothing else, and a timer wakes each loop as well. When one of
//! the loops ends or panics, [`VirtualNode::run`] returns an error. Nothing is global: several nodes can run in one process,
//! each with its own metrics, shutdown token and clock.

mod absence;
mod brake;
mod call;
pub mod crash;
pub mod error;
mod events;
mod garbage;
pub mod health;
mod identity;
mod instances;
mod leader;
mod metrics;
mod node;
mod pods;
mod random;
mod rate_limiter;
mod recent;
mod rights;
mod set_back;
mod spans;
pub mod spawn;
mod virtual_node;
mod watching;

pub use call::in_words;
pub use error::{Error, InvalidConfig};
pub use health::{Health, Unhealthy};
pub use spawn::{Spawn, TokioSpawn};
pub use virtual_node::{CloudMissing, VirtualNode, VirtualNodeBuilder};
