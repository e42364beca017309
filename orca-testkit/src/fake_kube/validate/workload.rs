//! The content of jobs, deployments, replica sets, stateful sets and daemon sets.

use serde_json::{Value, json};

use super::{name, pod};
use crate::fake_kube::error::Cause;
use crate::fake_kube::resource::Resource;
use crate::fake_kube::selector::LabelSelector;

const PATH: &str = "spec.template";

pub(super) fn content(resource: &Resource, value: &Value, found: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let template = &spec["template"];
    for key in ["replicas", "parallelism", "completions", "backoffLimit", "activeDeadlineSeconds"] {
        if let Some(number) = spec[key].as_i64()
            && number < 0
        {
            let detail = "must be greater than or equal to 0";
            found.push(Cause::invalid(format!("spec.{key}"), &json!(number), detail));
        }
    }
    if resource.kind == "Job" {
        job_policy(&template["spec"], found);
    } else {
        selector(spec, found);
        let policy = &template["spec"]["restartPolicy"];
        if policy.as_str().is_some_and(|policy| policy != "Always") {
            found.push(Cause::not_supported(format!("{PATH}.spec.restartPolicy"), policy, &["Always"]));
        }
    }
    name::labels(&format!("{PATH}.metadata"), &template["metadata"], found);
    pod::spec(&format!("{PATH}.spec"), &template["spec"], found);
}

fn job_policy(template: &Value, found: &mut Vec<Cause>) {
    let policy = &template["restartPolicy"];
    let field = || format!("{PATH}.spec.restartPolicy");
    match policy.as_str() {
        Some("OnFailure" | "Never") => {}
        // The default of pods is not one of jobs, so that it counts as no choice.
        None | Some("" | "Always") => {
            found.push(Cause::required(field(), "valid values: \"OnFailure\", \"Never\""));
        }
        Some(_) => found.push(Cause::not_supported(field(), policy, &["OnFailure", "Never"])),
    }
}

/// The selector must be there and select the pods of the template.
fn selector(spec: &Value, found: &mut Vec<Cause>) {
    let Some(selector) = LabelSelector::of_object(&spec["selector"]) else {
        let detail = "empty selector is invalid for deployment";
        found.push(if spec["selector"].is_null() {
            Cause::required("spec.selector", "")
        } else {
            Cause::invalid("spec.selector", &spec["selector"], detail)
        });
        return;
    };
    let labels = spec["template"]["metadata"]["labels"].as_object();
    let labels =
        labels.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
    if !selector.matches_labels(&labels.collect()) {
        let labels = &spec["template"]["metadata"]["labels"];
        let detail = "`selector` does not match template `labels`";
        found.push(Cause::invalid(format!("{PATH}.metadata.labels"), labels, detail));
    }
}

/// What may change of a stateful set.
const LOOSE_FIELDS: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

fn without_loose_fields(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|field, _| !LOOSE_FIELDS.contains(&field.as_str()));
    }
    spec
}

/// What may not change.
pub(super) fn changed(resource: &Resource, old: &Value, new: &Value, found: &mut Vec<Cause>) {
    let fixed: &[&str] = match resource.kind {
        "Job" => &["selector", "completionMode", "template"],
        "Deployment" | "ReplicaSet" | "DaemonSet" => &["selector"],
        _ => &[],
    };
    for key in fixed {
        let is_loose = resource.kind == "Job" && *key == "template" && old["suspend"] == true;
        if old[*key] != new[*key] && !is_loose {
            found.push(Cause::invalid(format!("spec.{key}"), &new[*key], "field is immutable"));
        }
    }
    if resource.kind == "StatefulSet" && without_loose_fields(old) != without_loose_fields(new) {
        let loose = LOOSE_FIELDS.map(|field| format!("'{field}'"));
        let (last, others) = loose.split_last().unwrap_or((&loose[0], &[]));
        let detail = format!(
            "updates to statefulset spec for fields other than {} and {last} are forbidden",
            others.join(", ")
        );
        found.push(Cause::forbidden("spec", &detail));
    }
    let is_indexed = new["completionMode"] == "Indexed";
    if resource.kind == "Job" && !is_indexed && old["completions"] != new["completions"] {
        found.push(Cause::invalid("spec.completions", &new["completions"], "field is immutable"));
    }
}
