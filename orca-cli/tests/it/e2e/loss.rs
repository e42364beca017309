//! Instances that go without ORCA's doing: the pod fails as a disruption, is never relaunched, and its owner replaces it.

use std::time::Duration;

use super::cluster::PODS;
use super::world::{World, condition, pod};

anywhere! {
    an_instance_that_is_ended_or_stopped_from_outside_fails_its_pod,
    a_jobs_lost_pod_is_replaced_and_a_crash_loop_buys_few_instances,
}

const JOB: &str = include_str!("../../../../examples/kubernetes/batch-job.yaml");

async fn an_instance_that_is_ended_or_stopped_from_outside_fails_its_pod(world: World) {
    let _orca = world.orca().await;
    for name in ["ended", "stopped"] {
        world.apply(&pod(name)).await;
    }
    world.running(2).await;
    for instance in world.probe.alive().await.expect("instances") {
        match instance.tags.get("orca.research/pod-name").map(String::as_str) {
            Some("ended") => world.probe.terminate(&instance.id).await.expect("terminated"),
            _ => world.probe.stop(&instance.id).await.expect("stopped"),
        }
    }
    for name in ["ended", "stopped"] {
        let pod = world
            .eventually(&format!("L4: {name} is Failed"), || async {
                let pod = world.cluster.get(PODS, name).await?;
                (pod["status"]["phase"] == "Failed").then_some(pod)
            })
            .await;
        assert_eq!(pod["status"]["reason"], "InstanceGone");
        assert_eq!(condition(&pod, "DisruptionTarget").as_deref(), Some("True"), "B71");
        let state = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
        assert_eq!((&state["exitCode"], &state["reason"]), (&137.into(), &"InstanceGone".into()), "B77");
        let printed = world.cluster.printed(name).await.expect("a row");
        assert_eq!(printed, ("0/1".to_owned(), "InstanceGone".to_owned()));
    }
    world
        .eventually("a stopped instance of ours is terminated: it costs", || async {
            world.probe.alive().await.ok()?.is_empty().then_some(())
        })
        .await;
    world
        .stays(Duration::from_secs(3), "nothing is launched again", || async {
            world.proxy.launched().len() == 2
        })
        .await;
    world.assert_one_instance_each(2);
}

async fn a_jobs_lost_pod_is_replaced_and_a_crash_loop_buys_few_instances(world: World) {
    let _orca = world.orca().await;
    let job = JOB.replace("completions: 20", "completions: 1").replace("parallelism: 20", "parallelism: 1");
    world.apply(&job).await;
    world.running(1).await;
    let (began, trouble) = (tokio::time::Instant::now(), world.long(40));
    while began.elapsed() < trouble {
        for instance in world.probe.alive().await.expect("instances") {
            world.probe.terminate(&instance.id).await.expect("terminated");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let bought = world.proxy.launched().len();
    // 10 s, then 20 s between launches: at 0, 10 and 30 s, and room for one more at the edges.
    assert!((2..=4).contains(&bought), "bought in {trouble:?}: {bought}");
    let waiting = world
        .eventually("the waiting pod says so", || async {
            let pods = world.pods().await;
            pods.into_iter().find(|pod| {
                pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "LaunchBackOff"
                    || pod["status"]["phase"] == "Running"
            })
        })
        .await;
    assert!(!waiting["metadata"]["uid"].is_null());
    world.running(1).await;
}
