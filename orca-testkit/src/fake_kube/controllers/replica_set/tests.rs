//! The replica set controller alone.

use serde_json::json;

use super::super::harness::Harness;
use super::*;

fn harness() -> Harness {
    Harness::new(vec![Box::<ReplicaSets>::default()])
}

fn set(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": "web", "namespace": "default" },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "c", "image": "i" }] },
            },
        },
    })
}

fn active(harness: &Harness) -> Vec<Arc<Object>> {
    harness.list(&PODS).into_iter().filter(|pod| pods::is_active(pod)).collect()
}

fn scale(harness: &Harness, replicas: u32) {
    harness.update(&harness.get(&REPLICASETS, "web"), |set| set["spec"]["replicas"] = replicas.into());
}

#[tokio::test(start_paused = true)]
async fn pods_are_made_from_the_template_and_counted() {
    let mut harness = harness();
    harness.create(set(3));
    harness.run_to_rest();
    let pods = active(&harness);
    assert_eq!(pods.len(), 3);
    assert!(
        pods.iter().all(|pod| pod.name().starts_with("web-") && pod.text("/metadata/labels/app") == "web")
    );
    assert_eq!(pods[0].text("/metadata/ownerReferences/0/kind"), "ReplicaSet");
    assert_eq!(pods[0].text("/status/phase"), "Pending");
    assert_eq!(
        harness.events("web")[0],
        format!(
            "SuccessfulCreate: Created pod: {}",
            harness.events("web")[0].rsplit(' ').next().expect("a name")
        )
    );
    let status = harness.at(&REPLICASETS, "web", "/status");
    let expected = json!({ "replicas": 3, "fullyLabeledReplicas": 3, "observedGeneration": 1, "terminatingReplicas": 0 });
    assert_eq!(status, expected);
    harness.run_pods();
    harness.pass(1).await;
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/readyReplicas"), 3);
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/availableReplicas"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fails_or_goes_is_replaced() {
    let mut harness = harness();
    harness.create(set(2));
    harness.run_to_rest();
    let pods = active(&harness);
    harness.phase(&pods[0], "Failed");
    harness.remove(&pods[1]);
    harness.run_to_rest();
    let now = active(&harness);
    assert_eq!(now.len(), 2);
    assert!(now.iter().all(|pod| pods.iter().all(|old| old.name() != pod.name())));
}

#[tokio::test(start_paused = true)]
async fn fewer_replicas_take_those_that_do_least_first() {
    let mut harness = harness();
    harness.create(set(3));
    harness.run_to_rest();
    let before = active(&harness);
    for pod in &before {
        harness.update(pod, |pod| pod["spec"]["nodeName"] = "n".into());
    }
    harness.phase(&before[1], "Running");
    scale(&harness, 1);
    harness.run_to_rest();
    assert_eq!(active(&harness).iter().map(|pod| pod.name()).collect::<Vec<_>>(), [before[1].name()]);
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/replicas"), 1);
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/terminatingReplicas"), 2);
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/observedGeneration"), 2);
    assert_eq!(harness.events("web").iter().filter(|said| said.starts_with("SuccessfulDelete")).count(), 2);
    harness.remove(&before[0]);
    harness.remove(&before[2]);
    harness.pass(1).await;
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/terminatingReplicas"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_available_after_its_minimum_time() {
    let mut harness = harness();
    let mut value = set(1);
    value["spec"]["minReadySeconds"] = 10.into();
    harness.create(value);
    harness.run_to_rest();
    harness.run_pods();
    harness.pass(5).await;
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/readyReplicas"), 1);
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/availableReplicas"), Value::Null);
    harness.pass(6).await;
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/availableReplicas"), 1);
}

#[tokio::test(start_paused = true)]
async fn many_pods_come_in_bursts() {
    let mut harness = harness();
    harness.create(set(1200));
    harness.run_to_rest();
    assert_eq!(active(&harness).len(), 1200);
    assert_eq!(harness.at(&REPLICASETS, "web", "/status/replicas"), 1200);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_cannot_be_made_is_reported_and_tried_again() {
    let mut harness = harness();
    let mut value = set(1);
    value["spec"]["template"]["spec"]["serviceAccountName"] = "robot".into();
    harness.create(value);
    harness.run_to_rest();
    assert_eq!(harness.condition(&REPLICASETS, "web", "ReplicaFailure"), "True FailedCreate");
    let expected = "FailedCreate: Error creating: pods \"web-\" is forbidden: error looking up service account \
                    default/robot: serviceaccount \"robot\" not found";
    assert_eq!(harness.events("web"), [expected]);
    harness.create(json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "robot", "namespace": "default" },
    }));
    harness.pass(2).await;
    assert_eq!(active(&harness).len(), 1);
    assert_eq!(harness.condition(&REPLICASETS, "web", "ReplicaFailure"), "");
}
