//! The manifests that we ship: the API server takes them, ORCA works under them, and each does what it says.

mod daemons;
mod fence;
mod jobs;
mod rbac;
mod tolerations;
mod worker;

use std::collections::BTreeMap;

use orca_testkit::servers::Kubectl;
use serde_json::Value;

use self::worker::{WORKER, Worker};
use super::world::{NODE, World, command, pod};

const RBAC: &str = include_str!("../../../../examples/kubernetes/rbac.yaml");
const FENCE: &str = include_str!("../../../../examples/kubernetes/self-fence-policy.yaml");
const TOLERATIONS: &str = include_str!("../../../../examples/kubernetes/tolerations-policy.yaml");
const DAEMON_SETS: &str = include_str!("../../../../examples/kubernetes/daemonset-policy.yaml");
const FLOW: &str = include_str!("../../../../examples/kubernetes/flow-schema.yaml");
const CONFIG: &str = include_str!("../../../../examples/kubernetes/config.yaml");
const SECOND_CONFIG: &str = include_str!("../../../../examples/kubernetes-second-node/config.yaml");
/// Folders of a kustomization each.
const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/kubernetes");
const SECOND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/kubernetes-second-node");

/// The documents of a manifest.
fn documents(manifest: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(manifest).expect("YAML")
}

/// What the API server would make of this object, and whether it would take it, as this identity.
async fn dry_run(kubectl: &Kubectl, manifest: &str) -> Result<Value, String> {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("manifest.yaml");
    std::fs::write(&file, manifest).expect("written");
    let file = file.to_str().expect("a path in UTF-8");
    let arguments = ["create", "--dry-run=server", "-o", "json", "-f", file];
    let text = kubectl.run(&arguments).await.map_err(|error| error.to_string())?;
    Ok(serde_json::from_str(&text).expect("JSON"))
}

#[test]
fn every_manifest_opens_with_a_sentence_and_names_the_node_of_the_default_config() {
    let default = orca_core::config::Node::default().name;
    assert_eq!(default, NODE);
    for (name, manifest) in [
        ("rbac", RBAC),
        ("self-fence-policy", FENCE),
        ("tolerations-policy", TOLERATIONS),
        ("daemonset-policy", DAEMON_SETS),
        ("flow-schema", FLOW),
        ("config", CONFIG),
    ] {
        assert!(manifest.starts_with("# "), "{name}");
        // These two are about every virtual node, or about the ServiceAccount.
        let is_about_others = ["daemonset-policy", "flow-schema"].contains(&name);
        assert_eq!(manifest.contains(NODE), !is_about_others, "{name}");
    }
}

#[test]
fn the_configs_beside_the_deployments_are_valid() {
    for config in [CONFIG, SECOND_CONFIG] {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config).expect("written");
        let output = command().args(["config", "validate"]).arg(&file).output().expect("orca");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
    }
}

