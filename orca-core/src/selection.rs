//! Choosing an instance type: a chain of selectors is asked in order, and the first answer counts.
//!
//! `instances.selectionMode` of the config names the chain: `explicit` looks at the pod's annotation alone, `template` also
//! at the workload template that the pod names.

use crate::annotations::Wishes;
use crate::config::{Instances, Mode};
use crate::instance::CapacityType;
use crate::price::UsdPerHour;
use crate::text;
use crate::well_known::annotation;

/// The instance that was chosen for a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The instance type.
    pub instance_type: String,
    /// How to buy it.
    pub capacity_type: CapacityType,
    /// The highest price, for spot only: of the annotation, else of the template, else of the config for this type.
    pub max_price: Option<UsdPerHour>,
    /// Which selector chose: `explicit` or `template`.
    pub by: &'static str,
}

/// Why nothing was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No selector of the chain had an answer.
    #[error("no instance type{}{}. {remedy}", if .wrong.is_some() { ": " } else { "" }, .wrong.as_deref().unwrap_or_default())]
    NoneFits {
        /// What is wrong with what the pod named: a template that does not exist. None: it named nothing.
        wrong: Option<String>,
        /// What to write instead.
        remedy: &'static str,
    },
    /// The type is not one that the operator allows.
    #[error(
        "instance type {instance_type} is not allowed here: instances.allowedInstanceTypes has {allowed}"
    )]
    NotAllowed {
        /// The type that was asked for.
        instance_type: String,
        /// The types that are allowed.
        allowed: String,
    },
    /// The pod names a highest spot price, and is on-demand by the template or by the config.
    #[error(
        "{} is set and the launch type is on-demand: set {}: spot, or remove it",
        annotation::MAX_SPOT_PRICE,
        annotation::LAUNCH_TYPE
    )]
    PriceWithoutSpot,
}

/// One rule of the chain.
trait Selector: Send + Sync {
    /// Its name, for people.
    fn name(&self) -> &'static str;
    /// The choice. None: the pod does not name one.
    ///
    /// Errors: the pod names one that does not exist.
    fn select(&self, wishes: &Wishes, config: &Instances) -> Result<Option<Choice>, String>;
}

/// What one selector says: a type, and what a template adds to it.
struct Choice {
    /// The instance type.
    instance_type: String,
    /// How to buy it, if the selector says.
    capacity_type: Option<CapacityType>,
    /// The highest price, if the selector says.
    max_price: Option<UsdPerHour>,
}

/// The pod's own annotation names the type.
struct Explicit;

/// A workload template of the config names the type.
struct Template;

/// The selectors of a mode, in the order they are asked.
fn chain(mode: Mode) -> &'static [&'static dyn Selector] {
    match mode {
        Mode::Explicit => &[&Explicit],
        Mode::Template => &[&Explicit, &Template],
    }
}

/// Asks the chain of the config's mode, and checks the answer against `instances.allowedInstanceTypes`.
///
/// # Errors
///
/// No selector of the chain has an instance type, the type is not allowed, or a spot price is given for an on-demand
/// instance.
pub fn select(wishes: &Wishes, config: &Instances) -> Result<Selection, SelectionError> {
    let mut wrong = None;
    for selector in chain(config.selection_mode) {
        match selector.select(wishes, config) {
            Ok(Some(choice)) => return complete(choice, selector.name(), wishes, config),
            Ok(None) => {}
            Err(reason) => wrong = Some(reason),
        }
    }
    let remedy = match config.selection_mode {
        Mode::Explicit => "Add the annotation orca.research/instance-type, such as t3.small",
        Mode::Template => {
            "Add the annotation orca.research/instance-type, such as t3.small, or orca.research/workload-template"
        }
    };
    Err(SelectionError::NoneFits { wrong, remedy })
}

fn complete(
    choice: Choice,
    by: &'static str,
    wishes: &Wishes,
    config: &Instances,
) -> Result<Selection, SelectionError> {
    let Choice { instance_type, capacity_type, max_price } = choice;
    let allowed = &config.allowed_instance_types;
    if !allowed.is_empty() && !allowed.iter().any(|pattern| matches(pattern, &instance_type)) {
        return Err(SelectionError::NotAllowed {
            instance_type,
            allowed: text::cut(&allowed.join(", "), 200),
        });
    }
    let capacity_type = wishes.capacity_type.or(capacity_type).unwrap_or(config.default_launch_type);
    let configured = config.max_spot_prices.get(&instance_type).copied();
    let max_price = match capacity_type {
        CapacityType::Spot => wishes.max_price.or(max_price).or(configured),
        CapacityType::OnDemand if wishes.max_price.is_some() => return Err(SelectionError::PriceWithoutSpot),
        CapacityType::OnDemand => None,
    };
    Ok(Selection { instance_type, capacity_type, max_price, by })
}

