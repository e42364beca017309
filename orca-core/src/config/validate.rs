//! What makes the values of a config wrong, although the types are right. Everything is reported at once.

use super::findings::{ConfigError, Findings, Warning};
use super::{Config, Node};
use crate::admission::is_extended;
use crate::cloud::CloudInfo;
use crate::quantity::Quantity;
use crate::well_known::label;

/// Paths of the same port that are used for health.
const HEALTH_PATHS: [&str; 3] = ["/livez", "/healthz", "/readyz"];

/// Checks every value of the config, and the tags in `cloud`. `cloud` is what the back end says about itself
/// ([`CloudClient::info`](crate::cloud::CloudClient::info)): some limits depend on it. The warnings are for people, and keep
/// nobody from starting.
///
/// # Errors
///
/// All values that are wrong, each with what to write instead.
pub fn validate(config: &Config, cloud: &CloudInfo) -> Result<Vec<Warning>, Vec<ConfigError>> {
    let mut found = Findings::default();
    check(config, cloud, &mut found);
    found.tags("tags", &cloud.tags);
    found.into_result()
}

/// Everything but the back end's own section and its tags.
pub(super) fn check(config: &Config, cloud: &CloudInfo, found: &mut Findings) {
    check_node(config, cloud, found);
    check_instances(config, found);
    check_limits(config, found);
    check_controller(config, found);
    super::gc::check(config, cloud, found);
    check_the_rest(config, found);
}

fn check_node(config: &Config, cloud: &CloudInfo, found: &mut Findings) {
    let node = &config.node;
    if !is_node_name(&node.name) {
        found.wrong(
            "node.name",
            &node.name,
            "give at most 63 lower-case letters, digits, '-' and '.', with a letter or digit at both ends and beside each '.'",
        );
    }
    if !node.operating_system.eq_ignore_ascii_case("linux") {
        found.wrong("node.operatingSystem", &node.operating_system, "only linux is supported");
    }
    if !["amd64", "arm64"].contains(&node.architecture.as_str()) {
        found.wrong("node.architecture", &node.architecture, "give amd64 or arm64");
    }
    let quantities = [
        ("node.cpu", Some(&node.cpu)),
        ("node.memory", Some(&node.memory)),
        ("node.pods", Some(&node.pods)),
        ("node.gpu", node.gpu.as_ref()),
        ("node.ephemeralStorage", Some(&node.ephemeral_storage)),
    ];
    for (key, value) in quantities {
        let Some(value) = value else { continue };
        match value.parse::<Quantity>() {
            Ok(quantity) if quantity.is_negative() => found.wrong(key, value, "it must not be negative"),
            Ok(_) => {}
            Err(error) => found.wrong(key, value, error.to_string()),
        }
    }
    check_extended(node, found);
    check_labels(node, cloud, found);
    for (index, taint) in node.taints.iter().flatten().enumerate() {
        let path = |field: &str| format!("node.taints[{index}].{field}");
        if taint.key.is_empty() {
            found.missing(&path("key"), "give the taint's key");
        } else if !is_label_key(&taint.key) {
            found.wrong(&path("key"), &taint.key, NO_KEY);
        }
        if !taint.value.is_empty() && !is_label_part(&taint.value) {
            found.wrong(&path("value"), &taint.value, NO_VALUE);
        }
    }
    if let Some(address) = node.address.as_ref().filter(|text| text.parse::<std::net::IpAddr>().is_err()) {
        found.wrong("node.address", address, "give an IP address");
    }
}

