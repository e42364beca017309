//! `DaemonSets` beside ORCA: without the policy they wait and cost nothing, with it they go on elsewhere.

use serde_json::{Value, json};

use super::super::world::{NODE, World};
use super::{DAEMON_SETS, WORKER, Worker, documents, dry_run};

/// Tolerates everything, as agents of nodes do.
const AGENT: &str = "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata:
      labels: {app: agent}
      annotations: {orca.research/instance-type: t3.micro}
    spec:
      tolerations: [{operator: Exists}]
      terminationGracePeriodSeconds: 1
      containers: [{name: main, image: 'example.com/agent:1'}]
";

/// The pods of the DaemonSet on this node.
async fn pods_on(world: &World, node: &str) -> Vec<Value> {
    let pods = world.pods().await;
    pods.into_iter().filter(|pod| pod["spec"]["nodeName"] == node).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_daemon_set_buys_nothing_and_the_policy_keeps_its_rolling_update_going() {
    let world = World::real().await;
    let _orca = world.orca().await;
    let _worker = Worker::start(&world).await;
    world.apply(AGENT).await;
    let waiting = world
        .eventually("the pod on the virtual node says that it is ignored", || async {
            let pod = pods_on(&world, NODE).await.pop()?;
            let reason = pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str()?;
            (reason == "DaemonSetPodIgnored").then_some(pod)
        })
        .await;
    assert_eq!(waiting["status"]["phase"], "Pending", "A44");
    let name = waiting["metadata"]["name"].as_str().expect("a name").to_owned();
    world
        .eventually("describe tells what to do", || async {
            let text = world.kubectl(&["describe", "pod", &name]).await;
            (text.contains("DaemonSetPodIgnored") && text.contains("type NotIn [virtual-kubelet]"))
                .then_some(())
        })
        .await;
    world
        .eventually("the pod on the ordinary node runs", || async {
            let pod = pods_on(&world, WORKER).await.pop()?;
            (pod["status"]["phase"] == "Running").then_some(())
        })
        .await;

    world.apply(DAEMON_SETS).await;
    world
        .eventually("the policy is in force", || async {
            terms(&dry_run(world.plane().kubectl(), &AGENT.replace("name: agent", "name: probe")).await.ok()?)
        })
        .await;
    world.kubectl(&["set", "image", "daemonset/agent", "main=example.com/agent:2"]).await;
    world.kubectl(&["rollout", "status", "daemonset", "agent", "--timeout=55s"]).await;
    world
        .eventually("no pod of the DaemonSet is on the virtual node", || async {
            pods_on(&world, NODE).await.is_empty().then_some(())
        })
        .await;
    let pod = pods_on(&world, WORKER).await.pop().expect("a pod on the ordinary node");
    assert_eq!(pod["spec"]["containers"][0]["image"], "example.com/agent:2", "the update was rolled out");

    world.kubectl(&["delete", "daemonset", "agent", "--timeout=55s"]).await;
    world.apply(AGENT).await;
    world.kubectl(&["rollout", "status", "daemonset", "agent", "--timeout=55s"]).await;
    assert!(pods_on(&world, NODE).await.is_empty(), "a new DaemonSet makes no pod there");
    assert!(world.proxy.launched().is_empty(), "A44: nothing was bought");
    assert!(world.probe.instances().await.expect("instances").is_empty());
}

/// The terms of the required node affinity, if there are any.
fn terms(daemon_set: &Value) -> Option<Value> {
    let affinity = &daemon_set["spec"]["template"]["spec"]["affinity"]["nodeAffinity"];
    let terms = &affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
    (!terms.is_null()).then(|| terms.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn the_daemon_set_policy_adds_to_an_affinity_and_takes_nothing_away() {
    let world = World::real().await;
    world.apply(DAEMON_SETS).await;
    let kubectl = world.plane().kubectl();
    world
        .eventually("the policy is in force", || async { terms(&dry_run(kubectl, AGENT).await.ok()?) })
        .await;
    let off = json!({ "key": "type", "operator": "NotIn", "values": ["virtual-kubelet"] });
    let zone = json!({ "key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"] });
    let wanted = json!({ "key": "type", "operator": "In", "values": ["virtual-kubelet"] });
    let field = json!([{ "key": "metadata.name", "operator": "In", "values": ["a"] }]);
    let off_alone = json!([{ "matchExpressions": [off] }]);
    let node = |kind: &str, value: Value| json!({ "nodeAffinity": { kind: value } });
    let required =
        |terms| node("requiredDuringSchedulingIgnoredDuringExecution", json!({ "nodeSelectorTerms": terms }));
    let preference = json!({ "weight": 1, "preference": { "matchExpressions": [zone] } });
    let preferred = node("preferredDuringSchedulingIgnoredDuringExecution", json!([preference]));
    let host = json!({ "weight": 1, "podAffinityTerm": { "topologyKey": "kubernetes.io/hostname" } });
    let apart = json!({ "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [host] } });
    for (what, affinity, expected) in [
        ("an empty affinity", json!({}), off_alone.clone()),
        ("another kind of affinity", apart, off_alone.clone()),
        ("only preferences", preferred, off_alone),
        (
            "two alternatives",
            required(json!([{ "matchExpressions": [zone] }, { "matchFields": field }])),
            json!([{ "matchExpressions": [zone, off] }, { "matchFields": field, "matchExpressions": [off] }]),
        ),
        (
            "the label is named already",
            required(json!([{ "matchExpressions": [wanted] }])),
            json!([{ "matchExpressions": [wanted] }]),
        ),
    ] {
        let mut daemon_set = documents(AGENT).remove(0);
        daemon_set["spec"]["template"]["spec"]["affinity"] = affinity.clone();
        let made = dry_run(kubectl, &daemon_set.to_string()).await.expect(what);
        assert_eq!(terms(&made), Some(expected), "{what}");
        let mut rest = made["spec"]["template"]["spec"]["affinity"].clone();
        let before = affinity["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"].clone();
        assert_eq!(rest["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"], before, "{what}");
        assert_eq!(rest["podAntiAffinity"].take(), affinity["podAntiAffinity"], "{what}");
    }
}
