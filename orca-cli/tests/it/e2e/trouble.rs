//! The cloud in trouble: nobody is killed or failed for it, and every wait says its cause.

use orca_core::well_known::pod_condition;
use orca_testkit::servers::proxy::{Effect, Fault};
use serde_json::Value;

use super::cluster::{Deletion, NODES, PODS};
use super::world::{NODE, World, bound, condition, pod};

anywhere! {
    each_of_the_original_designs_errors_is_on_the_pod_with_what_to_do,
    a_timeout_and_then_a_capacity_error_is_still_one_instance,
    throttled_and_failing_sweeps_end_no_instance_and_fail_no_pod,
    a_cloud_that_is_frozen_for_a_minute_ends_no_instance_and_fails_no_pod,
    without_credentials_pods_wait_and_say_so_and_none_fails,
    a_wrong_region_keeps_pods_pending_and_says_what_to_set,
}

async fn each_of_the_original_designs_errors_is_on_the_pod_with_what_to_do(world: World) {
    let _orca = world.orca().await;
    let cases = [
        ("capacity", "InsufficientInstanceCapacity", 500, "t3.small", "Pending"),
        ("quota", "InstanceLimitExceeded", 400, "t3.medium", "Pending"),
        ("denied", "UnauthorizedOperation", 403, "t3.large", "Pending"),
        ("invalid", "InvalidParameterValue", 400, "t3.nano", "Failed"),
    ];
    for (name, code, status, instance_type, _) in cases {
        let message = "Value (t3.nano) for parameter instanceType is invalid";
        let refuse = Effect::Refuse { code: code.into(), message: message.into(), status };
        world.proxy.fault(Fault::on("RunInstances", refuse).when("InstanceType", instance_type).always());
        world.apply(&pod(name).replace("t3.micro", instance_type)).await;
    }
    for (name, code, _, _, phase) in cases {
        let pod = world.says(name, code).await;
        assert_eq!(pod["status"]["phase"], phase, "{name}: {}", pod["status"]);
        let message = pod["status"]["message"].as_str().expect("a message");
        assert!(
            message.len() > 60 && !message.contains(code),
            "it says what to do, and the code once: {message}"
        );
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
        assert_eq!(waiting, code, "L10");
        world.event_says(name, code).await;
    }
    assert!(world.proxy.launched().is_empty());
    // Another pod of the scarce type asks nobody: the answer is remembered.
    let calls = world.proxy.calls_of("RunInstances").len();
    world.apply(&pod("also").replace("t3.micro", "t3.small")).await;
    world.says("also", "InsufficientInstanceCapacity").await;
    assert_eq!(world.proxy.calls_of("RunInstances").len(), calls);
}

async fn a_timeout_and_then_a_capacity_error_is_still_one_instance(world: World) {
    let _orca = world.orca().await;
    world.proxy.fault(Fault::on("RunInstances", Effect::DropAfter));
    world.proxy.fault(
        Fault::on("RunInstances", Effect::refuse("InsufficientInstanceCapacity", 500)).skip(1).always(),
    );
    world.apply(&pod("both")).await;
    world.running(1).await;
    world.assert_one_instance_each(1);
    assert_eq!(world.probe.instances().await.expect("instances").len(), 1);
}

/// A pod that runs, the cloud in trouble, a pod that waits, and the cloud well again.
async fn nobody_suffers(world: &World, begin: impl Fn(), seconds: u64, end: impl Fn()) {
    world.apply(&pod("runs")).await;
    let before = world.running(1).await.remove(0);
    begin();
    world
        .eventually("the node says that the cloud cannot be reached, and keeps new pods away", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            let taints = node["spec"]["taints"].as_array()?;
            let kept = taints.iter().any(|taint| taint["key"] == "orca.research/cloud-unreachable");
            (kept && condition(&node, "CloudReachable").as_deref() == Some("False")).then_some(())
        })
        .await;
    world.apply(&bound("waits")).await;
    world
        .stays(world.long(seconds), "A48, S13: nothing is concluded from silence", || async {
            let node = world.cluster.get(NODES, NODE).await.expect("the node");
            let now = world.cluster.get(PODS, "runs").await.expect("the pod");
            condition(&node, "Ready").as_deref() == Some("True") && shown(&now) == shown(&before)
        })
        .await;
    end();
    world.running(2).await;
    world
        .eventually("the taint is gone", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            let taints: Vec<&Value> = node["spec"]["taints"].as_array()?.iter().collect();
            (taints.len() == 1 && condition(&node, "CloudReachable").as_deref() == Some("True")).then_some(())
        })
        .await;
    world.assert_one_instance_each(2);
}

/// The status without the condition that tells of silence after a minute.
fn shown(pod: &Value) -> Value {
    let mut status = pod["status"].clone();
    if let Some(conditions) = status["conditions"].as_array_mut() {
        conditions.retain(|condition| condition["type"] != pod_condition::INSTANCE_CONFIRMED);
    }
    status
}

async fn throttled_and_failing_sweeps_end_no_instance_and_fail_no_pod(world: World) {
    let _orca = world.orca().await;
    let begin = || {
        world
            .proxy
            .fault(Fault::on("DescribeInstances", Effect::refuse("RequestLimitExceeded", 503)).times(5));
        world.proxy.fault(Fault::on("DescribeInstances", Effect::HttpError(500)).always());
        world.proxy.fault(Fault::on("RunInstances", Effect::refuse("RequestLimitExceeded", 503)).times(2));
    };
    nobody_suffers(&world, begin, 30, || world.proxy.clear_faults()).await;
}

async fn a_cloud_that_is_frozen_for_a_minute_ends_no_instance_and_fails_no_pod(world: World) {
    let _orca = world.orca().await;
    nobody_suffers(&world, || world.freeze_cloud(), 20, || world.thaw_cloud()).await;
}

async fn without_credentials_pods_wait_and_say_so_and_none_fails(world: World) {
    let orca = world.start_with(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]);
    world
        .eventually("the node is registered and not Ready", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            (condition(&node, "Ready").as_deref() == Some("False")).then_some(())
        })
        .await;
    world.apply(&bound("waits")).await;
    let pod = world.says("waits", "redentials").await;
    assert_eq!(pod["status"]["phase"], "Pending");
    assert!(world.proxy.launched().is_empty());
    orca.kill();
    let _orca = world.orca().await;
    world.running(1).await;
}

async fn a_wrong_region_keeps_pods_pending_and_says_what_to_set(world: World) {
    let orca = world.start_with(&[("ORCA__AWS__REGION", "eu-west-1")]);
    world.apply(&pod("abroad")).await;
    let object = world.says("abroad", "InvalidAMIID.NotFound").await;
    assert_eq!(object["status"]["phase"], "Pending", "a wrong config fails no pod");
    assert!(object["status"]["message"].as_str().is_some_and(|text| text.contains("aws.amiID")), "{object}");
    orca.kill();
    // The attempt was refused for certain in the other region, so the right one may try again.
    let _orca = world.orca().await;
    world.cluster.delete(PODS, "abroad", Deletion::Wait).await;
    world.apply(&pod("home")).await;
    world.running(1).await;
    world.assert_one_instance_each(1);
}
