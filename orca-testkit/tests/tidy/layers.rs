//! Which crate may depend on which: the core knows nobody, and the adapters do not know each other.

use serde_json::Value;

use crate::workspace::{none, packages};

/// A crate and the crates of the workspace that it may be built on.
const ALLOWED: [(&str, &[&str]); 6] = [
    ("orca-core", &[]),
    ("orca-aws", &["orca-core"]),
    ("orca-kube", &["orca-core"]),
    ("orca-model", &["orca-core"]),
    ("orca-testkit", &["orca-core", "orca-kube"]),
    ("orca-cli", &["orca-core", "orca-aws", "orca-kube", "orca-testkit"]),
];

/// What the domain may be built on: no client, no cloud, no runtime.
const CORE: [&str; 10] = [
    "async-trait",
    "data-encoding",
    "jiff",
    "k8s-openapi",
    "mockall",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "tracing",
];

fn name(value: &Value) -> &str {
    value["name"].as_str().expect("a name")
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    package["dependencies"].as_array().into_iter().flatten()
}

fn is_for_tests(dependency: &Value) -> bool {
    dependency["kind"] == "dev"
}

#[test]
fn crates_depend_downwards_only() {
    let mut broken = Vec::new();
    for package in packages() {
        let from = name(&package);
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == from) else {
            broken.push(format!("{from} has no layer yet"));
            continue;
        };
        for dependency in dependencies(&package).filter(|dependency| dependency["path"].is_string()) {
            let to = name(dependency);
            let is_harness = is_for_tests(dependency) && to == "orca-testkit" && from != "orca-core";
            if !allowed.contains(&to) && !is_harness {
                broken.push(format!("{from} -> {to}"));
            }
        }
    }
    none("edges that the layers do not allow", broken);
}

#[test]
fn the_core_is_built_on_little() {
    let core = packages().into_iter().find(|package| name(package) == "orca-core").expect("there is a core");
    let foreign = dependencies(&core).filter(|dependency| !is_for_tests(dependency)).map(name);
    none(
        "orca-core depends on more than the domain needs",
        foreign.filter(|name| !CORE.contains(name)).map(str::to_owned),
    );
}
