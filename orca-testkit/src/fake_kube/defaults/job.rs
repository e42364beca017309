//! The defaults of jobs.

use serde_json::Value;

use super::{pod, set};

pub(crate) fn changed(job: &mut Value) {
    let template_labels = job["spec"]["template"]["metadata"]["labels"].clone();
    if template_labels.is_object() && job["metadata"]["labels"].is_null() {
        job["metadata"]["labels"] = template_labels;
    }
    let spec = &mut job["spec"];
    if !spec.is_object() {
        return;
    }
    // Without both numbers one pod is meant; with a parallelism alone, work that a queue holds.
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        set(spec, "completions", 1);
    }
    set(spec, "parallelism", 1);
    let retries = if spec["backoffLimitPerIndex"].is_null() { 6 } else { i32::MAX };
    set(spec, "backoffLimit", retries);
    set(spec, "completionMode", "NonIndexed");
    set(spec, "suspend", false);
    let replacement = if spec["podFailurePolicy"].is_null() { "TerminatingOrFailed" } else { "Failed" };
    set(spec, "podReplacementPolicy", replacement);
    pod::spec(&mut spec["template"]["spec"]);
}
