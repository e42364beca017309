//! Statuses against the kubelet's rules, and the patches that bring them about.

use jiff::Timestamp;
use k8s_openapi::DeepMerge;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::*;
use crate::ids::PodRef;
use crate::instance::{CapacityType, InstanceState};

mod changed;
mod init;
mod kept;
mod written;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn pod() -> Pod {
    serde_json::from_value(json!({
        "metadata": { "namespace": "ml", "name": "train", "uid": "u", "resourceVersion": "7", "generation": 3 },
        "spec": { "containers": [{ "name": "b", "image": "img" }, { "name": "a", "image": "img" }] },
        "status": {
            "phase": "Pending", "qosClass": "BestEffort",
            "conditions": [
                { "type": "PodScheduled", "status": "True", "lastTransitionTime": "1970-01-01T00:00:01Z" },
                { "type": "example.com/other", "status": "True" },
            ],
        },
    }))
    .expect("a pod")
}

fn instance() -> Instance {
    Instance {
        id: "i-1".into(),
        reference: "ec2://us-west-2/i-1".into(),
        state: InstanceState::Running,
        cloud: None,
        state_reason: None,
        owner: None,
        pod: Some(PodRef::new("ml", "train", "u")),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: "10.0.0.7".parse().ok(),
        other_ip: None,
        public_ip: None,
        launched_at: None,
    }
}

fn waiting() -> Shown {
    Shown::Waiting { reason: "InstanceBooting".into(), message: "starting".into() }
}

fn running(ready: Ready) -> Shown {
    Shown::Running { instance: Box::new(instance()), ready }
}

fn ended() -> Shown {
    Shown::Ended { reason: "InstanceGone".into(), message: "gone".into(), disruption: true }
}

/// The live pod after the patch, as a strategic merge makes it for the fields that we send.
fn after(live: &Pod, shown: &Shown, now: i64) -> Pod {
    let status = render(live, shown, None, at(now));
    let mut next = live.clone();
    if patch(live, &status, &[]).is_some() {
        let conditions = status.conditions.clone().unwrap_or_default();
        let kept = live.status.as_ref().and_then(|old| old.conditions.clone()).unwrap_or_default();
        let foreign = kept.into_iter().filter(|old| conditions.iter().all(|new| new.type_ != old.type_));
        let merged = conditions.iter().cloned().chain(foreign).collect();
        let qos = live.status.as_ref().and_then(|old| old.qos_class.clone());
        next.status = Some(PodStatus { conditions: Some(merged), qos_class: qos, ..status });
    }
    next
}

fn condition<'a>(pod: &'a Pod, kind: &str) -> (&'a str, &'a str) {
    let found = crate::pod::condition(pod, kind).unwrap_or_else(|| panic!("{kind} in {pod:?}"));
    (&found.status, found.reason.as_deref().unwrap_or("-"))
}

#[test]
fn a_waiting_pod_is_pending_with_one_waiting_state_a_container() {
    let pod = after(&pod(), &waiting(), 10);
    let status = pod.status.as_ref().expect("a status");
    assert_eq!(status.phase.as_deref(), Some("Pending"));
    let names: Vec<_> = status.container_statuses.iter().flatten().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a", "b"], "B74: sorted by name");
    for container in status.container_statuses.iter().flatten() {
        let state = serde_json::to_value(&container.state).expect("json");
        assert_eq!(state, json!({ "waiting": { "reason": "InstanceBooting", "message": "starting" } }));
        assert_eq!((container.image.as_str(), container.started), ("img", Some(false)));
        assert_eq!(json!(container.last_state), json!({}), "B79: the API server answers with it");
    }
    assert_eq!(condition(&pod, "PodReadyToStartContainers").0, "False");
    assert_eq!(condition(&pod, "Ready"), ("False", "ContainersNotReady"));
    assert_eq!(status.message.as_deref(), Some("starting"));
}