fn check_extended(node: &Node, found: &mut Findings) {
    for (name, amount) in &node.extended_resources {
        let path = format!("node.extendedResources.{name}");
        if name == "nvidia.com/gpu" {
            found.wrong(&path, amount, "give it as node.gpu");
        } else if !is_extended(name) || !is_label_key(name) {
            let remedy = "the name is none of an extended resource: give it as its device plugin or its maker spells it, \
                          with a domain and '/', such as example.com/device";
            found.wrong(&path, amount, remedy);
        }
        match amount.parse::<Quantity>() {
            Ok(quantity) if quantity.is_negative() => found.wrong(&path, amount, "it must not be negative"),
            Ok(quantity) if quantity.millis() != quantity.units() * 1000 => {
                found.wrong(&path, amount, "give a whole number: extended resources have no parts");
            }
            Ok(_) => {}
            Err(error) => found.wrong(&path, amount, error.to_string()),
        }
    }
}

/// What to give in place of a key that the API server refuses, and the whole node with it.
const NO_KEY: &str = "the key is none of a label or a taint: give at most 63 letters, digits, '-', '_' and '.', with a \
                      letter or digit at both ends; before these, a domain in lower case and '/' may stand";
/// What to give in place of such a value.
const NO_VALUE: &str =
    "give at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends";

fn check_labels(node: &Node, cloud: &CloudInfo, found: &mut Findings) {
    for (key, value) in &node.labels {
        let path = format!("node.labels.{key}");
        if let Some(own) = fixed(key, node, cloud) {
            if own != value {
                let remedy = format!("ORCA sets this label itself, to {own}; remove it here");
                found.wrong(&path, value, remedy);
            }
        } else if !is_label_key(key) {
            found.wrong(&path, value, NO_KEY);
        } else if !value.is_empty() && !is_label_part(value) {
            found.wrong(&path, value, NO_VALUE);
        }
    }
}

/// The value of a label that ORCA always sets itself, because it says what the node is.
fn fixed<'a>(key: &str, node: &'a Node, cloud: &'a CloudInfo) -> Option<&'a str> {
    match key {
        label::PROVIDER => Some(&cloud.provider),
        label::VERSION => Some(env!("CARGO_PKG_VERSION")),
        label::HOSTNAME => Some(&node.name),
        label::OS => Some("linux"),
        label::ARCH => Some(&node.architecture),
        _ => None,
    }
}

/// Whether the API server accepts this as the value of a label or a taint, or as the name in its key. With one that it does not
/// accept, it would refuse the whole Node.
fn is_label_part(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || [b'-', b'_', b'.'].contains(&b);
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    text.len() <= 63 && text.bytes().all(inner) && edge(text.bytes().next()) && edge(text.bytes().last())
}

/// What the API server takes as the key of a label or a taint, and as the name of a resource: a name, or a domain and a name.
fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((domain, name)) => is_subdomain(domain) && is_label_part(name),
        None => is_label_part(key),
    }
}

/// RFC 1123 subdomain.
fn is_subdomain(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let is_part =
        |part: &str| part.bytes().all(inner) && edge(part.bytes().next()) && edge(part.bytes().last());
    text.len() <= 253 && text.split('.').all(is_part)
}

/// A subdomain of at most 63 characters, because it is a label value as well.
fn is_node_name(name: &str) -> bool {
    name.len() <= 63 && is_subdomain(name)
}

fn check_instances(config: &Config, found: &mut Findings) {
    for (name, template) in &config.instances.templates {
        if template.instance_type.is_empty() {
            found.missing(
                &format!("instances.templates.{name}.instanceType"),
                "give an instance type such as g5.4xlarge",
            );
        }
    }
}

fn check_limits(config: &Config, found: &mut Findings) {
    const REMEDY: &str = "this limit is not enforced yet, so ORCA does not start with it; remove it, and limit the account's quotas";
    let limits = &config.limits;
    let lifetime = limits.max_instance_lifetime.as_deref().filter(|text| !["", "0", "0s"].contains(text));
    let set = [
        (
            "limits.maxConcurrentInstances",
            limits.max_concurrent_instances != 0,
            limits.max_concurrent_instances.to_string(),
        ),
        (
            "limits.maxInstancesPerNamespace",
            limits.max_instances_per_namespace != 0,
            limits.max_instances_per_namespace.to_string(),
        ),
        ("limits.dailyBudget", limits.daily_budget != 0.0, limits.daily_budget.to_string()),
        ("limits.monthlyBudget", limits.monthly_budget != 0.0, limits.monthly_budget.to_string()),
        ("limits.maxInstanceLifetime", lifetime.is_some(), lifetime.unwrap_or_default().to_owned()),
        (
            "limits.namespaceQuotas",
            !limits.namespace_quotas.is_empty(),
            format!("{} namespaces", limits.namespace_quotas.len()),
        ),
    ];
    for (key, _, value) in set.into_iter().filter(|(_, is_set, _)| *is_set) {
        found.wrong(key, value, REMEDY);
    }
}

