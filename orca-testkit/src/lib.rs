//! What ORCA is tested with.
//!
//! - [`servers`] (feature `servers`): the real servers, on loopback. A Kubernetes control plane, an
//!   EC2-compatible server, and a proxy in front of it that adds what that server lacks.

#[cfg(feature = "servers")]
pub mod servers;