#[test]
fn a_running_pod_is_ready_when_its_instance_is() {
    let unready = after(&after(&pod(), &waiting(), 10), &running(Ready::No("checks".into())), 20);
    assert_eq!(unready.status.as_ref().and_then(|s| s.phase.as_deref()), Some("Running"));
    assert_eq!(condition(&unready, "Ready"), ("False", "ContainersNotReady"));
    assert_eq!(condition(&unready, "PodReadyToStartContainers").0, "True");
    assert_eq!(condition(&unready, "orca.research/ContainersNotRun").0, "True");

    let ready = after(&unready, &running(Ready::Yes), 30);
    assert_eq!(condition(&ready, "Ready"), ("True", "-"));
    assert_eq!(condition(&ready, "ContainersReady"), ("True", "-"));
    let status = ready.status.as_ref().expect("a status");
    assert_eq!(status.pod_ip.as_deref(), Some("10.0.0.7"));
    assert_eq!(
        status.container_statuses.as_ref().expect("two")[0].container_id.as_deref(),
        Some("ec2://us-west-2/i-1")
    );
    let started =
        serde_json::to_value(&status.container_statuses.as_ref().expect("two")[0].state).expect("json");
    assert_eq!(
        started,
        json!({ "running": { "startedAt": "1970-01-01T00:00:20Z" } }),
        "the start does not move"
    );
    assert_eq!(status.message, None, "the cause of the wait is over");
}

#[test]
fn readiness_gates_hold_ready_back() {
    let mut gated = pod();
    let gates = json!([{ "conditionType": "example.com/gate" }]);
    gated.spec.as_mut().expect("a spec").readiness_gates = serde_json::from_value(gates).expect("gates");
    let pod = after(&gated, &running(Ready::Yes), 10);
    assert_eq!(condition(&pod, "Ready"), ("False", "ReadinessGatesNotReady"));
    assert_eq!(condition(&pod, "ContainersReady"), ("True", "-"));
    for (gate, ready) in [("False", "False"), ("Unknown", "False"), ("True", "True")] {
        let mut told = gated.clone();
        told.status =
            serde_json::from_value(json!({ "conditions": [{ "type": "example.com/gate", "status": gate }] }))
                .expect("a status");
        assert_eq!(condition(&after(&told, &running(Ready::Yes), 10), "Ready").0, ready, "B67: {gate}");
    }
}

#[test]
fn a_lost_instance_ends_every_container_with_137_and_a_disruption() {
    let pod = after(&after(&pod(), &running(Ready::Yes), 10), &ended(), 40);
    let status = pod.status.as_ref().expect("a status");
    assert_eq!((status.phase.as_deref(), status.reason.as_deref()), (Some("Failed"), Some("InstanceGone")));
    for container in status.container_statuses.iter().flatten() {
        let state = container.state.as_ref().and_then(|state| state.terminated.as_ref()).expect("terminated");
        assert_eq!(
            (state.exit_code, state.reason.as_deref()),
            (137, Some("InstanceGone")),
            "B77, and kubectl prints the reason of a container rather than the pod's"
        );
        assert!(!container.ready);
    }
    assert_eq!(condition(&pod, "DisruptionTarget"), ("True", "TerminationByKubelet"), "B71");
    assert_eq!(condition(&pod, "Ready"), ("False", "PodFailed"), "B39");
}

#[test]
fn the_same_status_makes_no_patch() {
    for shown in [waiting(), running(Ready::Yes), running(Ready::No("checks".into()))] {
        let pod = after(&pod(), &shown, 10);
        assert_eq!(patch(&pod, &render(&pod, &shown, None, at(99)), &[]), None, "B79: {shown:?}");
    }
}

#[test]
fn a_terminal_pod_is_never_patched() {
    for phase in ["Failed", "Succeeded"] {
        let mut done = pod();
        done.status.as_mut().expect("a status").phase = Some(phase.into());
        assert_eq!(patch(&done, &render(&done, &running(Ready::Yes), None, at(9)), &[]), None, "B37");
    }
}

#[test]
fn a_patch_carries_uid_and_version_and_only_our_own_fields() {
    let live = pod();
    let value = patch(
        &live,
        &render(&live, &running(Ready::Yes), None, at(10)),
        &[("orca.research/instance-id", "i-1".into())],
    )
    .expect("a patch");
    assert_eq!(value["metadata"]["uid"], "u");
    assert_eq!(value["metadata"]["resourceVersion"], "7");
    assert_eq!(value["metadata"]["annotations"]["orca.research/instance-id"], "i-1");
    let keys: Vec<_> = value["status"].as_object().expect("an object").keys().map(String::as_str).collect();
    assert!(!keys.contains(&"qosClass"), "B70: {keys:?}");
    let types: Vec<_> =
        value["status"]["conditions"].as_array().expect("a list").iter().map(|c| &c["type"]).collect();
    assert!(
        !types.contains(&&json!("example.com/other")) && !types.contains(&&json!("PodScheduled")),
        "{types:?}"
    );
}

