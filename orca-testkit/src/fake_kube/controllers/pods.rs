//! What the controllers ask of a pod, and how they make one from a template.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::object::Object;
use super::json;

/// Whether it succeeded or failed.
pub(super) fn is_terminal(pod: &Object) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// Whether it counts as running: neither finished nor on its way out.
pub(super) fn is_active(pod: &Object) -> bool {
    !is_terminal(pod) && !pod.is_deleting()
}

/// Whether it is on its way out and has not finished.
pub(super) fn is_terminating(pod: &Object) -> bool {
    pod.is_deleting() && !is_terminal(pod)
}

/// Whether its condition Ready is true.
pub(super) fn is_ready(pod: &Object) -> bool {
    json::is_true(pod.value(), "Ready")
}

/// The node that it is bound to; empty when there is none.
pub(super) fn node(pod: &Object) -> &str {
    pod.text("/spec/nodeName")
}

/// How long until it was ready for that long. `None` when it is not ready at all.
pub(super) fn available_in(pod: &Object, min_ready_seconds: i64, now: Timestamp) -> Option<SignedDuration> {
    let ready = json::condition(pod.value(), "Ready").filter(|ready| ready["status"] == "True")?;
    if min_ready_seconds == 0 {
        return Some(SignedDuration::ZERO);
    }
    let since = json::time(&ready["lastTransitionTime"])?;
    let needed = SignedDuration::from_secs(min_ready_seconds);
    Some((needed - now.duration_since(since)).max(SignedDuration::ZERO))
}

/// The reference by which an object names the one that controls it.
pub(super) fn controller_reference(owner: &Object) -> Value {
    json!({
        "apiVersion": owner.resource().api_version(),
        "kind": owner.resource().kind,
        "name": owner.name(),
        "uid": owner.uid(),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// A pod for this owner, with a name that the API server will complete.
pub(super) fn from_template(template: &Value, owner: &Object, prefix: &str) -> Value {
    let mut metadata = json!({
        "generateName": prefix,
        "namespace": owner.namespace(),
        "ownerReferences": [controller_reference(owner)],
    });
    for name in ["labels", "annotations", "finalizers"] {
        let value = &template["metadata"][name];
        if !value.is_null() {
            json::set(&mut metadata, &[name], value.clone());
        }
    }
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] })
}

/// The name of a template's content: the same one for the same content.
pub(super) fn revision(set: &Object) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    set.value()["spec"]["template"].to_string().hash(&mut hasher);
    format!("{:010x}", hasher.finish() & 0xff_ffff_ffff)
}

/// A number of pods, or a percentage of all, rounded up.
pub(super) fn share(bound: &Value, all: i64) -> i64 {
    let percent = bound.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    match (bound.as_i64(), percent) {
        (Some(number), _) => number,
        (None, Some(percent)) => (percent.saturating_mul(all).saturating_add(99)) / 100,
        (None, None) => 0,
    }
}

/// The order in which a replica set gives pods up: the first of the list goes first.
pub(super) fn rank(pod: &Object) -> impl Ord + use<> {
    let phase = match pod.text("/status/phase") {
        "Running" => 2,
        "Unknown" => 1,
        _ => 0_u8,
    };
    let ready = json::condition(pod.value(), "Ready").filter(|ready| ready["status"] == "True");
    // The one that has been ready for the shortest time goes first; so does the youngest.
    let since = ready.map(|ready| ready["lastTransitionTime"].as_str().unwrap_or_default().to_owned());
    let restarts: i64 = restarts(pod);
    (
        !node(pod).is_empty(),
        phase,
        ready.is_some(),
        std::cmp::Reverse(since),
        std::cmp::Reverse(restarts),
        std::cmp::Reverse(pod.text("/metadata/creationTimestamp").to_owned()),
        pod.name().to_owned(),
    )
}

/// How often its containers were started again.
pub(super) fn restarts(pod: &Object) -> i64 {
    let lists = ["/status/initContainerStatuses", "/status/containerStatuses"];
    lists.iter().flat_map(|list| pod.items(list)).filter_map(|status| status["restartCount"].as_i64()).sum()
}
