//! The replica set controller alone.

use serde_json::json;

use super::super::bench::Bench;
use super::*;

fn bench() -> Bench {
    Bench::new(vec![Box::<ReplicaSets>::default()])
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

fn active(bench: &Bench) -> Vec<Arc<Object>> {
    bench.list(&PODS).into_iter().filter(|pod| pods::is_active(pod)).collect()
}

fn scale(bench: &Bench, replicas: u32) {
    bench.update(&bench.get(&REPLICASETS, "web"), |set| set["spec"]["replicas"] = replicas.into());
}

#[tokio::test(start_paused = true)]
async fn pods_are_made_from_the_template_and_counted() {
    let mut bench = bench();
    bench.create(set(3));
    bench.settle();
    let pods = active(&bench);
    assert_eq!(pods.len(), 3);
    assert!(
        pods.iter().all(|pod| pod.name().starts_with("web-") && pod.text("/metadata/labels/app") == "web")
    );
    assert_eq!(pods[0].text("/metadata/ownerReferences/0/kind"), "ReplicaSet");
    assert_eq!(pods[0].text("/status/phase"), "Pending");
    assert_eq!(
        bench.events("web")[0],
        format!(
            "SuccessfulCreate: Created pod: {}",
            bench.events("web")[0].rsplit(' ').next().expect("a name")
        )
    );
    let status = bench.at(&REPLICASETS, "web", "/status");
    let expected = json!({ "replicas": 3, "fullyLabeledReplicas": 3, "observedGeneration": 1, "terminatingReplicas": 0 });
    assert_eq!(status, expected);
    bench.run_pods();
    bench.pass(1).await;
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/readyReplicas"), 3);
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/availableReplicas"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fails_or_goes_is_replaced() {
    let mut bench = bench();
    bench.create(set(2));
    bench.settle();
    let pods = active(&bench);
    bench.phase(&pods[0], "Failed");
    bench.remove(&pods[1]);
    bench.settle();
    let now = active(&bench);
    assert_eq!(now.len(), 2);
    assert!(now.iter().all(|pod| pods.iter().all(|old| old.name() != pod.name())));
}

#[tokio::test(start_paused = true)]
async fn fewer_replicas_take_those_that_do_least_first() {
    let mut bench = bench();
    bench.create(set(3));
    bench.settle();
    let before = active(&bench);
    for pod in &before {
        bench.update(pod, |pod| pod["spec"]["nodeName"] = "n".into());
    }
    bench.phase(&before[1], "Running");
    scale(&bench, 1);
    bench.settle();
    assert_eq!(active(&bench).iter().map(|pod| pod.name()).collect::<Vec<_>>(), [before[1].name()]);
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/replicas"), 1);
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/terminatingReplicas"), 2);
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/observedGeneration"), 2);
    assert_eq!(bench.events("web").iter().filter(|said| said.starts_with("SuccessfulDelete")).count(), 2);
    bench.remove(&before[0]);
    bench.remove(&before[2]);
    bench.pass(1).await;
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/terminatingReplicas"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_available_after_its_minimum_time() {
    let mut bench = bench();
    let mut value = set(1);
    value["spec"]["minReadySeconds"] = 10.into();
    bench.create(value);
    bench.settle();
    bench.run_pods();
    bench.pass(5).await;
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/readyReplicas"), 1);
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/availableReplicas"), Value::Null);
    bench.pass(6).await;
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/availableReplicas"), 1);
}

#[tokio::test(start_paused = true)]
async fn many_pods_come_in_bursts() {
    let mut bench = bench();
    bench.create(set(1200));
    bench.settle();
    assert_eq!(active(&bench).len(), 1200);
    assert_eq!(bench.at(&REPLICASETS, "web", "/status/replicas"), 1200);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_may_not_be_is_told_and_tried_again() {
    let mut bench = bench();
    let mut value = set(1);
    value["spec"]["template"]["spec"]["serviceAccountName"] = "robot".into();
    bench.create(value);
    bench.settle();
    assert_eq!(bench.condition(&REPLICASETS, "web", "ReplicaFailure"), "True FailedCreate");
    let expected = "FailedCreate: Error creating: pods \"web-\" is forbidden: error looking up service account \
                    default/robot: serviceaccount \"robot\" not found";
    assert_eq!(bench.events("web"), [expected]);
    bench.create(json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "robot", "namespace": "default" },
    }));
    bench.pass(2).await;
    assert_eq!(active(&bench).len(), 1);
    assert_eq!(bench.condition(&REPLICASETS, "web", "ReplicaFailure"), "");
}
