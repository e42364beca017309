//! Requests and limits of pods against a table that Kubernetes' own function wrote.
//!
//! `cd orca-core/tests/it/resources && go run . > ../resources.tsv` writes it anew.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use orca_core::resources::{Resources, limited, requested};

const TABLE: &str = include_str!("resources.tsv");

fn texts(resources: &Resources) -> BTreeMap<String, String> {
    resources.iter().map(|(name, amount)| (name.clone(), amount.to_string())).collect()
}

#[test]
fn requests_and_limits_are_counted_as_the_scheduler_and_the_kubelet_do() {
    let mut differs = Vec::new();
    for line in TABLE.lines() {
        let mut columns = line.split('\t');
        let text = columns.next().expect("a pod");
        let pod: Pod = serde_json::from_str(text).expect("a pod");
        let mut expected = || -> BTreeMap<String, String> {
            serde_json::from_str(columns.next().expect("amounts")).expect("amounts")
        };
        let (requests, limits) = (expected(), expected());
        let counted = (texts(&requested(&pod)), texts(&limited(&pod)));
        if counted != (requests.clone(), limits.clone()) {
            differs.push(format!("{text}\n  is {requests:?} and {limits:?}, and is counted as {counted:?}"));
        }
    }
    assert!(TABLE.lines().count() > 300, "the table has too few rows: it was not read right");
    assert!(differs.is_empty(), "B27: {} differ:\n{}", differs.len(), differs.join("\n"));
}
