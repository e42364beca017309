//! Pod annotations, read into typed [`Wishes`]. A wrong value is an error that names key, value and remedy.
//!
//! An annotation that ORCA cannot honour is an error too, because the pod's author relies on it: with a misspelt price cap
//! the instance would be bought without one. Nothing is dropped silently.

use std::collections::BTreeMap;
use std::fmt;

use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::text;
use crate::well_known::{PREFIX, annotation};

/// What the annotations of one pod ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The exact instance type.
    pub instance_type: Option<String>,
    /// The name of a workload template.
    pub template: Option<String>,
    /// How to buy the instance. None: the config's default.
    pub capacity_type: Option<CapacityType>,
    /// The highest spot price. None: that of the template, else that of the config.
    pub max_price: Option<UsdPerHour>,
    /// A machine image. None: the back end's default.
    pub image: Option<String>,
    /// Sentences for people about annotations that were ignored.
    pub notes: Vec<String>,
}

/// One annotation that ORCA cannot use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct AnnotationError {
    /// The annotation's key.
    pub key: String,
    /// Its value, cut to a readable length.
    pub value: String,
    /// What is wrong, and what to write instead.
    pub remedy: String,
}

impl fmt::Display for AnnotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "annotation {} has the value \"{}\": {}", self.key, self.value, self.remedy)
    }
}

/// Annotations that a pod author may set and that ORCA acts on.
const READ: [&str; 6] = [
    annotation::INSTANCE_TYPE,
    annotation::WORKLOAD_TEMPLATE,
    annotation::LAUNCH_TYPE,
    annotation::MAX_SPOT_PRICE,
    annotation::SPOT_MAX_PRICE,
    annotation::AMI,
];

/// Annotations that ORCA cannot honour yet, although money or safety depends on them.
const REFUSED: [(&str, &str); 4] = [
    (
        annotation::MAX_LIFETIME,
        "lifetimes are not enforced yet; remove it, or use spec.activeDeadlineSeconds in the Job",
    ),
    (annotation::BUDGET_NAMESPACE, "costs follow the pod's own namespace; remove it"),
    (
        annotation::USER_DATA,
        "user data cannot be set per pod yet; build it into the machine image and remove it",
    ),
    (
        annotation::TERMINATION_PROTECTION,
        "a protected instance could not be terminated with its pod; remove it",
    ),
];

/// Annotations that ORCA writes itself.
const WRITTEN: [&str; 2] = [annotation::INSTANCE_ID, annotation::PUBLIC_IP];

impl Wishes {
    /// Reads all annotations under ORCA's prefix. Annotations of others are ignored, unless the prefix looks like a misspelt
    /// `orca.research/`.
    ///
    /// # Errors
    ///
    /// Every annotation that is wrong, with what to write instead: an unknown key, a value that cannot be read, a key that is
    /// not supported yet, or a spot price for an on-demand instance.
    pub fn parse(annotations: &BTreeMap<String, String>) -> Result<Self, Vec<AnnotationError>> {
        let mut wishes = Self::default();
        let mut errors = Vec::new();
        for (key, value) in annotations {
            let read = if key.starts_with(PREFIX) { wishes.read(key, value) } else { not_misspelt(key) };
            if let Err(remedy) = read {
                errors.push(AnnotationError { key: key.clone(), value: text::cut(value, 80), remedy });
            }
        }
        if let Some(error) = wishes.price_without_spot(annotations) {
            errors.push(error);
        }
        if errors.is_empty() { Ok(wishes) } else { Err(errors) }
    }

    fn read(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            annotation::INSTANCE_TYPE => {
                self.instance_type =
                    Some(name(value, "give an instance type such as t3.micro or p5.48xlarge")?);
            }
            annotation::WORKLOAD_TEMPLATE => {
                self.template = Some(name(
                    value,
                    "give the name of a template under instances.templates of ORCA's config",
                )?);
            }
            annotation::LAUNCH_TYPE => self.capacity_type = Some(launch_type(value)?),
            annotation::MAX_SPOT_PRICE | annotation::SPOT_MAX_PRICE => {
                self.max_price = Some(value.parse::<UsdPerHour>().map_err(|error| error.to_string())?);
            }
            annotation::AMI => {
                self.image = Some(name(value, "give a machine image id such as ami-0123456789abcdef0")?);
            }
            annotation::DEBUG => self.notes.push(format!("{key} is not acted on yet")),
            _ => read_other(key)?,
        }
        Ok(())
    }

    /// A spot price on an on-demand pod would cap nothing: a mistake that costs money.
    fn price_without_spot(&self, annotations: &BTreeMap<String, String>) -> Option<AnnotationError> {
        let on_demand = self.capacity_type == Some(CapacityType::OnDemand);
        let key = [annotation::MAX_SPOT_PRICE, annotation::SPOT_MAX_PRICE]
            .into_iter()
            .find(|key| on_demand && annotations.contains_key(*key))?;
        Some(AnnotationError {
            key: key.to_owned(),
            value: text::cut(annotations.get(key).map_or("", String::as_str), 80),
            remedy: format!(
                "it has no effect on on-demand instances; set {}: spot, or remove it",
                annotation::LAUNCH_TYPE
            ),
        })
    }
}

fn read_other(key: &str) -> Result<(), String> {
    if let Some((_, remedy)) = REFUSED.iter().find(|(refused, _)| *refused == key) {
        return Err((*remedy).to_owned());
    }
    if WRITTEN.contains(&key) {
        return Ok(());
    }
    Err(match text::nearest(key, READ) {
        Some(near) => format!("this key is unknown; did you mean {near}?"),
        None => format!(
            "this key is unknown; known are {}. Remove it, or use a prefix of your own",
            READ.join(", ")
        ),
    })
}

/// Refuses a key of ORCA's under a prefix that is nearly ORCA's: a price cap there would cap nothing.
fn not_misspelt(key: &str) -> Result<(), String> {
    let Some((prefix, name)) = key.split_once('/') else { return Ok(()) };
    let own = PREFIX.trim_end_matches('/');
    let is_ours = READ.iter().any(|known| known.strip_prefix(PREFIX) == Some(name));
    match text::nearest(prefix, [own]).filter(|_| is_ours) {
        Some(own) => Err(format!("this key is unknown; did you mean {own}/{name}?")),
        None => Ok(()),
    }
}

fn launch_type(value: &str) -> Result<CapacityType, String> {
    match value {
        "on-demand" => Ok(CapacityType::OnDemand),
        "spot" => Ok(CapacityType::Spot),
        _ => Err(match text::nearest(value, ["on-demand", "spot"]) {
            Some(near) => format!("did you mean {near}? Give on-demand or spot"),
            None => "give on-demand or spot".to_owned(),
        }),
    }
}

/// A name of 1 to 128 letters, digits, dots, dashes and underscores. No annotation brings any other character to a cloud's
/// API.
fn name(value: &str, remedy: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if value.is_empty() || value.len() > 128 || !value.chars().all(allowed) {
        return Err(remedy.to_owned());
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests;
