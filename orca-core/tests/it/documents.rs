//! The messages of `docs/annotations.md` are what the author of a pod reads.

use std::collections::BTreeMap;

use orca_core::admission::admit;
use orca_core::config::{Config, Mode};
use orca_core::well_known::annotation;
use serde_json::json;

use crate::support::{config, pod};

const PAGE: &str = include_str!("../../../docs/annotations.md");

/// The messages of the page, each on one line.
fn quoted() -> Vec<String> {
    let blocks = PAGE.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(|block| block.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn refused(annotations: &[(&str, &str)], config: &Config) -> String {
    let annotations: BTreeMap<&str, &str> = annotations.iter().copied().collect();
    let object =
        pod(json!({ "metadata": { "namespace": "ml", "name": "train", "annotations": annotations } }));
    admit(&object, config).expect_err("it is wrong").message
}

#[test]
fn the_messages_of_the_page_on_annotations_are_those_of_the_program() {
    let typed = (annotation::INSTANCE_TYPE, "t3.micro");
    let (launch, price) = (annotation::LAUNCH_TYPE, annotation::MAX_SPOT_PRICE);
    let mut narrow = config();
    narrow.instances.allowed_instance_types = vec!["t3.*".into(), "p5.48xlarge".into()];
    let mut explicit = config();
    explicit.instances.selection_mode = Mode::Explicit;
    let told = [
        refused(&[typed, (launch, "sport")], &config()),
        refused(&[typed, (launch, "spot"), (price, "NaN")], &config()),
        refused(&[typed, (launch, "on-demand"), (price, "1.00")], &config()),
        refused(&[typed, ("orca.research/max-spot-prise", "1.00")], &config()),
        refused(&[(annotation::INSTANCE_TYPE, "p5.4xlarge")], &narrow),
        refused(&[], &explicit),
    ];
    assert_eq!(quoted(), told);
}
