//! Pods up and down: as a Job, as a Deployment, and across a crash of ORCA.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::{DEPLOYMENTS, Deletion, JOBS, PODS};
use super::world::{World, pod};

anywhere! {
    a_job_of_twenty_comes_up_with_few_writes_and_one_list_a_sweep,
    a_crash_of_orca_writes_launches_and_ends_nothing,
    a_deleted_job_takes_its_instances_along_with_two_writes_a_pod,
    a_deployment_scales_from_nothing_to_ten_and_back,
    a_wrong_annotation_buys_nothing_and_says_why,
}

const JOB: &str = include_str!("../../../../examples/kubernetes/batch-job.yaml");

/// Twenty pods of a Job that run.
async fn twenty(world: &World) -> Vec<Value> {
    world.apply(JOB).await;
    let running = world.running(20).await;
    world.assert_one_instance_each(20);
    running
}

async fn a_job_of_twenty_comes_up_with_few_writes_and_one_list_a_sweep(world: World) {
    let _orca = world.orca().await;
    twenty(&world).await;
    let patches = world.audited("patch", "pods/status");
    assert!(patches <= 20 * 4, "3 to Running and 1 to Ready: {patches}");
    assert!(world.audited("create", "events") <= 20 * 3, "at most 3 events a pod");
    sweeps_are_single_calls(&world).await;
}

async fn a_crash_of_orca_writes_launches_and_ends_nothing(world: World) {
    let orca = world.orca().await;
    let before = twenty(&world).await;
    let launches = world.proxy.calls_of("RunInstances").len();
    orca.kill();
    let orca = world.orca().await;
    world
        .eventually("it leads again", || async {
            orca.log().contains("Starting ORCA virtual node").then_some(())
        })
        .await;
    world
        .stays(Duration::from_secs(4), "all twenty pods run", || async {
            world.pods().await.iter().filter(|pod| pod["status"]["phase"] == "Running").count() == 20
        })
        .await;
    let after = world.running(20).await;
    let versions = |pods: &[Value]| -> BTreeMap<String, String> {
        pods.iter()
            .map(|pod| (pod["metadata"]["uid"].to_string(), pod["metadata"]["resourceVersion"].to_string()))
            .collect()
    };
    assert_eq!(versions(&before), versions(&after), "a restart writes nothing");
    assert_eq!(world.proxy.calls_of("RunInstances").len(), launches, "and launches nothing");
    assert!(world.proxy.calls_of("TerminateInstances").is_empty(), "and terminates nothing");
    assert_eq!(world.probe.alive().await.expect("instances").len(), 20);
}

async fn a_deleted_job_takes_its_instances_along_with_two_writes_a_pod(world: World) {
    let _orca = world.orca().await;
    twenty(&world).await;
    let patches = world.audited("patch", "pods/status");
    world.cluster.delete(JOBS, "batch", Deletion::Foreground).await;
    world
        .eventually("no instance is alive", || async {
            world.probe.alive().await.ok()?.is_empty().then_some(())
        })
        .await;
    let down = world.audited("patch", "pods/status") - patches + world.audited("delete", "pods");
    assert!(down <= 20 * 2, "terminal status and DELETE: {down}");
    assert!(world.pods().await.is_empty());
}

/// One DescribeInstances a sweep, and one DescribeInstanceStatus only while some pod waits for Ready.
async fn sweeps_are_single_calls(world: &World) {
    let count = |action: &str| world.proxy.calls_of(action).len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (sweeps, health) = (count("DescribeInstances"), count("DescribeInstanceStatus"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let made = count("DescribeInstances") - sweeps;
    assert!((3..=6).contains(&made), "{made}");
    assert_eq!(count("DescribeInstanceStatus"), health, "nobody waits for Ready");
}

async fn a_deployment_scales_from_nothing_to_ten_and_back(world: World) {
    let _orca = world.orca().await;
    world
        .apply(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 0\n  \
             selector: {matchLabels: {app: web}}\n  template:\n    metadata:\n      labels: {app: web}\n      \
             annotations: {orca.research/instance-type: t3.micro}\n    spec:\n      \
             nodeSelector: {orca.research/provider: aws}\n      \
             tolerations: [{key: orca.research/burst-node, operator: Exists}]\n      \
             containers: [{name: web, image: example.com/web}]\n",
        )
        .await;
    world.cluster.merge(DEPLOYMENTS, "web", json!({ "spec": { "replicas": 10 } })).await;
    world
        .eventually("the Deployment has ten available replicas", || async {
            let web = world.cluster.get(DEPLOYMENTS, "web").await?;
            (web["status"]["availableReplicas"] == 10).then_some(())
        })
        .await;
    world.assert_one_instance_each(10);
    assert_eq!(world.probe.alive().await.expect("instances").len(), 10);
    world.cluster.merge(DEPLOYMENTS, "web", json!({ "spec": { "replicas": 0 } })).await;
    world
        .eventually("no pod and no instance is left", || async {
            let none = world.pods().await.is_empty() && world.probe.alive().await.ok()?.is_empty();
            none.then_some(())
        })
        .await;
    world.assert_one_instance_each(10);
}

async fn a_wrong_annotation_buys_nothing_and_says_why(world: World) {
    let _orca = world.orca().await;
    let cases = [
        ("no-type", "orca.research/instance-typ: t3.micro", "did you mean orca.research/instance-type?"),
        (
            "sport",
            "orca.research/instance-type: t3.micro, orca.research/launch-type: sport",
            "did you mean spot?",
        ),
        (
            "price",
            "orca.research/instance-type: t3.micro, orca.research/launch-type: spot, orca.research/max-spot-price: NaN",
            "35.00",
        ),
        ("image", "orca.research/instance-type: t3.micro, orca.research/ami: image-7", "image-7"),
        ("type", "orca.research/instance-type: t3.mikro", "t3.mikro"),
    ];
    for (name, annotations, _) in cases {
        world.apply(&pod(name).replace("orca.research/instance-type: t3.micro", annotations)).await;
    }
    for (name, _, says) in cases {
        world
            .eventually(&format!("pod {name} fails and says {says}"), || async {
                let pod = world.cluster.get(PODS, name).await?;
                let message = pod["status"]["message"].as_str()?;
                (pod["status"]["phase"] == "Failed" && message.contains(says)).then_some(())
            })
            .await;
        world.event_says(name, says).await;
    }
    assert!(world.proxy.launched().is_empty());
    assert!(world.probe.instances().await.expect("instances").is_empty());
}
