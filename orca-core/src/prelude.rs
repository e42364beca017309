//! What most back ends need, in one import: the traits of [`cloud`](crate::cloud) with the types in their signatures.
//!
//! The config section of a back end needs [`BackendSection`](crate::config::BackendSection) besides, and code that reads
//! the time a [`Clock`](crate::clock::Clock).

pub use crate::cloud::{
    Capabilities, CloudClient, CloudInfo, HealthSource, LaunchOutcome, LeftoverSource, Terminations,
};
pub use crate::error::{CloudError, Fault, Kind};
pub use crate::ids::{CloudIdentity, ClusterId, InstanceId, Owner, PodRef};
pub use crate::instance::{
    CapacityType, EndCause, Health, Instance, InstanceState, OwnedInstance, StateReason,
};
pub use crate::launch::{LaunchRequest, LaunchToken, Offer};
pub use crate::leftover::{Leftover, OwnedLeftover};
