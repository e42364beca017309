//! One way to launch what is requested, with everything resolved, frozen into the launch record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::request::LaunchRequest;
use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::resources::Resources;

/// One way to fulfil a request, with everything resolved: nothing that the launch depends on is looked up later.
///
/// The core reads type, capacity type, zone and price. `parameters` belong to the back end: the core stores and
/// hashes them, and never reads them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The instance type.
    pub instance_type: String,
    /// How it is bought.
    pub capacity_type: CapacityType,
    /// The zone it would run in, if that is decided before the launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The expected price, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<UsdPerHour>,
    /// Every tag, as it will be written.
    pub tags: BTreeMap<String, String>,
    /// The back end's own parameters.
    pub parameters: serde_json::Value,
    /// What the instance type has, as far as the back end knows: `cpu` in cores, `memory` and `ephemeral-storage` in bytes, devices
    /// by number, 0 for a device that it knows and the type has not. A resource that is missing here is not checked. None: the back
    /// end could not say. It is only asked before the launch, so no record has it.
    #[serde(skip)]
    pub provides: Option<Resources>,
}

impl Offer {
    /// An offer of what is requested, with the request's tags and the back end's own parameters. Zone, price and what it provides are left open.
    #[must_use]
    pub fn new(request: &LaunchRequest, parameters: serde_json::Value) -> Self {
        Self {
            instance_type: request.instance_type.clone(),
            capacity_type: request.capacity_type,
            zone: None,
            price: None,
            tags: request.tags.clone(),
            parameters,
            provides: None,
        }
    }

    /// A digest over everything in it, hex.
    ///
    /// A record whose offer no longer has the digest it was written with is never sent.
    #[must_use]
    pub fn digest(&self) -> String {
        // Serialising a struct of maps with text keys cannot fail; an empty text then matches no digest.
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_changes_with_every_part_of_an_offer() {
        let offer = Offer {
            instance_type: "t3.micro".into(),
            capacity_type: CapacityType::OnDemand,
            zone: None,
            price: None,
            tags: BTreeMap::new(),
            parameters: serde_json::json!({ "ami": "ami-1" }),
            provides: None,
        };
        let mut other = offer.clone();
        other.parameters["ami"] = "ami-2".into();
        assert_ne!(offer.digest(), other.digest());
        let read: Offer = serde_json::from_value(serde_json::to_value(&offer).expect("json")).expect("offer");
        assert_eq!(read.digest(), offer.digest());
    }
}
