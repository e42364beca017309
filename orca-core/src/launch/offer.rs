//! One way to launch what a pod requests, with everything resolved. It is frozen into the launch record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::request::LaunchRequest;
use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::resources::Resources;

/// One way to fulfil a request, with everything resolved: nothing that the launch depends on is looked up later.
///
/// Once it is recorded, every send of the attempt carries exactly this offer, perhaps hours later and from another
/// process. The record is readable for everybody who may read the pod: put no secret into an offer.
///
/// `parameters` belong to the back end: ORCA stores and hashes them, and never looks inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The instance type.
    pub instance_type: String,
    /// How it is bought.
    pub capacity_type: CapacityType,
    /// The zone it would run in, if that is decided before the launch. An offer that was refused for lack of capacity is
    /// remembered by type, zone and capacity type, so name the zone if there are offers in several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The expected price, if known. It is recorded, and decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<UsdPerHour>,
    /// Every tag, as it will be written: the request's, unchanged.
    pub tags: BTreeMap<String, String>,
    /// Everything else that the launch depends on, in a form that the back end chooses.
    pub parameters: serde_json::Value,
    /// What the instance type has: `cpu` in cores, `memory` and `ephemeral-storage` in bytes, devices by number. Give 0 for a
    /// device that the back end knows about and the type lacks; a resource that is missing here is not compared with the
    /// pod's request. None: the back end cannot say, and the pod gets the event `FitNotChecked`. It is needed before the
    /// launch only, so the record does not keep it.
    #[serde(skip)]
    pub provides: Option<Resources>,
}

impl Offer {
    /// An offer with the type, the capacity type and the tags of this request, and with the back end's own parameters. It
    /// has no zone, no price, and does not say what the type provides.
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

    /// A digest over everything but [`provides`](Self::provides): 32 hexadecimal digits.
    ///
    /// The record keeps it. A record whose offer no longer has this digest is never sent.
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
