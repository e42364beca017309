//! What is changed on a pod that runs, and is not carried out: said once for each change, and gone when it is taken back.

use kube::api::Patch;
use serde_json::{Value, json};

use super::cluster::PODS;
use super::world::{World, condition, pod};

anywhere! {
    a_change_that_is_not_carried_out_is_reported_once,
}
servers_only! {
    debug_containers_and_resizes_are_answered,
}

/// The events `ChangeNotApplied` about this pod.
async fn told(world: &World, name: &str) -> usize {
    world.cluster.events_about(name).await.matches("ChangeNotApplied").count()
}

async fn kept(world: &World, name: &str, says: &str) -> Value {
    world
        .eventually(&format!("{name} says that this is not carried out: {says}"), || async {
            let pod = world.cluster.get(PODS, name).await?;
            let conditions = pod["status"]["conditions"].as_array()?;
            let kept = conditions.iter().find(|one| one["type"] == "orca.research/ChangeNotApplied")?;
            kept["message"].as_str()?.contains(says).then(|| pod.clone())
        })
        .await
}

async fn a_change_that_is_not_carried_out_is_reported_once(world: World) {
    let orca = world.orca().await;
    world.apply(&pod("kept")).await;
    world.running(1).await;
    let annotate = async |value: Value| {
        let annotations = json!({ "orca.research/instance-type": value });
        world.cluster.merge(PODS, "kept", json!({ "metadata": { "annotations": annotations } })).await;
    };
    annotate("m5.large".into()).await;
    kept(&world, "kept", "orca.research/instance-type was changed from t3.micro to m5.large").await;
    world.event_says("kept", "was changed from t3.micro to m5.large").await;
    let image = json!({ "spec": { "containers": [{ "name": "main", "image": "example.com/other" }] } });
    world.cluster.patch(PODS, "kept", &Patch::Strategic(image)).await;
    kept(&world, "kept", "the image of container main was changed to example.com/other").await;
    world.event_says("kept", "the image of container main was changed").await;
    assert_eq!(told(&world, "kept").await, 2, "once for each change");

    // Another process knows what was told, and what goes back is no change.
    orca.kill();
    let _orca = world.orca().await;
    world.cluster.merge(PODS, "kept", json!({ "metadata": { "labels": { "look": "again" } } })).await;
    annotate("t3.micro".into()).await;
    let pod = world.cluster.get(PODS, "kept").await.expect("the pod");
    let launched = &pod["status"]["containerStatuses"][0]["image"];
    let back = json!({ "spec": { "containers": [{ "name": "main", "image": launched }] } });
    world.cluster.patch(PODS, "kept", &Patch::Strategic(back)).await;
    world
        .eventually("nothing is left to say", || async {
            let pod = world.cluster.get(PODS, "kept").await?;
            condition(&pod, "orca.research/ChangeNotApplied").is_none().then_some(())
        })
        .await;
    assert_eq!(told(&world, "kept").await, 2, "a restart tells nothing again");
    world.assert_one_instance_each(1);
}

async fn debug_containers_and_resizes_are_answered(world: World) {
    let _orca = world.orca().await;
    let small = "main, resources: {requests: {cpu: 500m}}, image";
    world.apply(&pod("part").replace("main, image", small)).await;
    world.apply(&pod("whole").replace("spec:\n", "spec:\n  resources: {requests: {cpu: 500m}}\n")).await;
    world.running(2).await;
    let kubectl = world.plane().kubectl();
    kubectl.run(&["debug", "part", "--image=busybox", "--container=debugger"]).await.expect("accepted");
    let pod = kept(&world, "part", "ephemeral container debugger is not run").await;
    let status = &pod["status"]["ephemeralContainerStatuses"][0];
    assert_eq!(status["state"]["waiting"]["reason"], "ContainersNotRun", "{status}");
    world.event_says("part", "ephemeral container debugger is not run").await;

    let resize = async |name: &str, spec: Value| {
        let patch = json!({ "spec": spec }).to_string();
        kubectl.run(&["patch", "pod", name, "--subresource=resize", "--patch", &patch]).await
    };
    let more = json!({ "requests": { "cpu": "2" } });
    resize("part", json!({ "containers": [{ "name": "main", "resources": more }] })).await.expect("accepted");
    let pod = kept(&world, "part", "so the resize is not carried out").await;
    assert_eq!(condition(&pod, "PodResizePending").as_deref(), Some("True"));
    assert_eq!(told(&world, "part").await, 2);
    // One of the pod as a whole the server refuses by itself, since 1.37: the node does not say that it could.
    let refused = resize("whole", json!({ "resources": more })).await.expect_err("refused").to_string();
    assert!(refused.contains("InPlacePodLevelResourcesVerticalScaling"), "{refused}");
    assert_eq!(world.proxy.launched().len(), 2);
}
