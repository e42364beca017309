//! What people are told of changes of a pod whose instance runs.

use super::written::record;
use super::*;

#[test]
fn whatever_was_changed_since_the_launch_is_named_and_goes_when_it_is_changed_back() {
    let launched = |pod: &Pod| record().asking(asked(pod)).launched(&"i-1".into());
    let mut live = pod();
    live.metadata.annotations = Some(
        [
            ("orca.research/instance-type".to_owned(), "t3.micro".to_owned()),
            ("orca.research/ami".to_owned(), "ami-1".to_owned()),
        ]
        .into(),
    );
    let record = launched(&live);
    let running = running(Ready::Yes);
    let look = |live: &Pod| {
        let status = render(live, &running, Some(&record), at(20));
        status.conditions.iter().flatten().find(|one| one.type_ == "orca.research/ChangeNotApplied").cloned()
    };
    assert_eq!(look(&live), None);
    let before = live.clone();
    let annotations = live.metadata.annotations.as_mut().expect("annotations");
    annotations.insert("orca.research/instance-type".into(), "p5.48xlarge".into());
    annotations.insert("orca.research/launch-type".into(), "spot".into());
    annotations.remove("orca.research/ami");
    // What others or ORCA itself write is no wish.
    annotations.insert("orca.research/instance-id".into(), "i-1".into());
    annotations.insert("example.com/note".into(), "x".into());
    let spec = live.spec.as_mut().expect("a spec");
    spec.resources = serde_json::from_value(json!({ "requests": { "cpu": "64" } })).expect("resources");
    spec.ephemeral_containers =
        serde_json::from_value(json!([{ "name": "debugger", "image": "busybox" }])).expect("containers");
    let message = look(&live).and_then(|told| told.message).expect("a condition");
    for says in [
        "annotation orca.research/instance-type was changed from t3.micro to p5.48xlarge, and the running instance keeps",
        "annotation orca.research/launch-type was set to spot",
        "annotation orca.research/ami was taken away (it was ami-1)",
        "so the resize is not carried out",
        "ephemeral container debugger is not run",
    ] {
        assert!(message.contains(says), "{says}: {message}");
    }
    assert_eq!(message.matches("; ").count() - message.matches("; make a new pod").count(), 4, "{message}");
    let mut shown = live.clone();
    shown.status = Some(render(&live, &running, Some(&record), at(20)));
    assert_eq!(condition(&shown, "PodResizePending"), ("True", "Infeasible"));
    let ephemeral = &json!(shown.status.as_ref().expect("a status").ephemeral_container_statuses)[0];
    assert_eq!(ephemeral["state"]["waiting"]["reason"], "ContainersNotRun");
    let known = (&ephemeral["name"], &ephemeral["image"], &ephemeral["lastState"]);
    assert_eq!(known, (&json!("debugger"), &json!("busybox"), &json!({})), "B79");
    let again = patch(&shown, &render(&shown, &running, Some(&record), at(40)), &[]);
    assert!(!json!(again).to_string().contains("ChangeNotApplied"), "told once: {again:?}");
    let mut back = shown;
    (back.spec, back.metadata.annotations) = (before.spec, before.metadata.annotations);
    let value = patch(&back, &render(&back, &running, Some(&record), at(50)), &[]).expect("a patch");
    let conditions = value["status"]["conditions"].as_array().expect("conditions");
    assert!(
        conditions.contains(&json!({ "$patch": "delete", "type": "PodResizePending" })),
        "{conditions:?}"
    );
    assert!(conditions.contains(&json!({ "$patch": "delete", "type": "orca.research/ChangeNotApplied" })));
}

#[test]
fn a_record_without_what_was_asked_reports_no_change() {
    let mut live = pod();
    live.metadata.annotations = Some([("orca.research/ami".to_owned(), "ami-1".to_owned())].into());
    assert_eq!(changes::not_applied(&live, Some(&record().launched(&"i-1".into()))), [""; 0]);
}
