//! Selection on its own: the manifest of a pod in, the instance type and why out. No cluster, no cloud, no runtime.
//!
//! ```console
//! $ cargo run -p orca-testkit --features sim --example selection
//! $ cargo run -p orca-testkit --features sim --example selection -- my-pod.yaml
//! ```

#![expect(clippy::print_stdout, reason = "it is a program for people")]

use std::collections::BTreeMap;
use std::error::Error;

use k8s_openapi::api::core::v1::Pod;
use orca_core::annotations::Wishes;
use orca_core::config::{Instances, WorkloadTemplate};
use orca_core::instance::CapacityType;
use orca_core::{pod, selection};

/// A pod that names its type, one that names a template, and one with two mistakes.
const MANIFESTS: [&str; 3] = [
    include_str!("kubernetes/gpu-training-pod.yaml"),
    "metadata: { annotations: { orca.research/workload-template: vision-training } }",
    "metadata: { annotations: { orca.research/launch-type: sport, orca.research/max-spot-price: cheap } }",
];

fn main() -> Result<(), Box<dyn Error>> {
    let config = config()?;
    match std::env::args().nth(1) {
        Some(path) => println!("{}", explain(&std::fs::read_to_string(path)?, &config)?),
        None => {
            for manifest in MANIFESTS {
                println!("{}", explain(manifest, &config)?);
            }
        }
    }
    Ok(())
}

/// What an operator would write under `instances` in ORCA's config.
fn config() -> Result<Instances, Box<dyn Error>> {
    let template = WorkloadTemplate {
        instance_type: "g5.4xlarge".into(),
        launch_type: Some(CapacityType::Spot),
        max_spot_price: Some("2.00".parse()?),
    };
    Ok(Instances {
        selection_mode: orca_core::config::Mode::Template,
        templates: [("vision-training".to_owned(), template)].into(),
        ..Instances::default()
    })
}

/// One line: the choice, and which selector made it; or everything that is wrong with the annotations.
fn explain(manifest: &str, config: &Instances) -> Result<String, Box<dyn Error>> {
    let manifest: Pod = serde_saphyr::from_str(manifest)?;
    let none = BTreeMap::new();
    let wishes = match Wishes::parse(pod::annotations(&manifest).unwrap_or(&none)) {
        Ok(wishes) => wishes,
        Err(errors) => {
            let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
            return Ok(texts.join("\n"));
        }
    };
    Ok(match selection::select(&wishes, config) {
        Ok(chosen) => {
            let price =
                chosen.max_price.map_or_else(String::new, |price| format!(" for at most {price} USD/h"));
            let (kind, market) = (&chosen.instance_type, chosen.capacity_type.as_str());
            format!("{kind}, {market}{price}: chosen by the selector \"{}\"", chosen.by)
        }
        Err(error) => error.to_string(),
    })
}

#[test]
fn each_manifest_is_explained() {
    let config = config().expect("a config");
    let [named, by_template, wrong] = MANIFESTS.map(|manifest| explain(manifest, &config).expect("a pod"));
    assert_eq!(named, "p5.48xlarge, spot for at most 35.00 USD/h: chosen by the selector \"explicit\"");
    assert_eq!(by_template, "g5.4xlarge, spot for at most 2.00 USD/h: chosen by the selector \"template\"");
    assert!(wrong.contains("did you mean spot?") && wrong.contains("max-spot-price"), "{wrong}");
    let silent = explain("{}", &config).expect("a pod");
    assert_eq!(
        silent,
        "no instance type. Add the annotation orca.research/instance-type, such as t3.small, or orca.research/workload-template"
    );
}
