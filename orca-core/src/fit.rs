//! Whether an instance type has what a pod asks for, by what the cloud says about the type.
//!
//! The scheduler compares a pod with the capacity of the node, which is a number in the config. The pod gets one instance,
//! so it is compared with that as well before anything is bought (`instances.checkFit`).

use std::fmt;

use crate::error::{CloudError, Fault, Kind};
use crate::launch::Offer;
use crate::quantity::Quantity;
use crate::resources::Resources;
use crate::well_known::{annotation, reason};

/// A resource of which the pod asks for more than the instance type has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Such as `memory` or `nvidia.com/gpu`.
    pub resource: String,
    /// What the pod asks for.
    pub asked: Quantity,
    /// What the type has.
    pub has: Quantity,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, asked, has } = self;
        match resource.as_str() {
            "memory" | "ephemeral-storage" => {
                write!(f, "{resource} {} of {}", in_mebibytes(*asked), in_mebibytes(*has))
            }
            _ => write!(f, "{resource} {asked} of {has}"),
        }
    }
}

/// In mebibytes, or gibibytes if that is exact: people do not read bytes.
fn in_mebibytes(bytes: Quantity) -> String {
    let mebibytes = bytes.units().saturating_add((1 << 20) - 1) >> 20;
    if mebibytes % 1024 == 0 { format!("{}Gi", mebibytes / 1024) } else { format!("{mebibytes}Mi") }
}

/// The resources of which the pod asks for more than the type has. One that `has` does not name is not compared.
#[must_use]
pub fn lacking(asked: &Resources, has: &Resources) -> Vec<Lack> {
    let lack = |(name, asked): (&String, &Quantity)| {
        let has = *has.get(name)?;
        (*asked > has).then(|| Lack { resource: name.clone(), asked: *asked, has })
    };
    asked.iter().filter_map(lack).collect()
}

/// The error for a pod that asks for more than its type has: [`Fault::Pod`], with the reason `InstanceTypeTooSmall`.
#[must_use]
pub fn too_small(instance_type: &str, lacking: &[Lack]) -> CloudError {
    let all: Vec<String> = lacking.iter().map(ToString::to_string).collect();
    let message = format!("instance type {instance_type} has less than the pod asks for: {}", all.join(", "));
    CloudError::new(Kind::Invalid(Fault::Pod), reason::INSTANCE_TYPE_TOO_SMALL, message).with_remedy(format!(
        "Choose a larger type with the annotation {}, for ephemeral-storage a larger root volume, or ask for less.",
        annotation::INSTANCE_TYPE
    ))
}

/// Drops the offers whose type has less than the pod asks for. An offer that does not say what its type has stays.
///
/// # Errors
///
/// [`too_small`] for the first of them, when none is left. An empty list stays empty, without an error.
pub fn keep_fitting(offers: &mut Vec<Offer>, asked: &Resources) -> Result<(), CloudError> {
    let lacks = |offer: &Offer| offer.provides.as_ref().map(|has| lacking(asked, has)).unwrap_or_default();
    let first = offers.iter().find(|offer| !lacks(offer).is_empty());
    let refusal = first.map(|offer| too_small(&offer.instance_type, &lacks(offer)));
    offers.retain(|offer| lacks(offer).is_empty());
    match refusal {
        Some(refusal) if offers.is_empty() => Err(refusal),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(pairs: &[(&str, &str)]) -> Resources {
        let amount = |(name, text): &(&str, &str)| ((*name).to_owned(), text.parse().expect("a quantity"));
        pairs.iter().map(amount).collect()
    }

    #[test]
    fn what_is_asked_for_and_not_there_is_named_with_both_amounts() {
        let has = amounts(&[("cpu", "2"), ("memory", "1Gi"), ("nvidia.com/gpu", "0")]);
        let fits = amounts(&[
            ("cpu", "2"),
            ("memory", "1Gi"),
            ("nvidia.com/gpu", "0"),
            ("example.com/licence", "9"),
        ]);
        assert_eq!(lacking(&fits, &has), []);
        let asks = amounts(&[("cpu", "2001m"), ("memory", "900Gi"), ("nvidia.com/gpu", "8")]);
        let error = too_small("t3.micro", &lacking(&asks, &has));
        assert_eq!(
            error.message,
            "instance type t3.micro has less than the pod asks for: cpu 2001m of 2, memory 900Gi of 1Gi, nvidia.com/gpu 8 of 0"
        );
        assert!(error.remedy.as_ref().expect("a remedy").contains("orca.research/instance-type"));
        let offer = |instance_type: &str, provides| Offer {
            instance_type: instance_type.into(),
            capacity_type: crate::instance::CapacityType::OnDemand,
            zone: None,
            price: None,
            tags: std::collections::BTreeMap::new(),
            parameters: serde_json::Value::Null,
            provides,
        };
        let mut offers = vec![offer("t3.micro", Some(has.clone())), offer("unknown", None)];
        keep_fitting(&mut offers, &asks).expect("one of which nobody knows");
        assert_eq!(offers, [offer("unknown", None)]);
        let mut offers = vec![offer("t3.micro", Some(has.clone()))];
        assert_eq!(keep_fitting(&mut offers, &asks).expect_err("none is left"), error);
        let little = lacking(&amounts(&[("memory", "1073741825")]), &has);
        assert_eq!(little[0].to_string(), "memory 1025Mi of 1Gi");
    }
}