/// An exact name, or a prefix that ends in `*`, such as `p5.*`.
fn matches(pattern: &str, instance_type: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == instance_type, |prefix| instance_type.starts_with(prefix))
}

impl Selector for Explicit {
    fn name(&self) -> &'static str {
        "explicit"
    }

    fn select(&self, wishes: &Wishes, _config: &Instances) -> Result<Option<Choice>, String> {
        let choice = |instance_type| Choice { instance_type, capacity_type: None, max_price: None };
        Ok(wishes.instance_type.clone().map(choice))
    }
}

impl Selector for Template {
    fn name(&self) -> &'static str {
        "template"
    }

    fn select(&self, wishes: &Wishes, config: &Instances) -> Result<Option<Choice>, String> {
        let Some(name) = wishes.template.as_deref() else { return Ok(None) };
        let template = config.templates.get(name).ok_or_else(|| {
            let near = text::nearest(name, config.templates.keys().map(String::as_str));
            near.map_or_else(
                || format!("unknown workload template: {name}"),
                |near| format!("unknown workload template: {name} (did you mean {near}?)"),
            )
        })?;
        Ok(Some(Choice {
            instance_type: template.instance_type.clone(),
            capacity_type: template.launch_type,
            max_price: template.max_spot_price,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WorkloadTemplate;

    fn config(mode: Mode) -> Instances {
        let template = WorkloadTemplate {
            instance_type: "g5.4xlarge".into(),
            launch_type: Some(CapacityType::Spot),
            max_spot_price: "2.00".parse().ok(),
        };
        Instances {
            selection_mode: mode,
            templates: [("vision-training".to_owned(), template)].into(),
            max_spot_prices: [("p5.48xlarge".to_owned(), "32.00".parse().expect("a price"))].into(),
            ..Instances::default()
        }
    }

    fn wishes(instance_type: Option<&str>, template: Option<&str>) -> Wishes {
        Wishes {
            instance_type: instance_type.map(Into::into),
            template: template.map(Into::into),
            ..Wishes::default()
        }
    }

    #[test]
    fn the_annotation_wins_over_the_template() {
        let chosen = select(&wishes(Some("t3.micro"), Some("vision-training")), &config(Mode::Template))
            .expect("chosen");
        assert_eq!((chosen.instance_type.as_str(), chosen.by), ("t3.micro", "explicit"));
        assert_eq!(chosen.capacity_type, CapacityType::OnDemand);
    }

    #[test]
    fn a_template_brings_launch_type_and_price() {
        let chosen = select(&wishes(None, Some("vision-training")), &config(Mode::Template)).expect("chosen");
        assert_eq!((chosen.instance_type.as_str(), chosen.by), ("g5.4xlarge", "template"));
        assert_eq!((chosen.capacity_type, chosen.max_price), (CapacityType::Spot, "2.00".parse().ok()));
    }

    #[test]
    fn the_configs_price_caps_a_spot_pod_without_its_own() {
        let spot = Wishes { capacity_type: Some(CapacityType::Spot), ..wishes(Some("p5.48xlarge"), None) };
        assert_eq!(select(&spot, &config(Mode::Explicit)).expect("chosen").max_price, "32.00".parse().ok());
        let own = Wishes { max_price: "35.00".parse().ok(), ..spot };
        assert_eq!(select(&own, &config(Mode::Explicit)).expect("chosen").max_price, "35.00".parse().ok());
    }

    #[test]
    fn a_failed_selection_says_what_to_write() {
        let text = |wishes, mode| select(&wishes, &config(mode)).expect_err("refused").to_string();
        assert_eq!(
            text(wishes(None, None), Mode::Explicit),
            "no instance type. Add the annotation orca.research/instance-type, such as t3.small"
        );
        assert!(text(wishes(None, Some("vision-trainin")), Mode::Template).starts_with(
            "no instance type: unknown workload template: vision-trainin (did you mean vision-training?). Add"
        ));
        let priced = Wishes { max_price: "1.00".parse().ok(), ..wishes(Some("t3.micro"), None) };
        assert!(text(priced, Mode::Explicit).contains("launch type is on-demand"));
    }

    #[test]
    fn only_allowed_types_pass() {
        let config = Instances {
            allowed_instance_types: vec!["t3.*".into(), "p5.48xlarge".into()],
            ..Instances::default()
        };
        for (instance_type, passes) in [("t3.micro", true), ("p5.48xlarge", true), ("p5.4xlarge", false)] {
            assert_eq!(
                select(&wishes(Some(instance_type), None), &config).is_ok(),
                passes,
                "{instance_type}"
            );
        }
    }
}
