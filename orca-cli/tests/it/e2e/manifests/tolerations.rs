//! The policy that lets pods of the virtual node outlive an outage of ORCA.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::super::world::{NODE, World, condition};
use super::{TOLERATIONS, Worker, dry_run, pod};

/// How long a pod stays on a node that is not ready or unreachable, by taint; None is for ever.
fn limits(pod: &Value) -> BTreeMap<String, Option<i64>> {
    let tolerations = pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    let evicting = tolerations.into_iter().filter(|toleration| toleration["effect"] == "NoExecute");
    evicting
        .filter_map(|toleration| {
            let key = toleration["key"].as_str()?.rsplit('/').next()?.to_owned();
            Some((key, toleration["tolerationSeconds"].as_i64()))
        })
        .collect()
}

fn both(seconds: Option<i64>) -> BTreeMap<String, Option<i64>> {
    ["not-ready", "unreachable"].into_iter().map(|key| (key.to_owned(), seconds)).collect()
}

/// The pod with limits that its author chose.
fn with_own_limit(name: &str, seconds: i64) -> String {
    let own = |key| {
        format!(
            "{{key: node.kubernetes.io/{key}, operator: Exists, effect: NoExecute, tolerationSeconds: {seconds}}}"
        )
    };
    pod(name)
        .replace("tolerations: [", &format!("tolerations: [{}, {}, ", own("not-ready"), own("unreachable")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn pods_that_may_come_to_orca_lose_the_limit_of_300_seconds_and_no_others_do() {
    let world = World::real().await;
    let kubectl = world.plane().kubectl();
    let tolerant = pod("tolerant");
    let before = dry_run(kubectl, &tolerant).await.expect("a pod");
    assert_eq!(limits(&before), both(Some(300)), "the API server's default");
    world.apply(TOLERATIONS).await;
    world
        .eventually("the policy is in force", || async {
            (limits(&dry_run(kubectl, &tolerant).await.ok()?) == both(None)).then_some(())
        })
        .await;
    let ordinary = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  \
                    containers: [{name: main, image: example.com/main}]\n";
    let with = |field: &str| ordinary.replace("spec:\n", &format!("spec:\n  {field}\n"));
    let bound = with(&format!("nodeName: {NODE}"));
    let elsewhere = with("nodeName: elsewhere");
    let other_taint =
        with("tolerations: [{key: gpu, operator: Exists}, {operator: Exists, effect: NoSchedule}]");
    let chosen = with_own_limit("chosen", 60);
    for (what, manifest, expected) in [
        ("bound to ORCA", bound.as_str(), both(None)),
        ("ordinary", ordinary, both(Some(300))),
        ("bound to another node", &elsewhere, both(Some(300))),
        ("tolerates another taint", &other_taint, both(Some(300))),
        ("has a limit of its own", &chosen, both(Some(60))),
    ] {
        let pod = dry_run(kubectl, manifest).await.expect("a pod");
        assert_eq!(limits(&pod), expected, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn an_outage_of_orca_evicts_only_the_pod_that_set_a_limit_itself() {
    let world = World::real().await;
    world.apply(TOLERATIONS).await;
    // When no node at all is ready, nothing is evicted, and this test would show nothing.
    let _worker = Worker::start(&world).await;
    let orca = world.orca().await;
    world
        .eventually("the policy is in force", || async {
            let pod = dry_run(world.plane().kubectl(), &pod("probe")).await.ok()?;
            (limits(&pod) == both(None)).then_some(())
        })
        .await;
    world.apply(&pod("patient")).await;
    world.apply(&with_own_limit("limited", 1)).await;
    world.running(2).await;
    orca.kill();
    world
        .eventually("the pod with a limit is evicted", || async {
            let pod = world.object(&["get", "pod", "limited"]).await?;
            pod["metadata"]["deletionTimestamp"].is_string().then_some(())
        })
        .await;
    // The default limit is 300 s. To outlast it: `ORCA_OUTAGE_SECONDS=420 cargo test … an_outage_of_orca`.
    let longer =
        option_env!("ORCA_OUTAGE_SECONDS").and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
    world
        .stays(Duration::from_secs(longer), "the pod without a limit is kept", || async {
            let patient = world.object(&["get", "pod", "patient"]).await.expect("the pod");
            patient["metadata"]["deletionTimestamp"].is_null()
        })
        .await;
    let patient = world.object(&["get", "pod", "patient"]).await.expect("the pod");
    assert!(patient["metadata"]["deletionTimestamp"].is_null(), "{patient}");
    assert_eq!(condition(&patient, "Ready").as_deref(), Some("False"), "written by the control plane");
    let _orca = world.start_only();
    world
        .eventually("B36, B48: the other pod is Ready again, and the deletion is carried out", || async {
            let pods = world.pods().await;
            let is_ready = |pod: &Value| condition(pod, "Ready").as_deref() == Some("True");
            (pods.len() == 1 && pods[0]["metadata"]["name"] == "patient" && is_ready(&pods[0])).then_some(())
        })
        .await;
    assert_eq!(world.probe.alive().await.expect("instances").len(), 1, "the instance of the patient pod");
    world.assert_one_instance_each(2);
}
