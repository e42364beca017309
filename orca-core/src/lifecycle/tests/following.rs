//! A wanted pod whose instance is known: which one counts, what of the pod's past stays, and what people are told.

use super::*;
use crate::status::Ready;

const REFERENCE: &str = "ec2://us-west-2/i-1";

/// A pod with this status, whose recorded instance runs and has checks that nobody knows of.
fn with_status(status: serde_json::Value) -> Case {
    let seen = KnownInstances { seen: vec![instance(InstanceState::Running)], ..instances() };
    let mut case = Case::new(seen).record(record(0).launched(&"i-1".into()));
    case.pod.status = serde_json::from_value(status).expect("a status");
    case.pod.spec.as_mut().expect("a spec").containers[0].image = Some("img".into());
    case
}

/// A status that shows this readiness for the instance of this reference.
fn shown(ready: &str, reference: &str) -> serde_json::Value {
    json!({
        "phase": "Running",
        "conditions": [{ "type": "Ready", "status": ready }],
        "containerStatuses": [{
            "name": "main", "image": "img", "imageID": "", "ready": true, "restartCount": 0, "containerID": reference,
        }],
    })
}

fn reasons(decision: &Decision) -> Vec<&str> {
    decision.notes.iter().map(|note| note.reason.as_str()).collect()
}

#[test]
fn a_pod_stays_ready_only_if_it_was_shown_so_for_this_very_instance() {
    let other = "ec2://us-west-2/i-2";
    for (ready, reference, stays) in [
        ("True", REFERENCE, true),
        ("Unknown", REFERENCE, true),
        ("False", REFERENCE, false),
        ("True", other, false),
    ] {
        let decision = with_status(shown(ready, reference)).decide(10);
        let Some(Shown::Running { ready: now, .. }) = decision.shown() else { panic!("{decision:?}") };
        assert_eq!(*now == Ready::Yes, stays, "{ready} for {reference}");
    }
}

#[test]
fn that_the_instance_runs_is_an_event_once() {
    let first = with_status(json!({ "phase": "Pending" })).decide(10);
    assert_eq!(reasons(&first), ["InstanceRunning", "ContainersNotRun"]);
    assert_eq!(reasons(&with_status(shown("True", REFERENCE)).decide(10)), [""; 0]);
}

#[test]
fn a_pod_that_still_runs_has_no_length_of_life() {
    let decision = with_status(shown("True", REFERENCE)).decide(10);
    assert_eq!(
        (reason(&decision), decision.lived),
        ("Running", None),
        "a pod that runs must not delay its owner"
    );
}

#[test]
fn a_change_that_an_instance_cannot_follow_is_an_event() {
    let changed = |container: serde_json::Value| {
        let mut case = with_status(shown("True", REFERENCE));
        case.pod.spec.as_mut().expect("a spec").containers =
            serde_json::from_value(json!([container])).expect("containers");
        let status =
            &mut case.pod.status.as_mut().expect("a status").container_statuses.as_mut().expect("one")[0];
        status.resources = Some(k8s_openapi::api::core::v1::ResourceRequirements::default());
        let notes = case.decide(10).notes;
        notes.into_iter().map(|note| format!("{}: {}", note.reason, note.message)).collect::<Vec<_>>()
    };
    assert_eq!(changed(json!({ "name": "main", "image": "img" })), [""; 0]);
    let image = changed(json!({ "name": "main", "image": "other" }));
    assert!(
        image.len() == 1 && image[0].starts_with("ChangeNotApplied: the image of container main"),
        "{image:?}"
    );
    let more = json!({ "requests": { "cpu": "2" } });
    let size = changed(json!({ "name": "main", "image": "img", "resources": more }));
    assert!(size.len() == 1 && size[0].starts_with("ChangeNotApplied: the instance's size"), "{size:?}");
}

#[test]
fn a_change_is_reported_once_and_the_next_one_again() {
    let mut case = with_status(shown("True", REFERENCE));
    case.record = case.record.map(|record| record.asking(crate::status::asked(&case.pod)));
    let annotate = |case: &mut Case, key: &str| {
        case.pod.metadata.annotations.get_or_insert_default().insert(key.into(), "x".into());
        let decision = case.decide(10);
        let told: Vec<String> =
            decision.notes.iter().map(|note| format!("{}: {}", note.reason, note.message)).collect();
        let shown = decision.shown().expect("it is written");
        case.pod.status = Some(crate::status::render(&case.pod, shown, case.record.as_ref(), at(10)));
        told
    };
    let first = annotate(&mut case, "orca.research/ami");
    assert!(
        first.len() == 1 && first[0].starts_with("ChangeNotApplied: annotation orca.research/ami"),
        "{first:?}"
    );
    assert_eq!(case.decide(20).notes, [], "the event was published before");
    let second = annotate(&mut case, "orca.research/launch-type");
    assert!(second.len() == 1 && second[0].contains("orca.research/launch-type"), "{second:?}");
}

#[test]
fn the_recorded_instance_counts_whatever_else_is_alive() {
    let other = Instance { id: "i-0".into(), ..instance(InstanceState::Pending) };
    let seen = vec![other, instance(InstanceState::Running)];
    let case = Case::new(KnownInstances { seen, ..instances() });
    let decision = case.record(record(0).launched(&"i-1".into())).decide(10);
    assert_eq!(
        (reason(&decision), decision.record()),
        ("Running", None),
        "and its record is not written again"
    );
}

#[test]
fn an_instance_that_is_alive_counts_before_one_that_has_ended() {
    let ended = Instance { id: "i-0".into(), ..instance(InstanceState::Terminated) };
    let seen = vec![ended, instance(InstanceState::Pending)];
    let decision = Case::new(KnownInstances { seen, ..instances() }).record(record(0)).decide(10);
    assert_eq!(decision.record().and_then(|record| record.instance_id.clone()), Some("i-1".into()));
}