#[test]
fn a_changed_address_replaces_the_list() {
    let live = after(&pod(), &running(Ready::Yes), 10);
    let moved = Shown::Running {
        instance: Box::new(Instance { private_ip: "10.0.0.8".parse().ok(), ..instance() }),
        ready: Ready::Yes,
    };
    let value = patch(&live, &render(&live, &moved, None, at(20)), &[]).expect("a patch");
    assert_eq!(value["status"]["podIPs"], json!([{ "$patch": "replace" }, { "ip": "10.0.0.8" }]), "B35");
}

#[test]
fn a_cause_that_is_over_is_taken_away_by_name() {
    let live = after(&pod(), &waiting(), 10);
    let value = patch(&live, &render(&live, &running(Ready::Yes), None, at(20)), &[]).expect("a patch");
    assert_eq!(value["status"]["message"], Value::Null);
    let ready = value["status"]["conditions"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|c| c["type"] == "Ready")
        .expect("Ready");
    assert_eq!((&ready["reason"], &ready["message"]), (&Value::Null, &Value::Null));
}

#[test]
fn ready_implies_containers_ready_implies_running() {
    let mut live = pod();
    live.merge_from(Pod::default());
    for shown in [
        waiting(),
        running(Ready::Yes),
        running(Ready::No("no".into())),
        ended(),
        Shown::Deleted { message: "x".into() },
    ] {
        let pod = after(&live, &shown, 10);
        let ready = condition(&pod, "Ready").0 == "True";
        let containers_ready = condition(&pod, "ContainersReady").0 == "True";
        let is_running = pod.status.as_ref().and_then(|s| s.phase.as_deref()) == Some("Running");
        assert!((!ready || containers_ready) && (!containers_ready || is_running), "B80: {shown:?}");
        for container in pod.status.iter().flat_map(|s| s.container_statuses.iter().flatten()) {
            let state = serde_json::to_value(&container.state).expect("json");
            assert_eq!(state.as_object().expect("an object").len(), 1, "B80: exactly one state");
        }
    }
}

#[test]
fn an_image_change_and_a_resize_are_answered_and_not_pretended() {
    let mut live = after(&pod(), &running(Ready::Yes), 10);
    let spec = live.spec.as_mut().expect("a spec");
    spec.containers[0].image = Some("other".into());
    let more = json!({ "requests": { "cpu": "2" } });
    spec.containers[0].resources = serde_json::from_value(more).expect("resources");
    live.metadata.generation = Some(4);
    let kept = changes::not_applied(&live, None);
    assert!(
        kept.len() == 2 && kept[0].starts_with("the image of container b was changed to other"),
        "{kept:?}"
    );
    let resized = after(&live, &running(Ready::Yes), 20);
    assert_eq!(condition(&resized, "PodResizePending"), ("True", "Infeasible"));
    let image = |pod: &Pod| {
        pod.status.as_ref().and_then(|s| s.container_statuses.as_ref()).map(|s| s[1].image.clone())
    };
    assert_eq!(image(&resized).as_deref(), Some("img"), "the instance was launched with the old one");

    let mut back = resized.clone();
    back.spec.as_mut().expect("a spec").containers[0].resources = None;
    let status = render(&back, &running(Ready::Yes), None, at(30));
    let value = patch(&back, &status, &[]).expect("a patch");
    let conditions = value["status"]["conditions"].as_array().expect("conditions");
    assert!(
        conditions.contains(&json!({ "$patch": "delete", "type": "PodResizePending" })),
        "{conditions:?}"
    );
}

#[test]
fn a_changed_spec_that_nothing_follows_from_is_acknowledged_once() {
    let mut live = after(&pod(), &running(Ready::Yes), 10);
    live.metadata.generation = Some(4);
    let status = render(&live, &running(Ready::Yes), None, at(20));
    let value = patch(&live, &status, &[]).expect("a patch");
    assert_eq!(value["status"], json!({ "observedGeneration": 4 }), "B69");
}

#[test]
fn a_pod_that_was_rejected_claims_no_end_of_its_containers() {
    let shown = Shown::Ended { reason: "OutOfcpu".into(), message: "no room".into(), disruption: false };
    let rejected = after(&pod(), &shown, 10);
    let statuses = serde_json::to_value(rejected.status.expect("a status").container_statuses).expect("json");
    assert_eq!(statuses[0]["state"], json!({ "waiting": { "reason": "OutOfcpu", "message": "no room" } }));
}
