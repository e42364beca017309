//! The real kubectl against `FakeKube`.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use orca_testkit::fake_kube::controllers::Controllers;
use orca_testkit::fake_kube::{FakeKube, Options, Served, Transport};
use orca_testkit::servers::installed;
use tokio::io::AsyncWriteExt;

const NODE: &str = "\
apiVersion: v1
kind: Node
metadata: {name: fake-1}
status:
  addresses: [{type: InternalIP, address: 127.0.0.1}]
  daemonEndpoints: {kubeletEndpoint: {Port: 1}}
  conditions: [{type: Ready, status: 'True', reason: KubeletReady, message: fine}]
";
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  nodeName: fake-1
  containers: [{name: main, image: 'example.com/web:1', env: [{name: X, value: '1'}]}]
";

struct Session {
    fake: FakeKube,
    _served: Served,
    program: PathBuf,
    folder: tempfile::TempDir,
    collector: tokio::task::AbortHandle,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.collector.abort();
    }
}

impl Session {
    async fn start() -> Self {
        let program = installed().expect("prepared servers").program("kubectl");
        let fake = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
        let address = "127.0.0.1:0".parse().expect("an address");
        let served = fake.serve(address, Transport::Tls).await.expect("served");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("config"), served.kubeconfig()).expect("a file");
        let collector = tokio::spawn(Controllers::new(fake.store()).run()).abort_handle();
        Self { fake, _served: served, program, folder, collector }
    }

    /// Runs a command line; gives whether it succeeded, and what it wrote, errors last.
    async fn run(&self, line: &str, input: &str) -> (bool, String) {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(line.split_whitespace())
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path())
            .env("KUBECACHEDIR", self.folder.path().join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("kubectl");
        let mut pipe = child.stdin.take().expect("a pipe");
        pipe.write_all(input.as_bytes()).await.expect("written");
        drop(pipe);
        let ended = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output());
        let output = ended.await.expect("in time").expect("an end");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), text.concat())
    }

    /// Runs a command line that must succeed and write this.
    async fn shows(&self, line: &str, wanted: &[&str]) {
        self.shows_with(line, "", wanted).await;
    }

    async fn shows_with(&self, line: &str, input: &str, wanted: &[&str]) {
        let (is_good, text) = self.run(line, input).await;
        assert!(is_good, "kubectl {line}: {text}");
        for part in wanted {
            assert!(text.contains(part), "kubectl {line}: no {part:?} in\n{text}");
        }
    }

    /// Runs a command line that must fail and write this.
    async fn fails(&self, line: &str, input: &str, wanted: &[&str]) {
        let (is_good, text) = self.run(line, input).await;
        assert!(!is_good, "kubectl {line}: {text}");
        for part in wanted {
            assert!(text.contains(part), "kubectl {line}: no {part:?} in\n{text}");
        }
    }
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn kubectl_reads_and_describes() {
    let session = Session::start().await;
    session.shows("version", &["Server Version: v1.37"]).await;
    session.shows("api-resources", &["pods", "po", "deployments", "coordination.k8s.io/v1"]).await;
    session.shows_with("apply -f -", NODE, &["node/fake-1 created"]).await;
    session.shows_with("apply -f -", POD, &["pod/web created"]).await;
    session.shows("get pods", &["NAME   READY   STATUS    RESTARTS   AGE", "web    0/1     Pending"]).await;
    session.shows("get pods -o wide", &["NOMINATED NODE", "fake-1"]).await;
    session.shows("get pods -A", &["NAMESPACE   NAME", "default     web"]).await;
    session.shows("get nodes -o wide", &["INTERNAL-IP", "fake-1   Ready", "127.0.0.1"]).await;
    session.shows("get pod web -o yaml", &["kind: Pod", "nodeName: fake-1", "phase: Pending"]).await;
    session.shows("get all", &["pod/web"]).await;
    session.shows("get ns,leases,events", &["namespace/default           Active"]).await;
    session.shows("describe pod web", &["Image:      example.com/web:1", "QoS Class:", "Events:"]).await;
    session.shows("describe node fake-1", &["KubeletReady", "Non-terminated Pods:", "web"]).await;
    session.shows("explain pod", &["KIND:       Pod", "spec\t<PodSpec>"]).await;
    session.shows("explain pod.spec.containers.image", &["FIELD: image <string>"]).await;
    session.shows("auth can-i create pods", &["yes"]).await;
    session.shows("auth whoami", &["kubernetes-admin"]).await;
    session.shows("events", &["RegisteredNode"]).await;
    session.fails("get pod nobody", "", &["Error from server (NotFound): pods \"nobody\" not found"]).await;
    session.fails("logs web", "", &["containerLogs/default/web/main", "connection refused"]).await;
    session.fails("exec web -- ls", "", &["exec/default/web/main", "connection refused"]).await;
    let (_, watched) = session.run("get pods -w --request-timeout=2s", "").await;
    assert!(watched.contains("web    0/1"), "{watched}");
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn kubectl_changes() {
    let session = Session::start().await;
    session.shows_with("apply -f -", NODE, &["created"]).await;
    session.shows_with("apply -f -", POD, &["pod/web created"]).await;
    session.shows_with("apply -f -", POD, &["pod/web unchanged"]).await;
    let newer = POD.replace("web:1", "web:2");
    session.fails("diff -f -", &newer, &["web:2"]).await;
    session.shows_with("apply -f -", &newer, &["pod/web configured"]).await;
    session.shows("label pod web tier=front", &["labeled"]).await;
    session.shows("annotate pod web note=text", &["annotated"]).await;
    session.shows("get pods -l tier=front,!other --show-labels", &["app=web,tier=front"]).await;
    let ready = r#"patch pod web --subresource=status --type=merge -p {"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#;
    session.shows(ready, &["patched"]).await;
    session.shows("wait --for=condition=Ready pod/web --timeout=5s", &["condition met"]).await;
    session.shows(r#"patch pod web -p {"metadata":{"labels":{"tier":null}}}"#, &["patched"]).await;
    session.shows("taint nodes fake-1 a=b:NoSchedule", &["tainted"]).await;
    session.shows("taint nodes fake-1 a-", &["untainted"]).await;
    session.shows("cordon fake-1", &["cordoned"]).await;
    session.shows("get nodes", &["Ready,SchedulingDisabled"]).await;
    session.shows("uncordon fake-1", &["uncordoned"]).await;
    session.fails("drain fake-1 --timeout=5s", "", &["cannot delete Pods that declare no controller"]).await;
    session.fails("drain fake-1 --force --timeout=1s", "", &["evicting pod default/web"]).await;
    session.shows("get pods", &["Terminating"]).await;
    session.shows("delete pod web --grace-period=0 --force", &["force deleted"]).await;
    session.shows("run once --image=example.com/once --restart=Never", &["pod/once created"]).await;
    session.shows("delete pod once", &["pod \"once\" deleted"]).await;
    let wrong = POD.replace("containers", "containerz");
    session.fails("apply -f -", &wrong, &["unknown field \"spec.containerz\""]).await;
    let other = POD.replace("web", "other");
    session.shows_with("apply --server-side -f -", &other, &["pod/other serverside-applied"]).await;
    session.shows(r#"patch pod other -p {"metadata":{"labels":{"app":"patched"}}}"#, &["patched"]).await;
    let conflict = ["conflict with \"kubectl-patch\" using v1: .metadata.labels.app"];
    session.fails("apply --server-side -f -", &other, &conflict).await;
    session.shows_with("apply --server-side --force-conflicts -f -", &other, &["serverside-applied"]).await;
    let writes = session.fake.audit().count(|entry| entry.is_write() && entry.resource == "pods/eviction");
    assert!(writes > 0, "kubectl drain evicts");
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn kubectl_makes_workloads() {
    let session = Session::start().await;
    session.shows("create job work --image=example.com/work -- true", &["job.batch/work created"]).await;
    session.shows("get jobs", &["work   Running   0/1"]).await;
    session.shows("create deployment site --image=example.com/site --replicas=2", &["created"]).await;
    session.shows("scale deployment site --replicas=3", &["scaled"]).await;
    session.shows("get deployment site", &["0/3"]).await;
    session
        .fails(
            "rollout status deployment site --timeout=1s",
            "",
            &["Waiting for deployment \"site\" rollout to finish"],
        )
        .await;
    session.shows("set image deployment/site site=example.com/site:2", &["image updated"]).await;
    session.shows("create namespace extra", &["namespace/extra created"]).await;
    session.shows("create configmap settings --from-literal=a=b", &["created"]).await;
    session.shows("get configmap settings -o jsonpath={.data.a}", &["b"]).await;
    session.shows("create secret generic keys --from-literal=a=b", &["created"]).await;
    session.shows("create token default", &["fake."]).await;
    session.shows("delete job work", &["deleted"]).await;
    session.shows("delete deployment site", &["deleted"]).await;
}
