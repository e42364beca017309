//! Whether a pod may buy an instance, and which one. Checked before the first launch, and never for a pod that has a launch
//! record.
//!
//! A pod whose author has set `spec.nodeName` was never seen by a scheduler. Here a mistake costs money, so the scheduler's
//! rules about node, taints and room are checked again (B27): [`admit`] reads the annotations, [`place`] checks the node,
//! and [`Room`] what is left on it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

mod placement;
mod room;

pub use placement::{Place, place};
pub use room::{Room, Shortage, is_extended};

use crate::annotations::Wishes;
use crate::config::Config;
use crate::instance::CapacityType;
use crate::pod;
use crate::price::UsdPerHour;
use crate::selection::{self, SelectionError};
use crate::well_known::reason;

/// What an admitted pod asks the cloud for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The instance type.
    pub instance_type: String,
    /// How to buy it.
    pub capacity_type: CapacityType,
    /// The highest price, for spot only.
    pub max_price: Option<UsdPerHour>,
    /// The machine image that the pod names.
    pub image: Option<String>,
    /// Sentences for people about annotations that were ignored.
    pub notes: Vec<String>,
}

impl Request {
    /// A text that changes when the pod's author asks for something else. A refused launch is then tried again.
    #[must_use]
    pub fn digest(&self) -> String {
        let price = self.max_price.map_or_else(String::new, |price| price.to_string());
        let image = self.image.as_deref().unwrap_or_default();
        format!("{}|{}|{price}|{image}", self.instance_type, self.capacity_type.as_str())
    }
}

/// Why a pod gets no instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// What would have to change.
    pub kind: RejectionKind,
    /// The reason in the pod's status and event.
    pub reason: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

/// What would have to change for a rejected pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionKind {
    /// An annotation: its author can change it while the pod waits.
    Annotation,
    /// The pod's node, or the room on it. A bound pod cannot move, so it fails, unless its controller would replace it at
    /// once.
    Placement,
}

/// Reads the annotations of a pod, and chooses its instance type.
///
/// # Errors
///
/// A [`Rejection`] of the kind [`Annotation`](RejectionKind::Annotation): `InvalidAnnotation` with everything that is wrong
/// in one message, or `MissingInstanceType` if nothing names a type.
pub fn admit(pod: &Pod, config: &Config) -> Result<Request, Rejection> {
    let none = BTreeMap::new();
    let wishes = Wishes::parse(pod::annotations(pod).unwrap_or(&none)).map_err(|errors| Rejection {
        kind: RejectionKind::Annotation,
        reason: reason::INVALID_ANNOTATION.into(),
        message: errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    })?;
    let selection = selection::select(&wishes, &config.instances).map_err(|error| {
        let reason = match error {
            SelectionError::NoneFits { .. } => reason::MISSING_INSTANCE_TYPE,
            SelectionError::NotAllowed { .. } | SelectionError::PriceWithoutSpot => {
                reason::INVALID_ANNOTATION
            }
        };
        Rejection { kind: RejectionKind::Annotation, reason: reason.into(), message: error.to_string() }
    })?;
    Ok(Request {
        instance_type: selection.instance_type,
        capacity_type: selection.capacity_type,
        max_price: selection.max_price,
        image: wishes.image,
        notes: wishes.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(annotations: serde_json::Value) -> Rejection {
        let pod = serde_json::from_value(serde_json::json!({ "metadata": { "annotations": annotations } }))
            .expect("a pod");
        admit(&pod, &Config::default()).expect_err("rejected")
    }

    #[test]
    fn a_misspelt_key_is_named_before_what_is_missing() {
        let rejection = rejected(serde_json::json!({ "orca.research/instance-typ": "t3.micro" }));
        assert_eq!(rejection.reason, "InvalidAnnotation");
        assert!(
            rejection.message.contains("did you mean orca.research/instance-type?"),
            "{}",
            rejection.message
        );
    }

    #[test]
    fn a_wrong_value_is_an_invalid_annotation() {
        let rejection = rejected(serde_json::json!({ "orca.research/launch-type": "sport" }));
        assert_eq!(rejection.reason, "InvalidAnnotation");
    }

    #[test]
    fn every_change_of_what_is_asked_for_changes_the_digest() {
        let of = |annotations: serde_json::Value| {
            let pod =
                serde_json::from_value(serde_json::json!({ "metadata": { "annotations": annotations } }));
            admit(&pod.expect("a pod"), &Config::default()).expect("admitted").digest()
        };
        let (kind, launch, price, image) = (
            "orca.research/instance-type",
            "orca.research/launch-type",
            "orca.research/max-spot-price",
            "orca.research/ami",
        );
        let digests = [
            of(serde_json::json!({ kind: "t3.micro" })),
            of(serde_json::json!({ kind: "t3.small" })),
            of(serde_json::json!({ kind: "t3.micro", launch: "spot" })),
            of(serde_json::json!({ kind: "t3.micro", launch: "spot", price: "1.00" })),
            of(serde_json::json!({ kind: "t3.micro", image: "ami-1" })),
        ];
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len(), "{digests:?}");
    }
}
