//! Init containers and sidecars, which runtime `instance` does not run: nobody who reads a status waits for them, and
//! nobody is told that they were run.

use k8s_openapi::api::core::v1::ContainerStatus;

use super::*;

/// A pod with an init container before a sidecar before another one, so that one that holds up the rest would show.
fn with_init() -> Pod {
    let mut live = pod();
    let init = json!([
        { "name": "first", "image": "one" },
        { "name": "side", "image": "two", "restartPolicy": "Always" },
        { "name": "last", "image": "three" },
    ]);
    live.spec.as_mut().expect("a spec").init_containers = serde_json::from_value(init).expect("containers");
    live
}

fn statuses(pod: &Pod) -> Option<&[ContainerStatus]> {
    pod.status.as_ref()?.init_container_statuses.as_deref()
}

#[test]
fn an_init_container_holds_nobody_up_and_claims_no_run() {
    let running = after(&with_init(), &running(Ready::Yes), 10);
    let statuses = json!(statuses(&running).expect("statuses"));
    for (index, name) in [(0, "first"), (2, "last")] {
        let not_run = json!({ "terminated": {
            "exitCode": 0, "reason": "ContainersNotRun", "message": "not run: the machine image is the workload",
        } });
        assert_eq!((&statuses[index]["name"], &statuses[index]["state"]), (&json!(name), &not_run));
        assert_eq!((&statuses[index]["ready"], &statuses[index]["started"]), (&json!(true), &json!(false)));
        assert_eq!(statuses[index]["containerID"], Value::Null, "nothing ran");
    }
    assert_eq!(condition(&running, "Initialized").0, "True", "B65");
}

#[test]
fn a_sidecar_shares_the_fate_of_the_regular_containers() {
    let fate = |pod: &Pod| {
        let side = &statuses(pod).expect("statuses")[1];
        let regular =
            &pod.status.as_ref().and_then(|status| status.container_statuses.clone()).expect("two")[0];
        assert_eq!(
            (&side.state, side.ready, side.started, &side.container_id),
            (&regular.state, regular.ready, regular.started, &regular.container_id)
        );
        (side.ready, side.started)
    };
    let unready = after(&with_init(), &running(Ready::No("checks".into())), 10);
    assert_eq!(fate(&unready), (false, Some(true)));
    let ready = after(&unready, &running(Ready::Yes), 20);
    assert_eq!(fate(&ready), (true, Some(true)));
    assert_eq!(fate(&after(&ready, &ended(), 30)), (false, Some(false)));
}

#[test]
fn what_never_had_an_instance_says_nothing_of_init_containers() {
    let rejected = Shown::Ended { reason: "OutOfcpu".into(), message: "no room".into(), disruption: false };
    let lost = Shown::Ended { reason: "SpotInterrupted".into(), message: "gone".into(), disruption: true };
    for shown in [waiting(), rejected, lost, Shown::Deleted { message: "deleted".into() }] {
        let pod = after(&after(&with_init(), &waiting(), 10), &shown, 20);
        assert_eq!(statuses(&pod), None, "kubectl puts Init: before the reason otherwise: {shown:?}");
        assert_eq!(condition(&pod, "Initialized"), ("False", "ContainersNotInitialized"));
    }
}

#[test]
fn an_end_leaves_init_containers_as_they_were_and_changes_nothing_twice() {
    let running = after(&with_init(), &running(Ready::Yes), 10);
    for shown in [ended(), Shown::Deleted { message: "deleted".into() }] {
        let done = after(&running, &shown, 20);
        let (before, now) = (statuses(&running).expect("three"), statuses(&done).expect("three"));
        assert_eq!((&before[0], &before[2]), (&now[0], &now[2]));
    }
    assert_eq!(
        patch(&running, &render(&running, &super::running(Ready::Yes), None, at(99)), &[]),
        None,
        "B79"
    );
}

#[test]
fn a_deleted_pod_does_not_look_like_an_accident() {
    let deleted =
        after(&after(&pod(), &running(Ready::Yes), 10), &Shown::Deleted { message: "x".into() }, 20);
    let status = deleted.status.expect("a status");
    assert_eq!(status.reason, None);
    for container in status.container_statuses.iter().flatten() {
        assert_eq!(json!(container.state)["terminated"]["reason"], "PodDeleted");
    }
}
