//! The defaults of deployments, replica sets, stateful sets and daemon sets.

use serde_json::{Value, json};

use super::{pod, set};

pub(crate) fn deployment(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    set(spec, "replicas", 1);
    set(spec, "strategy", json!({}));
    let strategy = &mut spec["strategy"];
    set(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        set(strategy, "rollingUpdate", json!({}));
        set(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
        set(&mut strategy["rollingUpdate"], "maxSurge", "25%");
    }
    set(spec, "revisionHistoryLimit", 10);
    set(spec, "progressDeadlineSeconds", 600);
    pod::spec(&mut spec["template"]["spec"]);
}

pub(crate) fn replica_set(spec: &mut Value) {
    if spec.is_object() {
        set(spec, "replicas", 1);
        pod::spec(&mut spec["template"]["spec"]);
    }
}

pub(crate) fn stateful_set(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    set(spec, "replicas", 1);
    set(spec, "podManagementPolicy", "OrderedReady");
    set(spec, "updateStrategy", json!({}));
    let strategy = &mut spec["updateStrategy"];
    set(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        set(strategy, "rollingUpdate", json!({}));
        set(&mut strategy["rollingUpdate"], "partition", 0);
    }
    set(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
    let claims = &mut spec["persistentVolumeClaimRetentionPolicy"];
    set(claims, "whenDeleted", "Retain");
    set(claims, "whenScaled", "Retain");
    set(spec, "revisionHistoryLimit", 10);
    pod::spec(&mut spec["template"]["spec"]);
}

pub(crate) fn daemon_set(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    set(spec, "updateStrategy", json!({}));
    let strategy = &mut spec["updateStrategy"];
    set(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        set(strategy, "rollingUpdate", json!({}));
        set(&mut strategy["rollingUpdate"], "maxUnavailable", 1);
        set(&mut strategy["rollingUpdate"], "maxSurge", 0);
    }
    set(spec, "revisionHistoryLimit", 10);
    pod::spec(&mut spec["template"]["spec"]);
}
