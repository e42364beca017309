//! The real kubectl before a fake cluster whose controllers run: what people do with workloads.

use std::sync::Arc;
use std::time::Duration;

use orca_core::clock::system;
use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::resource::PODS;
use orca_testkit::fake_kube::store::{DeleteOptions, Store};
use orca_testkit::fake_kube::{FakeKube, Object, Options, Served, Transport};
use orca_testkit::servers::installed;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinHandle;

const NODE: &str = r#"
apiVersion: v1
kind: Node
metadata: {name: worker}
status:
  allocatable: {cpu: "8", memory: 8Gi, pods: "110"}
  conditions: [{type: Ready, status: "True", reason: KubeletReady}]
"#;
const WEB: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: 'web:1'}]}
";
const JOB: &str = "
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  completions: 3
  parallelism: 2
  completionMode: Indexed
  template:
    spec: {restartPolicy: Never, containers: [{name: main, image: work}]}
";
const GPU: &str = "
apiVersion: v1
kind: Pod
metadata: {name: gpu}
spec:
  containers: [{name: main, image: work, resources: {limits: {nvidia.com/gpu: 1}}}]
";

struct Harness {
    served: Served,
    folder: TempDir,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Harness {
    async fn start() -> Self {
        let kube = FakeKube::new(&Options::new(system(), 1));
        let served = kube.serve("127.0.0.1:0".parse().expect("an address"), Transport::Plain).await;
        let folder = tempfile::tempdir().expect("a folder");
        let served = served.expect("served");
        std::fs::write(folder.path().join("config"), served.kubeconfig()).expect("written");
        let controllers = tokio::spawn(Controllers::new(kube.store()).run());
        let node = tokio::spawn(play_node(Arc::clone(kube.store())));
        Self { served, folder, tasks: vec![controllers, node] }
    }

    async fn run(&self, arguments: &str, input: Option<&str>) -> String {
        let program = installed().expect("prepared servers").program("kubectl");
        let mut command = Command::new(program);
        command
            .args(arguments.split(' '))
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("started");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(input.unwrap_or_default().as_bytes()).await.expect("written");
        drop(pipe);
        let limit = Duration::from_mins(1);
        let output = tokio::time::timeout(limit, child.wait_with_output()).await.expect("in time");
        let output = output.expect("an end");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert!(output.status.success(), "kubectl {arguments} at {}: {text}", self.served.url());
        text
    }
}

/// A node that runs every pod at once, ends those of jobs, and lets go of deleted ones.
async fn play_node(store: Arc<Store>) {
    loop {
        for pod in store.list(&PODS, None).0 {
            if !pod.text("/spec/nodeName").is_empty() {
                play(&store, &pod);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn play(store: &Store, pod: &Object) {
    if pod.is_deleting() {
        let now = DeleteOptions { grace_period_seconds: Some(0), ..DeleteOptions::default() };
        drop(store.delete(&PODS, pod.namespace(), pod.name(), &now));
        return;
    }
    let wanted = if pod.labels().contains_key("job-name") { "Succeeded" } else { "Running" };
    if pod.text("/status/phase") != wanted {
        let ready = if wanted == "Running" { "True" } else { "False" };
        let time = store.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let written = store.update(&PODS, pod.namespace(), pod.name(), |value| {
            value["status"]["phase"] = wanted.into();
            value["status"]["conditions"] =
                json!([{ "type": "Ready", "status": ready, "lastTransitionTime": time }]);
            Ok(())
        });
        // A pod that went in the meantime needs no words.
        drop(written);
    }
}

#[tokio::test]
#[ignore = "needs kubectl: run orca-testkit/servers/prepare first"]
async fn kubectl_rolls_out_and_back_scales_and_waits_for_jobs() {
    let harness = Harness::start().await;
    harness.run("apply -f -", Some(NODE)).await;
    harness.run("apply -f -", Some(WEB)).await;
    let status = "rollout status deployment/web --timeout=30s";
    assert!(harness.run(status, None).await.contains("successfully rolled out"));
    harness.run("set image deployment/web main=web:2", None).await;
    assert!(harness.run(status, None).await.contains("successfully rolled out"));
    let history = harness.run("rollout history deployment/web", None).await;
    assert!(history.contains("\n1 ") && history.contains("\n2 "), "{history}");
    harness.run("rollout undo deployment/web", None).await;
    harness.run(status, None).await;
    // The last pods of the other image may still be ending.
    let images = "get pods -l app=web -o jsonpath={.items[*].spec.containers[0].image}";
    let mut seen = String::new();
    for _ in 0..50 {
        seen = harness.run(images, None).await;
        if seen == "web:1 web:1 web:1" {
            break;
        }
    }
    assert_eq!(seen, "web:1 web:1 web:1");
    harness.run("rollout restart deployment/web", None).await;
    harness.run(status, None).await;
    harness.run("scale deployment/web --replicas=5", None).await;
    harness.run(status, None).await;
    let described = harness.run("describe deployment web", None).await;
    assert!(
        described.contains("5 desired | 5 updated | 5 total | 5 available | 0 unavailable"),
        "{described}"
    );
    assert!(described.contains("ScalingReplicaSet"), "{described}");

    harness.run("apply -f -", Some(JOB)).await;
    harness.run("wait --for=condition=complete job/work --timeout=30s", None).await;
    let described = harness.run("describe job work", None).await;
    assert!(described.contains("Completed Indexes:  0-2"), "{described}");
    assert!(described.contains("0 Active (0 Ready) / 3 Succeeded / 0 Failed"), "{described}");
    assert!(described.contains("job-controller") && described.contains("Job completed"), "{described}");
}

#[tokio::test]
#[ignore = "needs kubectl: run orca-testkit/servers/prepare first"]
async fn kubectl_shows_why_a_pod_waits_and_cleans_up() {
    let harness = Harness::start().await;
    harness.run("apply -f -", Some(NODE)).await;
    harness.run("apply -f -", Some(WEB)).await;
    harness.run("rollout status deployment/web --timeout=30s", None).await;
    harness.run("apply -f -", Some(GPU)).await;
    harness.run("wait --for=condition=PodScheduled=false pod/gpu --timeout=10s", None).await;
    let described = harness.run("describe pod gpu", None).await;
    assert!(described.contains("0/1 nodes are available: 1 Insufficient nvidia.com/gpu."), "{described}");
    assert!(described.contains("default-scheduler"), "{described}");
    harness.run("cordon worker", None).await;
    let tainted = "--for=jsonpath={.spec.taints[*].key}=node.kubernetes.io/unschedulable";
    harness.run(&format!("wait {tainted} node/worker --timeout=10s"), None).await;
    let taints = harness.run("get node worker -o jsonpath={.spec.taints[*].key}", None).await;
    assert_eq!(taints, "node.kubernetes.io/unschedulable");
    harness.run("uncordon worker", None).await;

    harness.run("delete deployment web --cascade=foreground --timeout=30s", None).await;
    assert!(harness.run("get pods -l app=web", None).await.contains("No resources found"));
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: team}}";
    harness.run("apply -f -", Some(namespace)).await;
    harness.run("apply -n team -f -", Some(WEB)).await;
    harness.run("rollout status -n team deployment/web --timeout=30s", None).await;
    harness.run("delete namespace team --timeout=30s", None).await;
    assert!(!harness.run("get namespaces", None).await.contains("team"));
}
