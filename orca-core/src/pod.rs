//! What ORCA reads from a pod object: whether it should run or go, its identity, and its controller.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::ids::PodRef;
use crate::well_known::{annotation, pod_condition};

/// What is asked of ORCA for one pod UID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// The pod should run.
    Wanted,
    /// The pod has ended. The object stays for its owner, or for people.
    Finished(TerminalPhase),
    /// The pod is being deleted.
    Deleting {
        /// When its grace period is over: `metadata.deletionTimestamp`.
        deadline: Timestamp,
        /// Whether its phase is terminal.
        finished: bool,
        /// Whether the object was removed already, by ORCA or by force, and only finalizers keep it. It must not be removed
        /// again (B51).
        released: bool,
    },
    /// No object with this UID exists.
    Gone,
}

/// The two final phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalPhase {
    /// All containers ended with exit code 0.
    Succeeded,
    /// At least one container did not, or its exit code is unknown.
    Failed,
}

/// The pod's identity. None without a namespace, a name or a UID; an API server sends no such object.
#[must_use]
pub fn reference(pod: &Pod) -> Option<PodRef> {
    let meta = &pod.metadata;
    Some(PodRef::new(meta.namespace.as_deref()?, meta.name.as_deref()?, meta.uid.as_deref()?))
}

/// What is asked for this object.
#[must_use]
pub fn intent(pod: &Pod) -> Intent {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let finished = match phase {
        Some("Succeeded") => Some(TerminalPhase::Succeeded),
        Some("Failed") => Some(TerminalPhase::Failed),
        _ => None,
    };
    match (&pod.metadata.deletion_timestamp, finished) {
        (Some(deadline), finished) => Intent::Deleting {
            deadline: deadline.0,
            finished: finished.is_some(),
            released: pod.metadata.deletion_grace_period_seconds == Some(0),
        },
        (None, Some(phase)) => Intent::Finished(phase),
        (None, None) => Intent::Wanted,
    }
}

/// The condition of this type, if the status has one.
#[must_use]
pub fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

/// The launch record as text: the message of its condition, if the status has one.
#[must_use]
pub fn launch_record(pod: &Pod) -> Option<&str> {
    condition(pod, pod_condition::LAUNCH)?.message.as_deref()
}

/// Whether the status says Ready=True.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

/// Whether the status says Ready=True, or Ready=Unknown: it was ready until its instance could not be confirmed.
#[must_use]
pub fn was_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.status == "True" || ready.status == "Unknown")
}

/// The `containerID` of the first container that has one: the reference of the pod's instance.
#[must_use]
pub fn container_id(pod: &Pod) -> Option<&str> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find_map(|status| status.container_id.as_deref())
}

/// Whether the restart policy is `Always`, which is also the default. The owner of such a pod replaces it at once when it
/// fails.
#[must_use]
pub fn restarts_always(pod: &Pod) -> bool {
    let policy = pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    policy.is_none_or(|policy| policy == "Always")
}

/// Whether this is a mirror pod, which stands for a static pod of a kubelet.
#[must_use]
pub fn is_mirror(pod: &Pod) -> bool {
    annotations(pod).is_some_and(|annotations| annotations.contains_key(annotation::MIRROR))
}

