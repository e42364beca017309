//! The real servers of the end-to-end tests, each started for one test and stopped when dropped.
//!
//! `orca-testkit/servers/prepare` builds them once, into the user's cache folder; [`installed`] finds
//! them there. [`ControlPlane`] is a Kubernetes control plane with RBAC. [`Moto`] is an EC2-compatible
//! server, with [`Ec2Proxy`] in front of it (token memory, faults, ledger). [`Ec2Probe`] reads the
//! instances of moto without the proxy. A [`Relay`] in front of any server can make its connections go dead.
//!
//! Everything listens on free loopback ports and keeps its files in a temporary folder.

mod certificates;
pub mod control_plane;
pub(crate) mod environment;
mod error;
pub(crate) mod files;
mod http;
pub(crate) mod installation;
mod kubectl;
mod moto;
pub(crate) mod ports;
pub mod probe;
pub(crate) mod process;
pub mod proxy;
mod relay;

pub use certificates::PemPair;
pub use control_plane::{Audit, ControlPlane, ServerName, Snapshot};
pub use error::Error;
pub use installation::{Installation, installed};
pub use kubectl::Kubectl;
pub use moto::Moto;
pub use probe::Ec2Probe;
pub use proxy::Ec2Proxy;
pub use relay::Relay;