fn check_controller(config: &Config, found: &mut Findings) {
    let controller = &config.controller;
    if !(1..=4096).contains(&controller.concurrency) {
        found.wrong("controller.concurrency", controller.concurrency, "give 1 to 4096");
    }
    if (1..60).contains(&config.pods.ready_unknown_after_seconds) {
        let remedy = "give 60 or more seconds, or 0 for never";
        found.wrong("pods.readyUnknownAfterSeconds", config.pods.ready_unknown_after_seconds, remedy);
    }
    let seconds = [
        ("controller.sweepSeconds", controller.sweep_seconds),
        ("controller.fastSweepSeconds", controller.fast_sweep_seconds),
    ];
    for (key, value) in seconds {
        // Half of `limits::SWEEP_FRESH`, so that one sweep may fail without delaying launches.
        if !(0.05..=30.0).contains(&value) {
            found.wrong(key, value, "give 0.05 to 30 seconds");
        }
    }
    if !(1.0..=3600.0).contains(&controller.capacity_memory_seconds) {
        let remedy = "give 1 to 3600 seconds";
        found.wrong("controller.capacityMemorySeconds", controller.capacity_memory_seconds, remedy);
    }
    if !(2..=600).contains(&controller.leader_lease_seconds) {
        found.wrong(
            "controller.leaderLeaseSeconds",
            controller.leader_lease_seconds,
            "give 2 to 600 seconds",
        );
    }
    let rate = &controller.launch_rate;
    if rate.burst == 0 || !(0.01..=10_000.0).contains(&rate.per_second) {
        let value = format!("burst {}, perSecond {}", rate.burst, rate.per_second);
        found.wrong("controller.launchRate", value, "give a burst of at least 1 and 0.01 to 10000 a second");
    }
}

fn check_the_rest(config: &Config, found: &mut Findings) {
    let development = &config.development;
    for (key, is_set) in
        [("development.mockAWS", development.mock_aws), ("development.dryRun", development.dry_run)]
    {
        if is_set {
            found.wrong(
                key,
                true,
                "ORCA would launch real instances; remove it, and point the back end at a test server",
            );
        }
    }
    if !config.metrics.path.starts_with('/') {
        found.wrong("metrics.path", &config.metrics.path, "give a path that begins with /");
    }
    // Below these paths are the single checks.
    let is_taken = |path: &str, taken: &&str| path == *taken || path.starts_with(&format!("{taken}/"));
    if let Some(taken) = HEALTH_PATHS.iter().find(|taken| is_taken(&config.metrics.path, taken)) {
        let remedy = format!("give another path, such as /metrics: {taken} is for health");
        found.wrong("metrics.path", &config.metrics.path, remedy);
    }
    found.warn_if(
        development.enable_fast_cleanup,
        "development.enableFastCleanup",
        "garbage collection has its own pace",
    );
    found.warn_if(
        development.cleanup_interval.is_some(),
        "development.cleanupInterval",
        "garbage collection has its own pace",
    );
    found.warn_if(
        config.logging.log_aws_calls,
        "logging.logAWSCalls",
        "set logging.level: debug to see AWS calls",
    );
    found.warn_if(
        config.metrics.prometheus.enabled,
        "metrics.prometheus.enabled",
        "metrics.enabled serves Prometheus' format",
    );
}