/// The owner reference of the controller that manages the pod.
#[must_use]
pub fn controller(pod: &Pod) -> Option<&OwnerReference> {
    pod.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Whether a DaemonSet is the pod's controller.
#[must_use]
pub fn is_daemon(pod: &Pod) -> bool {
    controller(pod).is_some_and(|owner| owner.kind == "DaemonSet")
}

/// The pod's annotations.
#[must_use]
pub fn annotations(pod: &Pod) -> Option<&BTreeMap<String, String>> {
    pod.metadata.annotations.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(value: serde_json::Value) -> Pod {
        serde_json::from_value(value).expect("a pod")
    }

    #[test]
    fn intent_follows_deletion_first_and_phase_second() {
        let at: Timestamp = "2026-01-01T00:00:30Z".parse().expect("a time");
        let deleting = serde_json::json!({ "deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 30 });
        for (object, expected) in [
            (serde_json::json!({}), Intent::Wanted),
            (serde_json::json!({ "status": { "phase": "Running" } }), Intent::Wanted),
            (serde_json::json!({ "status": { "phase": "Failed" } }), Intent::Finished(TerminalPhase::Failed)),
            (
                serde_json::json!({ "metadata": deleting }),
                Intent::Deleting { deadline: at, finished: false, released: false },
            ),
            (
                serde_json::json!({ "metadata": deleting, "status": { "phase": "Succeeded" } }),
                Intent::Deleting { deadline: at, finished: true, released: false },
            ),
            (
                serde_json::json!({ "metadata": {
                    "deletionTimestamp": "2026-01-01T00:00:30Z", "deletionGracePeriodSeconds": 0, "finalizers": ["a/b"],
                } }),
                Intent::Deleting { deadline: at, finished: false, released: true },
            ),
            (
                serde_json::json!({ "status": { "phase": "Succeeded" } }),
                Intent::Finished(TerminalPhase::Succeeded),
            ),
        ] {
            assert_eq!(intent(&pod(object)), expected);
        }
    }

    #[test]
    fn only_the_controller_makes_a_pod_a_daemons() {
        let owned = |kind, controller| {
            pod(serde_json::json!({ "metadata": { "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": kind, "name": "x", "uid": "1", "controller": controller }
            ] } }))
        };
        assert!(is_daemon(&owned("DaemonSet", true)));
        assert!(!is_daemon(&owned("DaemonSet", false)));
        assert!(!is_daemon(&owned("Job", true)));
    }

    #[test]
    fn ready_unknown_means_that_it_was_ready() {
        let with = |status| {
            pod(serde_json::json!({ "status": { "conditions": [
                { "type": "Initialized", "status": "True" }, { "type": "Ready", "status": status }
            ] } }))
        };
        for (status, is, was) in [("True", true, true), ("Unknown", false, true), ("False", false, false)] {
            assert_eq!((is_ready(&with(status)), was_ready(&with(status))), (is, was), "{status}");
        }
        assert!(!was_ready(&Pod::default()));
    }

    #[test]
    fn a_pod_restarts_always_unless_its_policy_says_otherwise() {
        let with = |policy| pod(serde_json::json!({ "spec": { "containers": [], "restartPolicy": policy } }));
        assert!(restarts_always(&with(Some("Always"))) && restarts_always(&with(None)));
        assert!(!restarts_always(&with(Some("OnFailure"))) && !restarts_always(&with(Some("Never"))));
    }

    #[test]
    fn a_pod_has_a_reference_only_with_its_uid_and_a_mirror_has_its_annotation() {
        let named =
            |uid| pod(serde_json::json!({ "metadata": { "namespace": "ml", "name": "train", "uid": uid } }));
        assert_eq!(reference(&named(Some("u"))), Some(PodRef::new("ml", "train", "u")));
        assert_eq!(reference(&named(None)), None);
        let annotated = |key: &str| pod(serde_json::json!({ "metadata": { "annotations": { key: "x" } } }));
        assert!(is_mirror(&annotated("kubernetes.io/config.mirror")) && !is_mirror(&annotated("a")));
    }

    #[test]
    fn the_record_and_the_container_are_read_from_the_live_status() {
        let status = |name, id| {
            serde_json::json!({
                "name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "containerID": id,
            })
        };
        let shown = pod(serde_json::json!({ "status": {
            "conditions": [
                { "type": "Ready", "status": "True", "message": "m" },
                { "type": "orca.research/Launch", "status": "True", "message": "record" },
            ],
            "containerStatuses": [status("a", None), status("b", Some("cloud://i-1"))],
        } }));
        assert_eq!((launch_record(&shown), container_id(&shown)), (Some("record"), Some("cloud://i-1")));
    }
}
