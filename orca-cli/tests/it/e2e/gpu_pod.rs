//! The GPU pod of the original design: it becomes a spot instance, and goes with it.
//!
//! It is played once on each kind of servers; every test then checks one expectation about what was seen.

use std::collections::BTreeSet;

use orca_testkit::servers::probe::InstanceView;
use orca_testkit::servers::proxy::Parameters;
use serde_json::Value;

use super::cluster::{Deletion, PODS};
use super::world::{World, condition};

played_once_anywhere! {
    its_instance_is_the_spot_instance_that_it_asks_for,
    its_instance_carries_the_pods_tags_and_the_users,
    its_launch_request_is_capped_safe_and_for_one_instance,
    its_container_is_its_instance_and_ready,
    its_address_and_its_instance_id_are_the_instances,
    its_conditions_say_that_it_was_launched_and_that_no_container_runs,
    its_events_say_that_its_instance_runs_and_is_the_workload,
    its_watchers_see_a_terminal_phase_before_the_object_goes,
    its_instance_has_ended_when_the_object_is_gone,
    it_is_launched_once,
}

const MANIFEST: &str = include_str!("../../../../examples/kubernetes/gpu-training-pod.yaml");
const NAME: &str = "gpu-training";

/// What was seen of the pod and its instance.
struct Played {
    /// The image and the subnet of the config.
    image: String,
    subnet: String,
    /// The pod as it ran, and its instance at the same time.
    pod: Value,
    instance: InstanceView,
    /// What `RunInstances` was called with.
    sent: Parameters,
    /// The events about the pod.
    events: String,
    /// The watch events from its deletion on: type and phase.
    deletion: Vec<(String, String)>,
    /// Instances that were alive when the object was gone.
    alive_after: Vec<InstanceView>,
    /// For each pod that was launched for, how many instances it got.
    launched: Vec<usize>,
}

async fn play(world: World) -> Played {
    let _orca = world.orca().await;
    world.apply(&MANIFEST.replace("ami-0123456789abcdef0", &world.image)).await;
    let pod = world.running(1).await.remove(0);
    let instance = world.probe.alive().await.expect("instances").pop().expect("one instance");
    let sent = world.proxy.calls_of("RunInstances").remove(0).parameters;
    let events = world
        .eventually("describe shows the events", || async {
            let text = world.cluster.events_about(NAME).await;
            ["InstanceLaunched", "InstanceRunning", "ContainersNotRun"]
                .iter()
                .all(|reason| text.contains(reason))
                .then_some(text)
        })
        .await;
    let deletion = deletion(&world).await;
    let alive_after = world.probe.alive().await.expect("instances");
    let launched = world.proxy.launched().values().map(BTreeSet::len).collect();
    let (image, subnet) = (world.image.clone(), world.subnet.clone());
    Played { image, subnet, pod, instance, sent, events, deletion, alive_after, launched }
}

/// Deletes the pod and returns the watch events that followed: type and phase.
async fn deletion(world: &World) -> Vec<(String, String)> {
    let watch = world.cluster.watch_until_gone(PODS, NAME).await;
    world.cluster.delete(PODS, NAME, Deletion::Wait).await;
    let events = watch.await.expect("a watch");
    let phase = |object: Value| object["status"]["phase"].as_str().unwrap_or_default().to_owned();
    events.into_iter().map(|(event, object)| (event.to_owned(), phase(object))).collect()
}

fn its_instance_is_the_spot_instance_that_it_asks_for(played: &Played) {
    let instance = &played.instance;
    assert_eq!(
        (instance.instance_type.as_str(), instance.lifecycle.as_deref()),
        ("p5.48xlarge", Some("spot"))
    );
    assert_eq!((&instance.image_id, instance.subnet_id.as_ref()), (&played.image, Some(&played.subnet)));
}

fn its_instance_carries_the_pods_tags_and_the_users(played: &Played) {
    let tags = &played.instance.tags;
    for (key, value) in [
        ("ManagedBy", "ORCA"),
        ("Name", "orca-default-gpu-training"),
        ("orca.research/node", "orca-aws-node"),
        ("orca.research/pod-namespace", "default"),
        ("orca.research/pod-name", NAME),
        ("orca.research/pod-uid", played.pod["metadata"]["uid"].as_str().expect("a uid")),
        ("orca.research/attempt", "1"),
        ("orca.research/instance-type", "p5.48xlarge"),
        ("team", "research"),
    ] {
        assert_eq!(tags.get(key).map(String::as_str), Some(value), "{key}: {tags:?}");
    }
}

fn its_launch_request_is_capped_safe_and_for_one_instance(played: &Played) {
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
        assert_eq!(played.sent.get(key), Some(value), "{key}");
    }
}

fn its_container_is_its_instance_and_ready(played: &Played) {
    let container = &played.pod["status"]["containerStatuses"][0];
    let id = format!("ec2://123456789012/us-west-2/{}", played.instance.id);
    assert_eq!(container["containerID"], id);
    assert_eq!((&container["ready"], &container["started"]), (&Value::Bool(true), &Value::Bool(true)));
}

fn its_address_and_its_instance_id_are_the_instances(played: &Played) {
    let (pod, instance) = (&played.pod, &played.instance);
    assert_eq!(pod["status"]["podIP"].as_str(), instance.private_ip.as_deref());
    assert_eq!(pod["metadata"]["annotations"]["orca.research/instance-id"], instance.id);
}

fn its_conditions_say_that_it_was_launched_and_that_no_container_runs(played: &Played) {
    for kind in ["orca.research/ContainersNotRun", "orca.research/Launch"] {
        assert_eq!(condition(&played.pod, kind).as_deref(), Some("True"), "{kind}");
    }
}

fn its_events_say_that_its_instance_runs_and_is_the_workload(played: &Played) {
    for says in ["InstanceLaunched", "InstanceRunning", "ContainersNotRun", "is the workload"] {
        assert!(played.events.contains(says), "{says}: {}", played.events);
    }
}

fn its_watchers_see_a_terminal_phase_before_the_object_goes(played: &Played) {
    let (last, before) = played.deletion.split_last().expect("events");
    assert_eq!(last.0, "DELETED", "{:?}", played.deletion);
    assert!(before.iter().any(|(_, phase)| phase == "Failed"), "B45: {:?}", played.deletion);
}

fn its_instance_has_ended_when_the_object_is_gone(played: &Played) {
    assert!(
        played.alive_after.is_empty(),
        "B44: no object without, no instance with: {:?}",
        played.alive_after
    );
}

fn it_is_launched_once(played: &Played) {
    assert_eq!(played.launched, [1], "instances of each pod that was launched for");
}