/// What kustomize makes of a folder.
async fn kustomized(kubectl: &Kubectl, folder: &str) -> String {
    kubectl.run(&["kustomize", folder]).await.expect("a kustomization")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn the_api_server_takes_what_kustomize_makes_and_the_deployment_stays_off_the_virtual_node() {
    let world = World::real().await;
    // The strictest level of pod security: a pod that breaks it is not created.
    let level = "pod-security.kubernetes.io/enforce=restricted";
    world.kubectl(&["label", "namespace", "kube-system", level]).await;
    let _orca = world.orca().await;
    let _worker = Worker::start(&world).await;
    world.apply(DAEMON_SETS).await;
    // It would fit here, were it not for the affinity: the taint is tolerated, and the other node is closed.
    world.kubectl(&["cordon", WORKER]).await;
    let all = kustomized(world.plane().kubectl(), FIRST).await;
    let tolerant = all.replace(
        "      serviceAccountName: orca\n",
        "      serviceAccountName: orca\n      tolerations: [{key: orca.research/burst-node, operator: Exists}]\n",
    );
    assert_ne!(tolerant, all);
    world.apply(&tolerant).await;
    let selector = ["get", "pods", "-n", "kube-system", "-l", "app.kubernetes.io/name=orca"];
    world
        .eventually("the scheduler says why ORCA's own pod waits", || async {
            let list = world.object(&selector).await?;
            let conditions = list["items"][0]["status"]["conditions"].as_array()?;
            let message = conditions.iter().find_map(|condition| condition["message"].as_str())?;
            message.contains("didn't match Pod's node affinity/selector").then_some(())
        })
        .await;
    world.kubectl(&["uncordon", WORKER]).await;
    world.kubectl(&["rollout", "status", "deployment", "orca", "-n", "kube-system", "--timeout=50s"]).await;
    let list = world.object(&selector).await.expect("ORCA's own pod");
    let pods = list["items"].as_array().expect("pods");
    assert_eq!(pods.len(), 2, "one that leads and one that stands by");
    assert!(pods.iter().all(|pod| pod["spec"]["nodeName"] == WORKER), "A44");
    assert!(world.proxy.launched().is_empty(), "ORCA buys no instance for itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn two_nodes_stand_beside_each_other_and_the_fences_have_no_type_errors() {
    let world = World::real().await;
    let kubectl = world.plane().kubectl();
    for folder in [FIRST, SECOND] {
        world.kubectl(&["apply", "-k", folder]).await;
    }
    // Whatever is called like something of the first node would take it over, or be counted with it.
    let (first, second) = (kustomized(kubectl, FIRST).await, kustomized(kubectl, SECOND).await);
    let names = |manifest: &str| -> Vec<String> {
        let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
        documents(manifest).iter().map(name).collect()
    };
    let (ours, theirs) = (names(&first), names(&second));
    assert!(theirs.iter().all(|name| !ours.contains(name)), "{ours:?} {theirs:?}");
    let foreign = second.lines().filter(|line| line.contains(NODE) && !line.contains("orca-aws-node-b"));
    assert_eq!(foreign.collect::<Vec<_>>(), Vec::<&str>::new(), "all of it is about its own node");
    for policy in ["orca-self-fence", "orca-self-fence-pods", "orca-self-fence-b", "orca-self-fence-pods-b"] {
        let status = world
            .eventually("the types of the policy are checked", || async {
                let policy = world.object(&["get", "validatingadmissionpolicy", policy]).await?;
                let is_checked = policy["status"]["observedGeneration"] == policy["metadata"]["generation"];
                is_checked.then(|| policy["status"].clone())
            })
            .await;
        assert_eq!(status["typeChecking"]["expressionWarnings"], Value::Null, "{policy}: {status}");
    }
    let rights =
        ["auth", "can-i", "patch", "nodes/orca-aws-node", "--as=system:serviceaccount:kube-system:orca-b"];
    assert!(kubectl.run(&rights).await.is_err(), "the second may not touch the first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn the_flow_schema_gives_the_heartbeat_the_room_of_nodes() {
    let world = World::real().await;
    world.apply(FLOW).await;
    let _orca = world.orca().await;
    let served = world
        .eventually("a request of ours is counted", || async {
            let metrics = world.plane().metrics().await.ok()?;
            let served = dispatched(&metrics);
            served.contains_key("orca-leases").then_some(served)
        })
        .await;
    assert_eq!(served["orca-leases"], "node-high", "{served:?}");
}

/// The flow schemas that served something, and the priority level of each.
fn dispatched(metrics: &str) -> BTreeMap<String, String> {
    let lines = metrics.lines().filter(|line| {
        line.starts_with("apiserver_flowcontrol_dispatched_requests_total{") && !line.ends_with(" 0")
    });
    let label = |line: &str, name: &str| {
        let rest = line.split_once(&format!("{name}=\""))?.1;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    lines.filter_map(|line| Some((label(line, "flow_schema")?, label(line, "priority_level")?))).collect()
}
