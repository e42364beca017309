//! What a pod asks a back end to launch, after its annotations, the templates and the defaults have been read.

use std::collections::BTreeMap;

use crate::ids::PodRef;
use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::resources::Resources;

/// One launch attempt, for which a back end makes offers. Type and image are names that the back end understands; the
/// rest means the same on every cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchRequest {
    /// The pod.
    pub pod: PodRef,
    /// The attempt, from 1. It stands in the tags as well.
    pub attempt: u32,
    /// The exact instance type: 1 to 128 letters, digits, dots, dashes and underscores if it comes from an annotation.
    pub instance_type: String,
    /// How to buy it.
    pub capacity_type: CapacityType,
    /// The highest price to pay. Spot only; None: the back end's own limit.
    pub max_price: Option<UsdPerHour>,
    /// The machine image that the pod names. None: the back end's default.
    pub image: Option<String>,
    /// What the pod requests, as the scheduler counts it: CPU in cores, memory and storage in bytes, devices by number. The
    /// instance type decides what is bought; a back end without fixed types can size the instance by this.
    pub resources: Resources,
    /// The complete tags of what will be launched, from [`tags`](crate::tags::tags).
    pub tags: BTreeMap<String, String>,
}
