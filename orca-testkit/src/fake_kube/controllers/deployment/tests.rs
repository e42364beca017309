//! The deployment controller, with replica sets below it.

use serde_json::{Value, json};

use super::super::bench::Bench;
use super::super::replica_set::ReplicaSets;
use super::*;

fn bench() -> Bench {
    Bench::new(vec![Box::<Deployments>::default(), Box::<ReplicaSets>::default()])
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

fn change(bench: &Bench, pointer: &str, new: Value) {
    bench.update(&bench.get(&DEPLOYMENTS, "web"), |value| {
        *value.pointer_mut(pointer).expect("a field") = new;
    });
}

fn image(bench: &Bench, image: &str) {
    change(bench, "/spec/template/spec/containers/0/image", image.into());
}

/// Image and size of every set, ordered by revision.
fn sets(bench: &Bench) -> Vec<(String, i64)> {
    let mut sets = bench.list(&REPLICASETS);
    sets.sort_by_key(|set| set.text("/metadata/annotations/deployment.kubernetes.io~1revision").to_owned());
    let image = |set: &Object| set.text("/spec/template/spec/containers/0/image").to_owned();
    sets.iter().map(|set| (image(set), set.number("/spec/replicas").expect("a size"))).collect()
}

fn live(bench: &Bench) -> Vec<Arc<Object>> {
    bench.list(&PODS).into_iter().filter(|pod| pods::is_active(pod)).collect()
}

/// Lets pods become ready one look at a time, until nothing moves any more.
async fn roll(bench: &mut Bench, mut look: impl FnMut(&Bench)) {
    for _ in 0..40 {
        bench.pass(1).await;
        look(bench);
        bench.run_pods();
    }
}

fn at(bench: &Bench, pointer: &str) -> Value {
    bench.at(&DEPLOYMENTS, "web", pointer)
}

fn progressing(bench: &Bench) -> String {
    bench.condition(&DEPLOYMENTS, "web", "Progressing")
}

#[tokio::test(start_paused = true)]
async fn a_new_deployment_gets_a_set_and_says_how_far_it_is() {
    let mut bench = bench();
    bench.create(deployment(2));
    bench.settle();
    let set = Arc::clone(&bench.list(&REPLICASETS)[0]);
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
    assert_eq!(at(&bench, "/metadata/annotations/deployment.kubernetes.io~1revision"), "1");
    let mut status = at(&bench, "/status");
    let conditions = status["conditions"].take();
    let expected = json!({
        "conditions": null, "observedGeneration": 1, "replicas": 2, "terminatingReplicas": 0,
        "unavailableReplicas": 2, "updatedReplicas": 2,
    });
    assert_eq!(status, expected);
    assert_eq!(conditions.as_array().map(Vec::len), Some(2));
    assert_eq!(bench.condition(&DEPLOYMENTS, "web", "Available"), "False MinimumReplicasUnavailable");
    assert_eq!(progressing(&bench), "True ReplicaSetUpdated");
    assert_eq!(
        bench.events("web"),
        [format!("ScalingReplicaSet: Scaled up replica set {} from 0 to 2", set.name())]
    );
    bench.run_pods();
    bench.pass(1).await;
    assert_eq!(progressing(&bench), "True NewReplicaSetAvailable");
    assert_eq!(bench.condition(&DEPLOYMENTS, "web", "Available"), "True MinimumReplicasAvailable");
    assert_eq!(at(&bench, "/status/availableReplicas"), 2);
    assert_eq!(at(&bench, "/status/unavailableReplicas"), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_stays_within_its_limits() {
    let mut bench = bench();
    bench.create(deployment(8));
    roll(&mut bench, |_| ()).await;
    image(&bench, "v2");
    roll(&mut bench, |bench| {
        let live = live(bench);
        let ready = live.iter().filter(|pod| pods::is_ready(pod)).count();
        assert!((6..=10).contains(&live.len()) && ready >= 6, "{} pods, {ready} ready", live.len());
    })
    .await;
    assert_eq!(sets(&bench), [("v1".to_owned(), 0), ("v2".to_owned(), 8)]);
    assert_eq!(progressing(&bench), "True NewReplicaSetAvailable");
    assert_eq!(at(&bench, "/status/observedGeneration"), 2);
    assert_eq!(at(&bench, "/metadata/annotations/deployment.kubernetes.io~1revision"), "2");
}

#[tokio::test(start_paused = true)]
async fn an_update_that_does_not_start_keeps_the_old_pods_and_is_late_in_the_end() {
    let mut bench = bench();
    bench.create(deployment(4));
    roll(&mut bench, |_| ()).await;
    image(&bench, "broken");
    bench.pass(500).await;
    assert_eq!(sets(&bench), [("v1".to_owned(), 3), ("broken".to_owned(), 2)]);
    assert_eq!(progressing(&bench), "True ReplicaSetUpdated");
    bench.pass(150).await;
    assert_eq!(progressing(&bench), "False ProgressDeadlineExceeded");
}

#[tokio::test(start_paused = true)]
async fn going_back_uses_the_old_set_again_under_a_new_revision() {
    let mut bench = bench();
    bench.create(deployment(2));
    roll(&mut bench, |_| ()).await;
    image(&bench, "v2");
    roll(&mut bench, |_| ()).await;
    image(&bench, "v1");
    roll(&mut bench, |_| ()).await;
    assert_eq!(sets(&bench), [("v2".to_owned(), 0), ("v1".to_owned(), 2)]);
    let first = bench.list(&REPLICASETS).into_iter().find(|set| set.number("/spec/replicas") == Some(2));
    let annotations = first.expect("the first set").value()["metadata"]["annotations"].clone();
    assert_eq!(annotations["deployment.kubernetes.io/revision"], "3");
    assert_eq!(annotations["deployment.kubernetes.io/revision-history"], "1");
    assert_eq!(at(&bench, "/metadata/annotations/deployment.kubernetes.io~1revision"), "3");
}

#[tokio::test(start_paused = true)]
async fn recreate_waits_for_the_last_old_pod() {
    let mut bench = bench();
    let mut value = deployment(2);
    value["spec"]["strategy"] = json!({ "type": "Recreate" });
    bench.create(value);
    roll(&mut bench, |_| ()).await;
    for pod in live(&bench) {
        bench.update(&pod, |pod| pod["spec"]["nodeName"] = "n".into());
    }
    image(&bench, "v2");
    bench.pass(5).await;
    let ending = bench.list(&PODS);
    assert!(ending.len() == 2 && ending.iter().all(|pod| pod.is_deleting()));
    for pod in &ending {
        bench.remove(pod);
    }
    roll(&mut bench, |_| ()).await;
    assert_eq!(sets(&bench), [("v1".to_owned(), 0), ("v2".to_owned(), 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_new_size_is_shared_out_in_the_middle_of_a_rollout() {
    let mut bench = bench();
    bench.create(deployment(10));
    roll(&mut bench, |_| ()).await;
    image(&bench, "v2");
    bench.pass(1).await;
    assert_eq!(sets(&bench), [("v1".to_owned(), 8), ("v2".to_owned(), 5)]);
    change(&bench, "/spec/replicas", 20.into());
    bench.settle();
    // 25 pods at most: 13 grow by 12, each set by its share.
    let after = sets(&bench);
    assert_eq!(after.iter().map(|(_, size)| size).sum::<i64>(), 25, "{after:?}");
    assert!(after[0].1 > 10 && after[1].1 > 8, "{after:?}");
    roll(&mut bench, |_| ()).await;
    assert_eq!(sets(&bench), [("v1".to_owned(), 0), ("v2".to_owned(), 20)]);
    change(&bench, "/spec/replicas", 0.into());
    bench.pass(1).await;
    assert_eq!(sets(&bench)[1].1, 0);
    change(&bench, "/spec/replicas", 3.into());
    bench.pass(1).await;
    assert_eq!(sets(&bench)[1].1, 3);
}

#[tokio::test(start_paused = true)]
async fn a_paused_deployment_is_scaled_and_not_rolled_out() {
    let mut bench = bench();
    bench.create(deployment(2));
    roll(&mut bench, |_| ()).await;
    bench.update(&bench.get(&DEPLOYMENTS, "web"), |value| value["spec"]["paused"] = true.into());
    image(&bench, "v2");
    change(&bench, "/spec/replicas", 3.into());
    bench.pass(1).await;
    assert_eq!(sets(&bench), [("v1".to_owned(), 3)]);
    assert_eq!(progressing(&bench), "Unknown DeploymentPaused");
    change(&bench, "/spec/paused", false.into());
    roll(&mut bench, |_| ()).await;
    assert_eq!(sets(&bench), [("v1".to_owned(), 0), ("v2".to_owned(), 3)]);
    assert_eq!(progressing(&bench), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn what_a_set_cannot_do_stands_in_the_deployment_too() {
    let mut bench = bench();
    let mut value = deployment(1);
    value["spec"]["template"]["spec"]["serviceAccountName"] = "robot".into();
    bench.create(value);
    bench.settle();
    assert_eq!(bench.condition(&DEPLOYMENTS, "web", "ReplicaFailure"), "True FailedCreate");
    change(&bench, "/spec/template/spec/serviceAccountName", "default".into());
    roll(&mut bench, |_| ()).await;
    assert_eq!(bench.condition(&DEPLOYMENTS, "web", "ReplicaFailure"), "");
    assert_eq!(progressing(&bench), "True NewReplicaSetAvailable");
}

#[tokio::test(start_paused = true)]
async fn old_sets_are_kept_up_to_the_limit() {
    let mut bench = bench();
    let mut value = deployment(1);
    value["spec"]["revisionHistoryLimit"] = 2.into();
    bench.create(value);
    roll(&mut bench, |_| ()).await;
    for version in ["v2", "v3", "v4", "v5"] {
        image(&bench, version);
        roll(&mut bench, |_| ()).await;
    }
    let names: Vec<String> = sets(&bench).into_iter().map(|(image, _)| image).collect();
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
