//! Fakes, real servers, contracts and a simulation to test ORCA and its back ends with.
//!
//! - [`servers`] (feature `servers`): the real servers, on loopback. A Kubernetes control plane, an
//!   EC2-compatible server, and a proxy in front of it that adds what that server lacks.
//! - [`fake_kube`] (feature `fakes`): a Kubernetes API server that lives in memory, and its controllers.
//! - [`fake_ec2`] (feature `fakes`): a stateful model of EC2, as a cloud in process and over HTTP.
//! - [`contract`] (feature `fakes`): what every implementation of a seam must do, the fake and the real ones alike.
//! - [`clock`] (feature `fakes`): clocks that a test sets, or that follow tokio's.
//! - [`fault`]: faults on order, for the fake EC2 and the proxy.
//! - [`simulation`] (feature `sim`): a whole run with the real controller, in simulated time and from one seed.
//! - [`load`] (feature `load`): the load command, which compares ORCA with its peers on one control plane.

#[cfg(feature = "fakes")]
pub mod clock;
#[cfg(feature = "fakes")]
pub mod contract;
#[cfg(feature = "fakes")]
pub mod fake_ec2;
#[cfg(feature = "fakes")]
pub mod fake_kube;
#[cfg(any(feature = "fakes", feature = "servers"))]
pub mod fault;
#[cfg(feature = "load")]
pub mod load;
#[cfg(feature = "servers")]
pub mod servers;
#[cfg(feature = "fakes")]
mod signal;
#[cfg(feature = "sim")]
pub mod simulation;
