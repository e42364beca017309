//! The deployment controller, with replica sets below it.

use serde_json::{Value, json};

use super::super::harness::Harness;
use super::super::replica_set::ReplicaSets;
use super::*;

fn harness() -> Harness {
    Harness::new(vec![Box::<Deployments>::default(), Box::<ReplicaSets>::default()])
}

fn deployment(replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": "default" },
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": 600,
            "selector": { "matchLabels": { "app": "web" } },
            "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "c", "image": "v1" }] },
            },
        },
    })
}

fn change(harness: &Harness, pointer: &str, new: Value) {
    harness.update(&harness.get(&DEPLOYMENTS, "web"), |value| {
        *value.pointer_mut(pointer).expect("a field") = new;
    });
}

fn image(harness: &Harness, image: &str) {
    change(harness, "/spec/template/spec/containers/0/image", image.into());
}

/// Image and size of every set, ordered by revision.
fn sets(harness: &Harness) -> Vec<(String, i64)> {
    let mut sets = harness.list(&REPLICASETS);
    sets.sort_by_key(|set| set.text("/metadata/annotations/deployment.kubernetes.io~1revision").to_owned());
    let image = |set: &Object| set.text("/spec/template/spec/containers/0/image").to_owned();
    sets.iter().map(|set| (image(set), set.number("/spec/replicas").expect("a size"))).collect()
}

fn live(harness: &Harness) -> Vec<Arc<Object>> {
    harness.list(&PODS).into_iter().filter(|pod| pods::is_active(pod)).collect()
}

/// Lets pods become ready one look at a time, until nothing moves.
async fn roll(harness: &mut Harness, mut look: impl FnMut(&Harness)) {
    for _ in 0..40 {
        harness.pass(1).await;
        look(harness);
        harness.run_pods();
    }
}

fn at(harness: &Harness, pointer: &str) -> Value {
    harness.at(&DEPLOYMENTS, "web", pointer)
}

fn progressing(harness: &Harness) -> String {
    harness.condition(&DEPLOYMENTS, "web", "Progressing")
}

