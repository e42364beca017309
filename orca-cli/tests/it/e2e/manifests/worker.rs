//! An ordinary node beside ORCA's, with a kubelet that only says that everything runs.

use std::time::Duration;

use orca_core::clock;
use orca_testkit::servers::Kubectl;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::super::world::{World, condition};

/// Its name.
pub(super) const WORKER: &str = "worker";

/// The node's agent; it ends when dropped.
pub(super) struct Worker {
    agent: JoinHandle<()>,
}

impl Worker {
    /// Registers the node, and waits until pods can be bound to it.
    pub(super) async fn start(world: &World) -> Self {
        let labels = format!("{{kubernetes.io/os: linux, kubernetes.io/hostname: {WORKER}}}");
        world
            .apply(&format!("apiVersion: v1\nkind: Node\nmetadata: {{name: {WORKER}, labels: {labels}}}\n"))
            .await;
        let kubectl = world.plane().kubectl().clone();
        let agent = tokio::spawn(async move {
            loop {
                // What fails is done in the next turn: the object went, or somebody else wrote.
                let _ended = turn(&kubectl).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        let worker = Self { agent };
        world
            .eventually("the ordinary node takes pods", || async {
                let node = world.object(&["get", "node", WORKER]).await?;
                let is_tainted = node["spec"]["taints"].as_array().is_some_and(|taints| !taints.is_empty());
                (condition(&node, "Ready")? == "True" && !is_tainted).then_some(())
            })
            .await;
        worker
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.agent.abort();
    }
}

/// One heartbeat, then every pod that wants something.
async fn turn(kubectl: &Kubectl) -> Option<()> {
    let room = json!({ "cpu": "8", "memory": "32Gi", "pods": "110" });
    let now = clock::system().now().to_string();
    let ready = json!({
        "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "", "lastHeartbeatTime": now
    });
    let status = json!({ "status": { "capacity": room, "allocatable": room, "conditions": [ready] } });
    patch(kubectl, &["node", WORKER], &status).await?;
    let selector = format!("--field-selector=spec.nodeName={WORKER}");
    let text = kubectl.run(&["get", "pods", "-A", &selector, "-o", "json"]).await.ok()?;
    let list: Value = serde_json::from_str(&text).ok()?;
    for pod in list["items"].as_array()? {
        keep(kubectl, pod).await?;
    }
    Some(())
}

/// Lets a pod run, or go.
async fn keep(kubectl: &Kubectl, pod: &Value) -> Option<()> {
    let name = pod["metadata"]["name"].as_str()?;
    let namespace = format!("--namespace={}", pod["metadata"]["namespace"].as_str()?);
    if pod["metadata"]["deletionTimestamp"].is_string() {
        let arguments =
            ["delete", "pod", name, &namespace, "--force", "--grace-period=0", "--ignore-not-found"];
        kubectl.run(&arguments).await.ok()?;
        return Some(());
    }
    if condition(pod, "Ready").as_deref() == Some("True") {
        return Some(());
    }
    let running = json!({ "running": { "startedAt": pod["metadata"]["creationTimestamp"] } });
    let containers: Vec<Value> = pod["spec"]["containers"]
        .as_array()?
        .iter()
        .map(|container| {
            json!({
                "name": container["name"], "image": container["image"], "imageID": "",
                "restartCount": 0, "ready": true, "started": true, "state": running
            })
        })
        .collect();
    let conditions: Vec<Value> = ["Initialized", "ContainersReady", "Ready"]
        .iter()
        .map(|kind| json!({ "type": kind, "status": "True" }))
        .collect();
    let status = json!({ "phase": "Running", "conditions": conditions, "containerStatuses": containers });
    patch(kubectl, &["pod", name, &namespace], &json!({ "status": status })).await
}

async fn patch(kubectl: &Kubectl, object: &[&str], patch: &Value) -> Option<()> {
    let patch = patch.to_string();
    let arguments =
        [&["patch"], object, &["--subresource=status", "--type=strategic", "-p", &patch]].concat();
    kubectl.run(&arguments).await.ok().map(drop)
}
