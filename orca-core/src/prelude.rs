//! What authors of a back end need most, in one import.

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