#[tokio::test(start_paused = true)]
async fn a_new_deployment_gets_a_set_and_says_how_far_it_is() {
    let mut harness = harness();
    harness.create(deployment(2));
    harness.run_to_rest();
    let set = Arc::clone(&harness.list(&REPLICASETS)[0]);
    let hash = set.text("/metadata/labels/pod-template-hash");
    assert_eq!(set.name(), format!("web-{hash}"));
    assert_eq!(set.text("/spec/selector/matchLabels/pod-template-hash"), hash);
    assert_eq!(set.text("/spec/template/metadata/labels/pod-template-hash"), hash);
    let annotations = json!({
        "deployment.kubernetes.io/desired-replicas": "2",
        "deployment.kubernetes.io/max-replicas": "3",
        "deployment.kubernetes.io/revision": "1",
    });
    assert_eq!(set.value()["metadata"]["annotations"], annotations);
    assert_eq!(at(&harness, "/metadata/annotations/deployment.kubernetes.io~1revision"), "1");
    let mut status = at(&harness, "/status");
    let conditions = status["conditions"].take();
    let expected = json!({
        "conditions": null, "observedGeneration": 1, "replicas": 2, "terminatingReplicas": 0,
        "unavailableReplicas": 2, "updatedReplicas": 2,
    });
    assert_eq!(status, expected);
    assert_eq!(conditions.as_array().map(Vec::len), Some(2));
    assert_eq!(harness.condition(&DEPLOYMENTS, "web", "Available"), "False MinimumReplicasUnavailable");
    assert_eq!(progressing(&harness), "True ReplicaSetUpdated");
    assert_eq!(
        harness.events("web"),
        [format!("ScalingReplicaSet: Scaled up replica set {} from 0 to 2", set.name())]
    );
    harness.run_pods();
    harness.pass(1).await;
    assert_eq!(progressing(&harness), "True NewReplicaSetAvailable");
    assert_eq!(harness.condition(&DEPLOYMENTS, "web", "Available"), "True MinimumReplicasAvailable");
    assert_eq!(at(&harness, "/status/availableReplicas"), 2);
    assert_eq!(at(&harness, "/status/unavailableReplicas"), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_stays_within_its_limits() {
    let mut harness = harness();
    harness.create(deployment(8));
    roll(&mut harness, |_| ()).await;
    image(&harness, "v2");
    roll(&mut harness, |harness| {
        let live = live(harness);
        let ready = live.iter().filter(|pod| pods::is_ready(pod)).count();
        assert!((6..=10).contains(&live.len()) && ready >= 6, "{} pods, {ready} ready", live.len());
    })
    .await;
    assert_eq!(sets(&harness), [("v1".to_owned(), 0), ("v2".to_owned(), 8)]);
    assert_eq!(progressing(&harness), "True NewReplicaSetAvailable");
    assert_eq!(at(&harness, "/status/observedGeneration"), 2);
    assert_eq!(at(&harness, "/metadata/annotations/deployment.kubernetes.io~1revision"), "2");
}

#[tokio::test(start_paused = true)]
async fn an_update_that_does_not_start_keeps_the_old_pods_and_is_late_in_the_end() {
    let mut harness = harness();
    harness.create(deployment(4));
    roll(&mut harness, |_| ()).await;
    image(&harness, "broken");
    harness.pass(500).await;
    assert_eq!(sets(&harness), [("v1".to_owned(), 3), ("broken".to_owned(), 2)]);
    assert_eq!(progressing(&harness), "True ReplicaSetUpdated");
    harness.pass(150).await;
    assert_eq!(progressing(&harness), "False ProgressDeadlineExceeded");
}

#[tokio::test(start_paused = true)]
async fn going_back_uses_the_old_set_again_under_a_new_revision() {
    let mut harness = harness();
    harness.create(deployment(2));
    roll(&mut harness, |_| ()).await;
    image(&harness, "v2");
    roll(&mut harness, |_| ()).await;
    image(&harness, "v1");
    roll(&mut harness, |_| ()).await;
    assert_eq!(sets(&harness), [("v2".to_owned(), 0), ("v1".to_owned(), 2)]);
    let first = harness.list(&REPLICASETS).into_iter().find(|set| set.number("/spec/replicas") == Some(2));
    let annotations = first.expect("the first set").value()["metadata"]["annotations"].clone();
    assert_eq!(annotations["deployment.kubernetes.io/revision"], "3");
    assert_eq!(annotations["deployment.kubernetes.io/revision-history"], "1");
    assert_eq!(at(&harness, "/metadata/annotations/deployment.kubernetes.io~1revision"), "3");
}

#[tokio::test(start_paused = true)]
async fn recreate_waits_for_the_last_old_pod() {
    let mut harness = harness();
    let mut value = deployment(2);
    value["spec"]["strategy"] = json!({ "type": "Recreate" });
    harness.create(value);
    roll(&mut harness, |_| ()).await;
    for pod in live(&harness) {
        harness.update(&pod, |pod| pod["spec"]["nodeName"] = "n".into());
    }
    image(&harness, "v2");
    harness.pass(5).await;
    let ending = harness.list(&PODS);
    assert!(ending.len() == 2 && ending.iter().all(|pod| pod.is_deleting()));
    for pod in &ending {
        harness.remove(pod);
    }
    roll(&mut harness, |_| ()).await;
    assert_eq!(sets(&harness), [("v1".to_owned(), 0), ("v2".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_new_size_is_shared_out_in_the_middle_of_a_rollout() {
    let mut harness = harness();
    harness.create(deployment(10));
    roll(&mut harness, |_| ()).await;
    image(&harness, "v2");
    harness.pass(1).await;
    assert_eq!(sets(&harness), [("v1".to_owned(), 8), ("v2".to_owned(), 5)]);
    change(&harness, "/spec/replicas", 20.into());
    harness.run_to_rest();
    // 25 pods at most: 13 grow by 12, each set by its share.
    let after = sets(&harness);
    assert_eq!(after.iter().map(|(_, size)| size).sum::<i64>(), 25, "{after:?}");
    assert!(after[0].1 > 10 && after[1].1 > 8, "{after:?}");
    roll(&mut harness, |_| ()).await;
    assert_eq!(sets(&harness), [("v1".to_owned(), 0), ("v2".to_owned(), 20)]);
    change(&harness, "/spec/replicas", 0.into());
    harness.pass(1).await;
    assert_eq!(sets(&harness)[1].1, 0);
    change(&harness, "/spec/replicas", 3.into());
    harness.pass(1).await;
    assert_eq!(sets(&harness)[1].1, 3);
}

#[tokio::test(start_paused = true)]
async fn a_paused_deployment_is_scaled_and_not_rolled_out() {
    let mut harness = harness();
    harness.create(deployment(2));
    roll(&mut harness, |_| ()).await;
    harness.update(&harness.get(&DEPLOYMENTS, "web"), |value| value["spec"]["paused"] = true.into());
    image(&harness, "v2");
    change(&harness, "/spec/replicas", 3.into());
    harness.pass(1).await;
    assert_eq!(sets(&harness), [("v1".to_owned(), 3)]);
    assert_eq!(progressing(&harness), "Unknown DeploymentPaused");
    change(&harness, "/spec/paused", false.into());
    roll(&mut harness, |_| ()).await;
    assert_eq!(sets(&harness), [("v1".to_owned(), 0), ("v2".to_owned(), 3)]);
    assert_eq!(progressing(&harness), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn what_a_set_cannot_do_stands_in_the_deployment_too() {
    let mut harness = harness();
    let mut value = deployment(1);
    value["spec"]["template"]["spec"]["serviceAccountName"] = "robot".into();
    harness.create(value);
    harness.run_to_rest();
    assert_eq!(harness.condition(&DEPLOYMENTS, "web", "ReplicaFailure"), "True FailedCreate");
    change(&harness, "/spec/template/spec/serviceAccountName", "default".into());
    roll(&mut harness, |_| ()).await;
    assert_eq!(harness.condition(&DEPLOYMENTS, "web", "ReplicaFailure"), "");
    assert_eq!(progressing(&harness), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn old_sets_are_kept_up_to_the_limit() {
    let mut harness = harness();
    let mut value = deployment(1);
    value["spec"]["revisionHistoryLimit"] = 2.into();
    harness.create(value);
    roll(&mut harness, |_| ()).await;
    for version in ["v2", "v3", "v4", "v5"] {
        image(&harness, version);
        roll(&mut harness, |_| ()).await;
    }
    let names: Vec<String> = sets(&harness).into_iter().map(|(image, _)| image).collect();
    assert_eq!(names, ["v3", "v4", "v5"]);
}

#[test]
fn shares_are_rounded_so_that_a_rollout_can_move() {
    use limits::Limits;
    let resolve = |surge: Value, unavailable: Value, replicas: u32| {
        let mut value = deployment(replicas);
        value["spec"]["strategy"]["rollingUpdate"] =
            json!({ "maxSurge": surge, "maxUnavailable": unavailable });
        let object = Object::new(&DEPLOYMENTS, value, 1);
        let limits = Limits::of(&object);
        (limits.surge, limits.unavailable)
    };
    assert_eq!(resolve("25%".into(), "25%".into(), 3), (1, 0));
    assert_eq!(resolve("0%".into(), "10%".into(), 3), (0, 1));
    assert_eq!(resolve(0.into(), 2.into(), 5), (0, 2));
    assert_eq!(resolve("100%".into(), "50%".into(), 5), (5, 2));
}
