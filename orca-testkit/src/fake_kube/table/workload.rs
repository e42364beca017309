//! The rows of jobs, deployments, replica sets, stateful sets and daemon sets.

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, age, always, or_none, wide};
use crate::fake_kube::object::Object;

pub(super) const JOB: &[Column] = &[
    always("Name"),
    always("Status"),
    always("Completions"),
    always("Duration"),
    always("Age"),
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
pub(super) const DEPLOYMENT: &[Column] = &[
    always("Name"),
    always("Ready"),
    always("Up-to-date"),
    always("Available"),
    always("Age"),
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
pub(super) const REPLICA_SET: &[Column] = &[
    always("Name"),
    always("Desired"),
    always("Current"),
    always("Ready"),
    always("Age"),
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];
pub(super) const STATEFUL_SET: &[Column] =
    &[always("Name"), always("Ready"), always("Age"), wide("Containers"), wide("Images")];

pub(super) const DAEMON_SET: &[Column] = &[
    always("Name"),
    always("Desired"),
    always("Current"),
    always("Ready"),
    always("Up-to-date"),
    always("Available"),
    always("Node Selector"),
    always("Age"),
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

pub(super) const DISRUPTION_BUDGET: &[Column] = &[
    always("Name"),
    always("Min Available"),
    always("Max Unavailable"),
    always("Allowed Disruptions"),
    always("Age"),
];

pub(super) fn job(job: &Object, now: Timestamp) -> Vec<Value> {
    let succeeded = job.number("/status/succeeded").unwrap_or(0);
    let completions = match (job.number("/spec/completions"), job.number("/spec/parallelism")) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, Some(parallelism)) if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let mut row = vec![
        job.name().into(),
        job_status(job).into(),
        completions.into(),
        duration(job, now),
        age::of(job, now),
    ];
    row.extend(template(job));
    row
}

fn job_status(job: &Object) -> &'static str {
    let has = |kind: &str| {
        job.items("/status/conditions")
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    if has("Complete") {
        "Complete"
    } else if has("Failed") {
        "Failed"
    } else if job.is_deleting() {
        "Terminating"
    } else if has("Suspended") {
        "Suspended"
    } else if has("FailureTarget") {
        "FailureTarget"
    } else if has("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn duration(job: &Object, now: Timestamp) -> Value {
    let time = |pointer: &str| job.text(pointer).parse::<Timestamp>().ok();
    match (time("/status/startTime"), time("/status/completionTime")) {
        (None, _) => "".into(),
        (Some(start), end) => age::human(end.unwrap_or(now).as_second() - start.as_second()).into(),
    }
}

pub(super) fn deployment(deployment: &Object, now: Timestamp) -> Vec<Value> {
    let number = |pointer: &str| deployment.number(pointer).unwrap_or(0);
    let mut row = vec![
        deployment.name().into(),
        format!("{}/{}", number("/status/readyReplicas"), number("/spec/replicas")).into(),
        number("/status/updatedReplicas").into(),
        number("/status/availableReplicas").into(),
        age::of(deployment, now),
    ];
    row.extend(template(deployment));
    row
}

pub(super) fn replica_set(set: &Object, now: Timestamp) -> Vec<Value> {
    let number = |pointer: &str| Value::from(set.number(pointer).unwrap_or(0));
    let mut row = vec![
        set.name().into(),
        number("/spec/replicas"),
        number("/status/replicas"),
        number("/status/readyReplicas"),
        age::of(set, now),
    ];
    row.extend(template(set));
    row
}

pub(super) fn stateful_set(set: &Object, now: Timestamp) -> Vec<Value> {
    let ready = set.number("/status/readyReplicas").unwrap_or(0);
    let wished = set.number("/spec/replicas").unwrap_or(1);
    let mut row = vec![set.name().into(), format!("{ready}/{wished}").into(), age::of(set, now)];
    let [containers, images, _] = template(set);
    row.extend([containers, images]);
    row
}

pub(super) fn daemon_set(set: &Object, now: Timestamp) -> Vec<Value> {
    let number = |key: &str| Value::from(set.number(&format!("/status/{key}")).unwrap_or(0));
    let mut row = vec![
        set.name().into(),
        number("desiredNumberScheduled"),
        number("currentNumberScheduled"),
        number("numberReady"),
        number("updatedNumberScheduled"),
        number("numberAvailable"),
        or_none(&pairs(&set.value()["spec"]["template"]["spec"]["nodeSelector"])),
        age::of(set, now),
    ];
    row.extend(template(set));
    row
}

pub(super) fn disruption_budget(budget: &Object, now: Timestamp) -> Vec<Value> {
    let bound = |key: &str| match &budget.value()["spec"][key] {
        Value::Null => "N/A".into(),
        Value::String(text) => text.clone().into(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Value::from(budget.value()["spec"][key].to_string())
        }
    };
    vec![
        budget.name().into(),
        bound("minAvailable"),
        bound("maxUnavailable"),
        budget.number("/status/disruptionsAllowed").unwrap_or(0).into(),
        age::of(budget, now),
    ]
}

fn template(object: &Object) -> [Value; 3] {
    let containers = object.items("/spec/template/spec/containers");
    let all = |key: &str| {
        let texts: Vec<&str> = containers.iter().filter_map(|container| container[key].as_str()).collect();
        texts.join(",").into()
    };
    [all("name"), all("image"), or_none(&pairs(&object.value()["spec"]["selector"]["matchLabels"]))]
}

pub(super) fn pairs(map: &Value) -> String {
    let pair = |(key, value): (&String, &Value)| format!("{key}={}", value.as_str().unwrap_or_default());
    let pairs: Vec<String> = map.as_object().into_iter().flatten().map(pair).collect();
    pairs.join(",")
}
