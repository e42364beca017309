//! Admission before money: a pod that passed by the scheduler launches nothing when it does not belong here.

use std::time::Duration;

use kube::api::Patch;
use serde_json::json;

use super::cluster::{NODES, PODS};
use super::world::{NODE, World, bound, pod};

anywhere! {
    a_pod_that_passed_by_the_scheduler_launches_nothing_and_says_why,
    a_replica_set_with_a_wrong_annotation_makes_no_storm_of_pods,
    more_wrong_input_buys_nothing_and_says_why,
    extended_resources_are_counted_by_the_live_node,
}

async fn a_pod_that_passed_by_the_scheduler_launches_nothing_and_says_why(world: World) {
    let _orca = world.orca().await;
    let tolerations =
        "  tolerations: [{key: orca.research/burst-node, operator: Exists, effect: NoSchedule}]\n";
    let cases = [
        ("untolerating", bound("untolerating").replace(tolerations, ""), "TaintToleration"),
        ("elsewhere", bound("elsewhere").replace("provider: aws", "provider: gcp"), "NodeAffinity"),
        (
            "windows",
            bound("windows").replace("spec:\n", "spec:\n  os: {name: windows}\n"),
            "PodOSNotSupported",
        ),
        (
            "huge",
            bound("huge").replace("main, image", "main, resources: {requests: {cpu: 99999}}, image"),
            "OutOfcpu",
        ),
        (
            "wide",
            bound("wide").replace("spec:\n", "spec:\n  resources: {requests: {cpu: 99999}}\n"),
            "OutOfcpu",
        ),
    ];
    for (_, manifest, _) in &cases {
        world.apply(manifest).await;
    }
    for (name, _, reason) in &cases {
        world
            .eventually(&format!("pod {name} is rejected with {reason}"), || async {
                let pod = world.cluster.get(PODS, name).await?;
                (pod["status"]["phase"] == "Failed" && pod["status"]["reason"] == *reason).then_some(())
            })
            .await;
        world.says(name, "Pod was rejected").await;
        world.event_says(name, reason).await;
    }
    assert!(world.proxy.launched().is_empty(), "B27");
}

async fn a_replica_set_with_a_wrong_annotation_makes_no_storm_of_pods(world: World) {
    let _orca = world.orca().await;
    world
        .apply(
            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: wrong}\nspec:\n  replicas: 3\n  \
             selector: {matchLabels: {app: wrong}}\n  template:\n    metadata:\n      labels: {app: wrong}\n      \
             annotations: {orca.research/instance-type: t3.micro, orca.research/launch-type: sport}\n    spec:\n      \
             nodeSelector: {orca.research/provider: aws}\n      \
             tolerations: [{key: orca.research/burst-node, operator: Exists}]\n      \
             containers: [{name: web, image: example.com/web}]\n",
        )
        .await;
    let pods = world
        .eventually("all three say what is wrong", || async {
            let pods = world.pods().await;
            let say = |pod: &&serde_json::Value| {
                pod["status"]["message"].as_str().is_some_and(|text| text.contains("did you mean spot?"))
            };
            (pods.iter().filter(say).count() == 3).then_some(pods)
        })
        .await;
    let uids = |pods: &[serde_json::Value]| {
        let mut uids: Vec<String> = pods.iter().map(|pod| pod["metadata"]["uid"].to_string()).collect();
        uids.sort();
        uids
    };
    let before = uids(&pods);
    world
        .stays(Duration::from_secs(5), "the same three pods, Pending", || async {
            uids(&world.pods().await) == before
        })
        .await;
    assert!(world.proxy.launched().is_empty());

    // The author mends the annotation on one of them: it is read anew.
    let name = pods[0]["metadata"]["name"].as_str().expect("a name");
    world
        .cluster
        .merge(PODS, name, json!({ "metadata": { "annotations": { "orca.research/launch-type": "spot" } } }))
        .await;
    world.running(1).await;
    world.assert_one_instance_each(1);
}

async fn more_wrong_input_buys_nothing_and_says_why(world: World) {
    let _orca = world.orca().await;
    let long = "x".repeat(300);
    let cases = [
        (
            "negative",
            "orca.research/launch-type: spot, orca.research/max-spot-price: \"-1\"".to_owned(),
            "35.00",
        ),
        (
            "capped",
            "orca.research/launch-type: on-demand, orca.research/max-spot-price: \"1.00\"".into(),
            "no effect",
        ),
        ("protected", "orca.research/termination-protection: \"true\"".into(), "could not be terminated"),
        ("script", "orca.research/ami: \"ami-1; rm -rf /\"".into(), "machine image id"),
        ("long", format!("orca.research/workload-template: {long}"), "instances.templates"),
        ("unknown-image", "orca.research/ami: ami-00000000000000000".into(), "InvalidAMIID.NotFound"),
    ];
    for (name, annotations, _) in &cases {
        let both = format!("orca.research/instance-type: t3.micro, {annotations}");
        world.apply(&pod(name).replace("orca.research/instance-type: t3.micro", &both)).await;
    }
    for (name, _, says) in &cases {
        let pod = world.says(name, says).await;
        assert_eq!(pod["status"]["phase"], "Failed", "{name}: {}", pod["status"]);
    }
    assert!(world.probe.instances().await.expect("instances").is_empty());
}

async fn extended_resources_are_counted_by_the_live_node(world: World) {
    let _orca = world.orca().await;
    let asking = |manifest: String, resource: &str| {
        let resources = format!("main, resources: {{limits: {{{resource}: 1}}}}, image");
        manifest.replace("main, image", &resources)
    };
    // An administrator gives the node two of something, as one does for any node.
    let given = json!({ "status": { "capacity": { "example.com/dongle": "2" } } });
    world.cluster.patch_status(NODES, NODE, &Patch::Strategic(given)).await;
    world
        .eventually("A6: what the node has can be had by pods", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            (node["status"]["allocatable"]["example.com/dongle"] == "2").then_some(())
        })
        .await;
    // Two go by the scheduler, one passes it by, and one asks for what no node has.
    world.apply(&asking(pod("first"), "example.com/dongle")).await;
    world.apply(&asking(pod("second"), "example.com/dongle")).await;
    world.running(2).await;
    for (name, resource) in [("third", "example.com/dongle"), ("accelerated", "amd.com/gpu")] {
        world.apply(&asking(bound(name), resource)).await;
        let pod = world.says(name, &format!("Node didn't have enough resource: {resource}")).await;
        assert_eq!(pod["status"]["reason"], format!("OutOf{resource}"), "B27: {}", pod["status"]);
    }
    world.says("accelerated", "set node.extendedResources in ORCA's config").await;
    world.apply(&asking(bound("licensed"), "example.com/licence")).await;
    world
        .eventually("B27: what the node does not have at all is passed over", || async {
            let pod = world.cluster.get(PODS, "licensed").await?;
            (pod["status"]["phase"] == "Running").then_some(())
        })
        .await;
    assert_eq!(world.proxy.launched().len(), 3);
}
