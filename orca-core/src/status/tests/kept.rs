//! What a status keeps of the one before it: times, addresses, ends, and what nobody confirms any more.

use super::*;

/// When this condition changed last, in seconds.
fn changed(pod: &Pod, kind: &str) -> Option<i64> {
    let found = crate::pod::condition(pod, kind)?;
    found.last_transition_time.as_ref().map(|time| time.0.as_second())
}

fn containers(pod: &Pod) -> &[k8s_openapi::api::core::v1::ContainerStatus] {
    pod.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default()
}

#[test]
fn a_condition_keeps_its_time_while_its_status_stays() {
    let unready = after(&pod(), &running(Ready::No("checks".into())), 10);
    let ready = after(&unready, &running(Ready::Yes), 20);
    assert_eq!(
        (changed(&ready, "PodReadyToStartContainers"), changed(&ready, "Ready")),
        (Some(10), Some(20))
    );
    assert_eq!(ready.status.as_ref().and_then(|status| status.start_time.clone()), Some(Time(at(10))));
    let half = Timestamp::from_millisecond(10_500).expect("in range");
    assert_eq!(render(&pod(), &waiting(), None, half).start_time, Some(Time(at(10))), "B79: whole seconds");
}

#[test]
fn a_pod_that_nobody_scheduled_is_shown_as_scheduled() {
    let mut bound = pod();
    bound.status = None;
    assert_eq!(condition(&after(&bound, &waiting(), 10), "PodScheduled"), ("True", "-"));
    for (scheduled, is_ours) in [("True", false), ("False", true)] {
        let mut seen = pod();
        seen.status = serde_json::from_value(
            json!({ "conditions": [{ "type": "PodScheduled", "status": scheduled, "reason": "Unschedulable" }] }),
        )
        .expect("a status");
        let conditions = render(&seen, &waiting(), None, at(10)).conditions.unwrap_or_default();
        let rendered = conditions.iter().find(|one| one.type_ == "PodScheduled");
        assert_eq!(rendered.map(|one| one.status.as_str()), is_ours.then_some("True"), "{scheduled}");
    }
}

#[test]
fn an_end_keeps_addresses_starts_and_ids_and_the_first_end_counts() {
    let ended_pod = after(&after(&pod(), &running(Ready::Yes), 10), &ended(), 40);
    let status = ended_pod.status.as_ref().expect("a status");
    let lists = json!([status.pod_ips, status.host_ips]);
    assert_eq!(lists, json!([[{ "ip": "10.0.0.7" }], [{ "ip": "10.0.0.7" }]]));
    assert_eq!((status.pod_ip.as_deref(), status.host_ip.as_deref()), (Some("10.0.0.7"), Some("10.0.0.7")));
    let expected = json!({
        "exitCode": 137, "reason": "InstanceGone", "message": "gone", "containerID": "ec2://us-west-2/i-1",
        "startedAt": "1970-01-01T00:00:10Z", "finishedAt": "1970-01-01T00:00:40Z",
    });
    for container in containers(&ended_pod) {
        assert_eq!(json!(container.state), json!({ "terminated": expected }));
        assert_eq!(container.container_id.as_deref(), Some("ec2://us-west-2/i-1"));
        assert_eq!(container.started, Some(false));
    }
    let again = render(&ended_pod, &Shown::Deleted { message: "deleted".into() }, None, at(90));
    assert_eq!(again.container_statuses.as_deref(), Some(containers(&ended_pod)));
}

#[test]
fn a_pod_that_ran_ends_its_containers_whoever_is_the_cause() {
    let shown = Shown::Ended { reason: "DeadlineExceeded".into(), message: "late".into(), disruption: false };
    let overdue = after(&after(&pod(), &running(Ready::Yes), 10), &shown, 40);
    let said = &json!(containers(&overdue)[0].state)["terminated"];
    assert_eq!((&said["reason"], &said["message"]), (&json!("DeadlineExceeded"), &json!("late")));
    assert!(crate::pod::condition(&overdue, "DisruptionTarget").is_none());
    let lost = after(&after(&pod(), &waiting(), 10), &ended(), 40);
    assert_eq!(
        json!(containers(&lost)[0].state)["terminated"]["exitCode"],
        137,
        "a lost container ends with 137"
    );
}

#[test]
fn init_containers_hold_initialized_back_until_the_instance_runs() {
    let with_init = |init: Value| {
        let mut live = pod();
        live.spec.as_mut().expect("a spec").init_containers =
            serde_json::from_value(init).expect("containers");
        live
    };
    let (some, none) = (with_init(json!([{ "name": "first" }])), with_init(json!([])));
    let waits = after(&some, &waiting(), 10);
    assert_eq!(condition(&waits, "Initialized"), ("False", "ContainersNotInitialized"));
    let ran = after(&waits, &running(Ready::Yes), 20);
    assert_eq!(condition(&ran, "Initialized"), ("True", "-"));
    assert_eq!(condition(&after(&ran, &ended(), 30), "Initialized"), ("True", "-"));
    assert_eq!(condition(&after(&none, &waiting(), 10), "Initialized"), ("True", "-"));
}

#[test]
fn an_unconfirmed_pod_shows_what_it_showed_and_after_a_while_that_ready_is_unknown() {
    let shown = |is_ready_unknown| Shown::Unconfirmed { message: "silence".into(), is_ready_unknown };
    let is_ready = |pod: &Pod| containers(pod).iter().all(|container| container.ready);
    let confirmed = "orca.research/InstanceConfirmed";
    let live = after(&pod(), &running(Ready::Yes), 10);
    assert!(
        crate::pod::condition(&live, confirmed).is_none(),
        "a pod that was always confirmed has no such condition"
    );

    let early = after(&live, &shown(false), 70);
    assert_eq!(condition(&early, confirmed), ("Unknown", "InstanceUnconfirmed"));
    assert_eq!((condition(&early, "Ready"), is_ready(&early)), (("True", "-"), true));
    assert_eq!(early.status.as_ref().and_then(|status| status.phase.as_deref()), Some("Running"));

    let late = after(&early, &shown(true), 400);
    for kind in ["Ready", "ContainersReady"] {
        assert_eq!(condition(&late, kind), ("Unknown", "InstanceUnconfirmed"), "S5");
    }
    assert_eq!((changed(&late, confirmed), is_ready(&late)), (Some(70), false));
    let mut resized = early.clone();
    let resize = json!({ "type": "PodResizePending", "status": "True" });
    let conditions =
        resized.status.as_mut().and_then(|status| status.conditions.as_mut()).expect("conditions");
    conditions.push(serde_json::from_value(resize).expect("a condition"));
    let wanted = render(&resized, &shown(true), None, at(400)).conditions.unwrap_or_default();
    for kind in ["example.com/other", "PodReadyToStartContainers", "PodResizePending", "Ready"] {
        let count = wanted.iter().filter(|condition| condition.type_ == kind).count();
        assert_eq!(count, 1, "{kind} stands once, as it stood");
    }

    let back = after(&late, &running(Ready::Yes), 410);
    assert_eq!((condition(&back, confirmed), condition(&back, "Ready")), (("True", "-"), ("True", "-")));

    let unready = after(&after(&pod(), &running(Ready::No("checks".into())), 10), &shown(true), 400);
    assert_eq!(
        condition(&unready, "Ready"),
        ("False", "ContainersNotReady"),
        "a condition that was False stays False"
    );
}
