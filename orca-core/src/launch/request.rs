//! What a pod asks a back end to launch, after annotations, templates and defaults were read.

use std::collections::BTreeMap;

use crate::ids::PodRef;
use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::resources::Resources;

/// One launch attempt as a back end gets to see it, to make offers from. It names nothing that only one cloud knows but
/// the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaunchRequest {
    /// The pod.
    pub pod: PodRef,
    /// The attempt, from 1. It stands in the tags as well.
    pub attempt: u32,
    /// The exact instance type.
    pub instance_type: String,
    /// How to buy it.
    pub capacity_type: CapacityType,
    /// The highest price, for spot only.
    pub max_price: Option<UsdPerHour>,
    /// The pod's own machine image. None: the back end's default.
    pub image: Option<String>,
    /// What the pod asks for, as the scheduler counts it: CPU in cores, memory and storage in bytes, devices by number. The
    /// instance type is what is bought; a back end with instances of any size can cut one to this.
    pub resources: Resources,
    /// The complete tags of what will be launched, from [`tags`](crate::tags::tags).
    pub tags: BTreeMap<String, String>,
}
