//! Deletions that take long, and what deleted pods are told of their instances.

use super::*;
use crate::provider::Missing;

/// A pod that was deleted at 100 s, with 30 s of grace.
fn deleting(instances: KnownInstances) -> Case {
    let mut case = Case::new(instances);
    case.pod.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(130)));
    case.pod.metadata.deletion_grace_period_seconds = Some(30);
    case
}

fn seen(state: InstanceState) -> KnownInstances {
    KnownInstances { seen: vec![instance(state)], ..instances() }
}

fn launched(instances: KnownInstances) -> Case {
    deleting(instances).record(record(0).launched(&"i-1".into()))
}

/// What people are told of what holds the deletion.
fn told(case: &Case, now: i64) -> Option<String> {
    let notes = case.decide(now).notes;
    notes.into_iter().find(|note| note.reason == "DeletionWaiting").map(|note| note.message)
}

#[test]
fn a_deletion_that_hangs_says_after_a_minute_what_holds_it() {
    let missing = |is_held| {
        let missing = Missing { id: "i-1".into(), absences: 1, since: at(90), latest: at(90), is_held };
        KnownInstances { missing: Some(missing), ..instances() }
    };
    let trouble = Some(CloudError::new(Kind::Denied, "NoCredentials", "none found"));
    let unlisted = KnownInstances { fresh: false, trouble, ..instances() };
    let ending = KnownInstances { ending_since: Some(at(150)), ..seen(InstanceState::ShuttingDown) };
    let mut sending = deleting(instances()).record(record(0));
    sending.facts.send = Some(Task { key: at(0), since: at(0), state: TaskState::UnderWay });
    let cases = vec![
        ("alive", launched(seen(InstanceState::Running)), "instance i-1 was asked to end, and is running"),
        ("ending", launched(ending), "instance i-1 is shutting down"),
        ("missing", launched(missing(false)), "three complete lists over five minutes"),
        ("held", launched(missing(true)), "see the node's events"),
        ("unlisted", launched(unlisted), "The cloud cannot be listed: NoCredentials"),
        ("sending", sending, "a launch call is not answered yet"),
        ("unresolved", deleting(instances()).record(record(100)), "whether its launch was carried out"),
        ("looked for", launched(instances()), "instance i-1 is looked for"),
    ];
    for (what, case, says) in cases {
        assert_eq!(told(&case, 159), None, "L10: {what}");
        assert!(case.decide(159).again <= Duration::from_secs(1), "{what}: it is looked at in time");
        let text = told(&case, 160).unwrap_or_else(|| panic!("L10: {what}: {:?}", case.decide(160)));
        assert!(
            text.starts_with("the pod was deleted at 1970-01-01T00:01:40Z and is still there: "),
            "{text}"
        );
        assert!(text.contains(says), "{what}: {text}");
    }
}

#[test]
fn finalizers_that_keep_an_object_are_named() {
    let mut case = launched(seen(InstanceState::Terminated));
    case.pod.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(100)));
    case.pod.metadata.deletion_grace_period_seconds = Some(0);
    case.pod.metadata.finalizers = Some(vec!["example.com/audit".into()]);
    case.pod.status.as_mut().expect("a status").phase = Some("Failed".into());
    assert_eq!(told(&case, 159), None);
    let text = told(&case, 160).expect("B51: told");
    assert!(text.contains("only its finalizers keep the object (example.com/audit)"), "{text}");
}

#[test]
fn a_decision_with_a_warning_gets_no_second_one() {
    let refused = Some(CloudError::new(Kind::Denied, "OperationNotPermitted", "protected"));
    let case = launched(KnownInstances { end_refused: refused, ..seen(InstanceState::Running) });
    let decision = case.decide(500);
    let reasons: Vec<_> = decision.notes.iter().map(|note| note.reason.as_str()).collect();
    assert_eq!(reasons, ["TerminationRefused"]);
    assert_eq!(deletion_held(&Case::new(instances()).pod, "x", at(500)), None, "it was not deleted");
    assert!(
        deletion_held(&case.pod, "x", at(159)).is_none() && deletion_held(&case.pod, "x", at(160)).is_some()
    );
}

#[test]
fn a_deleted_pod_shows_that_its_instance_ended_if_it_ever_had_one() {
    let refusal = CloudError::new(Kind::Quota, "VcpuLimitExceeded", "no");
    let missing = Missing { id: "i-1".into(), absences: 3, since: at(90), latest: at(400), is_held: false };
    let missing = KnownInstances { missing: Some(missing), ..instances() };
    let mut shown = deleting(instances());
    let running = json!([{ "name": "main", "image": "", "imageID": "", "ready": true, "restartCount": 0, "containerID": "ec2://us-west-2/i-1" }]);
    shown.pod.status.as_mut().expect("a status").container_statuses =
        serde_json::from_value(running).expect("statuses");
    let cases = vec![
        ("seen, without a record", deleting(seen(InstanceState::Terminated)), "its instance has ended"),
        ("missing, without a record", deleting(missing), "its instance has ended"),
        ("shown, without a record", shown, "its instance has ended"),
        ("no record", deleting(instances()), "before anything was launched"),
        (
            "refused",
            deleting(instances()).record(record(0).refused(at(0), refusal, at(1))),
            "before anything was launched",
        ),
        ("ended", launched(seen(InstanceState::Terminated)), "its instance has ended"),
        (
            "unknown",
            deleting(instances()).record(record(0)),
            "nobody knows whether its launch was carried out",
        ),
    ];
    for (what, case, says) in cases {
        let decision = case.decide(431);
        let Some(Shown::Deleted { message }) = decision.shown() else { panic!("{what}: {decision:?}") };
        assert!(message.contains(says), "{what}: {message}");
    }
}
