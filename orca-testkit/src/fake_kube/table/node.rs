//! The row of a node.

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, age, always, or_none, wide};
use crate::fake_kube::object::Object;

const ROLE: &str = "node-role.kubernetes.io/";

pub(super) const COLUMNS: &[Column] = &[
    always("Name"),
    always("Status"),
    always("Roles"),
    always("Age"),
    always("Version"),
    wide("Internal-IP"),
    wide("External-IP"),
    wide("OS-Image"),
    wide("Kernel-Version"),
    wide("Container-Runtime"),
];

pub(super) fn cells(node: &Object, now: Timestamp) -> Vec<Value> {
    let ready = node.items("/status/conditions").iter().find(|condition| condition["type"] == "Ready");
    let mut status = match ready.map(|condition| condition["status"] == "True") {
        Some(true) => "Ready",
        Some(false) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node.value()["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    let labels = node.labels();
    let mut roles: Vec<&str> = labels.keys().filter_map(|key| key.strip_prefix(ROLE)).collect();
    roles.extend(labels.get("kubernetes.io/role"));
    roles.sort_unstable();
    roles.dedup();
    let info = |key: &str| {
        let text = node.text(&format!("/status/nodeInfo/{key}"));
        Value::from(if text.is_empty() { "<unknown>" } else { text })
    };
    vec![
        node.name().into(),
        status.into(),
        or_none(&roles.join(",")),
        age::of(node, now),
        node.text("/status/nodeInfo/kubeletVersion").into(),
        or_none(address(node, "InternalIP")),
        or_none(address(node, "ExternalIP")),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn address<'n>(node: &'n Object, kind: &str) -> &'n str {
    let found = node.items("/status/addresses").iter().find(|address| address["type"] == kind);
    found.and_then(|address| address["address"].as_str()).unwrap_or_default()
}
