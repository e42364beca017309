//! The real control plane.

use orca_testkit::servers::{ControlPlane, ServerName, installed};
use std::path::Path;
use std::time::Duration;

const NODE: &str = "\
apiVersion: v1
kind: Node
metadata: {name: by-hand}
";
const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: bound, namespace: default}
spec:
  nodeName: by-hand
  containers: [{name: main, image: none}]
";

async fn start() -> ControlPlane {
    ControlPlane::start(&installed().expect("prepared servers")).await.expect("a control plane")
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_pod_bound_to_a_node_is_there_and_identities_have_their_rights() {
    let plane = start().await;
    let kubectl = plane.kubectl();
    kubectl.run(&["get", "serviceaccount", "default"]).await.expect("the default account");
    kubectl.apply(NODE).await.expect("a node");
    kubectl.apply(POD).await.expect("a pod");
    let on_node = ["get", "pods", "--field-selector=spec.nodeName=by-hand", "--output=name"];
    assert_eq!(kubectl.run(&on_node).await.expect("pods").trim(), "pod/bound");

    // RBAC is on: a user without a role may not list pods; one with two groups has both.
    let nobody = kubectl.with_kubeconfig(&plane.kubeconfig_for("nobody", &[]).expect("a kubeconfig"));
    assert!(nobody.run(&["get", "pods"]).await.expect_err("forbidden").to_string().contains("Forbidden"));
    let groups = ["one", "two"];
    let member = kubectl.with_kubeconfig(&plane.kubeconfig_for("member", &groups).expect("a kubeconfig"));
    let who = member.run(&["auth", "whoami", "--output=json"]).await.expect("an answer");
    assert!(groups.iter().all(|group| who.contains(&format!("\"{group}\""))), "{who}");
    plane.kubeconfig_for("member", &["1", "2", "3"]).expect_err("too many groups");

    let account = plane.kubeconfig_for_service_account("default", "default").await.expect("a kubeconfig");
    let who = kubectl.with_kubeconfig(&account).run(&["auth", "whoami", "--output=json"]).await;
    assert!(who.expect("an answer").contains("system:serviceaccount:default:default"));

    let audit = std::fs::read_to_string(plane.audit_log()).expect("the audit log");
    let written = |line: &&str| line.contains(r#""verb":"create""#) && line.contains(r#""username":"admin""#);
    assert!(audit.lines().filter(written).count() >= 2);
    assert!(plane.metrics().await.expect("metrics").contains("apiserver_request_total"));
    assert!(plane.ca_pem().starts_with("-----BEGIN CERTIFICATE-----"));
    let serving = plane.server_certificate(&["127.0.0.1"]).expect("a certificate");
    assert!(serving.certificate.is_file() && serving.key.is_file());
}

#[tokio::test]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn servers_freeze_stop_restart_and_end_with_the_plane() {
    let plane = start().await;
    plane.kubectl().apply(NODE).await.expect("a node");
    let ready = ["get", "--raw", "/readyz", "--request-timeout=1s"];

    plane.freeze(ServerName::ApiServer).expect("frozen");
    plane.kubectl().run(&ready).await.expect_err("no answer");
    plane.thaw(ServerName::ApiServer).expect("thawed");
    tokio::time::timeout(Duration::from_secs(20), async {
        while plane.kubectl().run(&ready).await.is_err() {}
    })
    .await
    .expect("ready again");

    let first = plane.pid(ServerName::ApiServer).expect("a process");
    plane.stop_server(ServerName::ApiServer).await.expect("stopped");
    assert_eq!(plane.pid(ServerName::ApiServer), None);
    assert!(!Path::new(&format!("/proc/{first}")).exists());
    plane.restart_server(ServerName::ApiServer).await.expect("started");
    assert_ne!(plane.pid(ServerName::ApiServer), Some(first));
    plane.kubectl().run(&["get", "node", "by-hand"]).await.expect("the node has survived");

    let servers =
        [ServerName::Etcd, ServerName::ApiServer, ServerName::ControllerManager, ServerName::Scheduler];
    let pids = servers.map(|server| plane.pid(server).expect("a process"));
    // A frozen server must not outlive the plane either.
    plane.freeze(ServerName::Scheduler).expect("frozen");
    let folder = plane.admin_kubeconfig().to_owned();
    drop(plane);
    for pid in pids {
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "process {pid} is still there");
    }
    assert!(!folder.exists());
}
