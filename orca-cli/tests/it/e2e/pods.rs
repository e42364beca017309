//! Pods up and down: one by one, as a Job, as a Deployment, and across a crash of ORCA.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::cluster::{DEPLOYMENTS, Deletion, JOBS, PODS};
use super::world::{World, condition, pod};

anywhere! {
    the_original_designs_gpu_pod_becomes_a_spot_instance_and_goes_with_it,
    a_job_of_twenty_survives_a_crash_of_orca_and_goes,
    a_deployment_scales_from_nothing_to_ten_and_back,
    a_wrong_annotation_buys_nothing_and_says_why,
}

const GPU_POD: &str = include_str!("../../../../examples/kubernetes/gpu-training-pod.yaml");
const JOB: &str = include_str!("../../../../examples/kubernetes/batch-job.yaml");

async fn the_original_designs_gpu_pod_becomes_a_spot_instance_and_goes_with_it(world: World) {
    let (_orca, _) = world.orca().await;
    let manifest = GPU_POD.replace("ami-0123456789abcdef0", &world.image);
    world.apply(&manifest).await;
    let pod = world.running(1).await.remove(0);

    let uid = pod["metadata"]["uid"].as_str().expect("a uid");
    let instance = world.probe.alive().await.expect("instances").pop().expect("one instance");
    assert_eq!(
        (instance.instance_type.as_str(), instance.lifecycle.as_deref()),
        ("p5.48xlarge", Some("spot"))
    );
    assert_eq!((&instance.image_id, instance.subnet_id.as_ref()), (&world.image, Some(&world.subnet)));
    for (key, value) in [
        ("ManagedBy", "ORCA"),
        ("Name", "orca-default-gpu-training"),
        ("orca.research/node", "orca-aws-node"),
        ("orca.research/pod-namespace", "default"),
        ("orca.research/pod-name", "gpu-training"),
        ("orca.research/pod-uid", uid),
        ("orca.research/attempt", "1"),
        ("orca.research/instance-type", "p5.48xlarge"),
        ("team", "research"),
    ] {
        assert_eq!(instance.tags.get(key).map(String::as_str), Some(value), "{:?}", instance.tags);
    }
    let sent = world.proxy.calls_of("RunInstances").remove(0).parameters;
    for (key, value) in [
        ("InstanceMarketOptions.MarketType", "spot"),
        ("InstanceMarketOptions.SpotOptions.SpotInstanceType", "one-time"),
        ("InstanceMarketOptions.SpotOptions.MaxPrice", "35.00"),
        ("InstanceInitiatedShutdownBehavior", "terminate"),
        ("MetadataOptions.HttpTokens", "required"),
        ("MetadataOptions.HttpPutResponseHopLimit", "1"),
        ("MetadataOptions.InstanceMetadataTags", "disabled"),
        ("BlockDeviceMapping.1.Ebs.Encrypted", "true"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
    ] {
        assert_eq!(sent.get(key), Some(value), "{key}");
    }

    let container = &pod["status"]["containerStatuses"][0];
    assert_eq!(container["containerID"], format!("ec2://123456789012/us-west-2/{}", instance.id));
    assert_eq!((&container["ready"], &container["started"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(pod["status"]["podIP"].as_str(), instance.private_ip.as_deref());
    assert_eq!(condition(&pod, "orca.research/ContainersNotRun").as_deref(), Some("True"));
    assert_eq!(condition(&pod, "orca.research/Launch").as_deref(), Some("True"));
    assert_eq!(pod["metadata"]["annotations"]["orca.research/instance-id"], instance.id);
    let described = world
        .eventually("describe shows the events", || async {
            let text = world.cluster.events_about("gpu-training").await;
            ["InstanceLaunched", "InstanceRunning", "ContainersNotRun"]
                .iter()
                .all(|reason| text.contains(reason))
                .then_some(text)
        })
        .await;
    assert!(described.contains("is the workload"), "{described}");

    let phases = deletion_phases(&world, "gpu-training").await;
    let end = phases.len() - 1;
    assert_eq!(phases[end].0, "DELETED", "{phases:?}");
    assert!(
        phases[..end].iter().any(|(_, phase)| phase == "Failed"),
        "B45: terminal before it goes: {phases:?}"
    );
    assert!(
        world.probe.alive().await.expect("instances").is_empty(),
        "B44: no object without, no instance with"
    );
    world.assert_one_instance_each(1);
}

/// Deletes the pod and returns the watch events that followed: type and phase.
async fn deletion_phases(world: &World, name: &str) -> Vec<(String, String)> {
    let watch = tokio::spawn(world.cluster.clone().watch_until_gone(PODS, name.to_owned()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.cluster.delete(PODS, name, Deletion::Wait).await;
    let events = watch.await.expect("a watch");
    let phase = |object: Value| object["status"]["phase"].as_str().unwrap_or_default().to_owned();
    events.into_iter().map(|(event, object)| (event.to_owned(), phase(object))).collect()
}

async fn a_job_of_twenty_survives_a_crash_of_orca_and_goes(world: World) {
    let (orca, _) = world.orca().await;
    let began = Instant::now();
    world.apply(JOB).await;
    let before = world.running(20).await;
    println!("figure: a Job of 20 pods, apply to all Running and Ready {:.2?}", began.elapsed());
    let patches = world.audited("patch", "pods/status");
    println!("figure: {patches} status patches for 20 pods from bound to Ready");
    assert!(patches <= 20 * 4, "3 to Running and 1 to Ready: {patches}");
    assert!(world.audited("create", "events") <= 20 * 3, "at most 3 events a pod");
    sweeps_are_single_calls(&world).await;
    world.assert_one_instance_each(20);

    let launches = world.proxy.calls_of("RunInstances").len();
    orca.kill();
    let began = Instant::now();
    let (orca, _) = world.orca().await;
    world
        .eventually("it leads again", || async {
            orca.log().contains("Starting ORCA virtual node").then_some(())
        })
        .await;
    println!(
        "figure: restart after kill -9 to leading again, with a leader lease of 2 s {:.2?}",
        began.elapsed()
    );
    tokio::time::sleep(Duration::from_secs(4)).await;
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

    let patches = world.audited("patch", "pods/status");
    let began = Instant::now();
    world.cluster.delete(JOBS, "batch", Deletion::Foreground).await;
    world
        .eventually("no instance is alive", || async {
            world.probe.alive().await.ok()?.is_empty().then_some(())
        })
        .await;
    println!("figure: deletion of 20 pods with their instances {:.2?}", began.elapsed());
    let down = world.audited("patch", "pods/status") - patches + world.audited("delete", "pods");
    println!("figure: {down} writes of ORCA for the deletion of 20 pods");
    assert!(down <= 20 * 2, "terminal status and DELETE: {down}");
    println!(
        "figure: {} TerminateInstances calls for 20 pods",
        world.proxy.calls_of("TerminateInstances").len()
    );
    assert!(world.pods().await.is_empty());
}

/// One DescribeInstances a sweep, and one DescribeInstanceStatus only while some pod waits for Ready.
async fn sweeps_are_single_calls(world: &World) {
    let count = |action: &str| world.proxy.calls_of(action).len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (sweeps, health) = (count("DescribeInstances"), count("DescribeInstanceStatus"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let made = count("DescribeInstances") - sweeps;
    println!("figure: {made} DescribeInstances in 5 s with 20 running pods and an interval of 1 s");
    assert!((3..=6).contains(&made), "{made}");
    assert_eq!(count("DescribeInstanceStatus"), health, "nobody waits for Ready");
}

async fn a_deployment_scales_from_nothing_to_ten_and_back(world: World) {
    let (_orca, _) = world.orca().await;
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
    let (_orca, _) = world.orca().await;
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
