//! A kube client without a socket: what ORCA sends.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, WatchParams};
use kube::core::WatchEvent;
use orca_testkit::fake_kube::{Effect, FakeKube, Fault, Options, Transport};
use serde_json::json;

fn fake() -> FakeKube {
    FakeKube::new(&Options::new(orca_core::clock::system(), 7))
}

fn pod(name: &str) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": name, "labels": { "app": "web" } },
        "spec": { "nodeName": "n", "containers": [{ "name": "c", "image": "i" }] },
    }))
    .expect("a pod")
}

#[tokio::test]
async fn a_pod_lives_and_ends() {
    let fake = fake();
    let pods: Api<Pod> = Api::default_namespaced(fake.client());
    let created = pods.create(&PostParams::default(), &pod("a")).await.expect("created");
    assert_eq!(created.status.and_then(|status| status.phase).as_deref(), Some("Pending"));
    let listed = pods.list(&ListParams::default().fields("spec.nodeName=n")).await.expect("listed");
    assert_eq!(listed.items.len(), 1);
    let version = listed.metadata.resource_version.expect("a version");
    let events = pods.watch(&WatchParams::default().timeout(5), &version).await.expect("a watch");
    let mut events = std::pin::pin!(events);

    let status = json!({ "metadata": { "resourceVersion": version }, "status": { "phase": "Running" }, "spec": { "nodeName": "x" } });
    let written =
        pods.patch_status("a", &PatchParams::default(), &Patch::Merge(&status)).await.expect("patched");
    assert_eq!(written.spec.and_then(|spec| spec.node_name).as_deref(), Some("n"));
    let stale = pods.patch_status("a", &PatchParams::default(), &Patch::Merge(&status)).await;
    let Err(kube::Error::Api(stale)) = stale else { panic!("not stale: {stale:?}") };
    assert_eq!(stale.code, 409);

    let wrong = Preconditions { uid: Some("x".to_owned()), resource_version: None };
    let parameters = DeleteParams { preconditions: Some(wrong), ..DeleteParams::default() };
    pods.delete("a", &parameters).await.expect_err("another UID");
    let marked = pods.delete("a", &DeleteParams::default()).await.expect("marked").left().expect("a pod");
    assert_eq!(marked.metadata.deletion_grace_period_seconds, Some(30));
    pods.delete("a", &DeleteParams::default().grace_period(0)).await.expect("deleted");

    let mut kinds = Vec::new();
    while let Some(event) = events.try_next().await.expect("an event") {
        kinds.push(match event {
            WatchEvent::Added(_) => "added",
            WatchEvent::Modified(_) => "modified",
            WatchEvent::Deleted(_) => "deleted",
            WatchEvent::Bookmark(_) | WatchEvent::Error(_) => "other",
        });
        if kinds.len() == 3 {
            break;
        }
    }
    assert_eq!(kinds, ["modified", "modified", "deleted"]);
    assert_eq!(fake.audit().count(|entry| entry.is_write() && entry.resource == "pods/status"), 2);
}

#[tokio::test]
async fn faults_come_when_they_are_ordered() {
    let fake = fake();
    let nodes: Api<Node> = Api::all(fake.client());
    let node: Node = serde_json::from_value(json!({ "metadata": { "name": "n" } })).expect("a node");
    fake.faults().add(Fault::new(Effect::ErrorBefore(503)).verb("create").times(1));
    fake.faults().add(Fault::new(Effect::DropAfter).verb("create").times(1));
    nodes.create(&PostParams::default(), &node).await.expect_err("refused");
    assert_eq!(fake.store().count(&orca_testkit::fake_kube::resource::NODES), 0);
    nodes.create(&PostParams::default(), &node).await.expect_err("no answer");
    assert_eq!(fake.store().count(&orca_testkit::fake_kube::resource::NODES), 1);

    let watch = nodes.watch(&WatchParams::default().timeout(60), "0").await.expect("a watch");
    let mut watch = std::pin::pin!(watch);
    watch.next().await.expect("the node").expect("an event");
    fake.faults().cut_watches();
    assert!(watch.next().await.is_none());

    fake.store().compact();
    let watch = nodes.watch(&WatchParams::default().timeout(60), "1").await.expect("a watch");
    let mut watch = std::pin::pin!(watch);
    let first = watch.next().await.expect("an event").expect("an event");
    assert!(matches!(&first, WatchEvent::Error(status) if status.code == 410), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_server_answers_nobody() {
    let fake = fake();
    let nodes: Api<Node> = Api::all(fake.client());
    fake.faults().freeze();
    let all = ListParams::default();
    let list = nodes.list(&all);
    tokio::time::timeout(std::time::Duration::from_mins(10), list).await.expect_err("no answer");
    fake.faults().thaw();
    nodes.list(&all).await.expect("an answer");
}

#[tokio::test]
async fn the_api_is_offered_on_a_socket() {
    let fake = fake();
    for transport in [Transport::Plain, Transport::Tls] {
        let served = fake.serve("127.0.0.1:0".parse().expect("an address"), transport).await.expect("served");
        let config = kube::config::Kubeconfig::from_yaml(&served.kubeconfig()).expect("a kubeconfig");
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(config, &options).await.expect("a config");
        let client = kube::Client::try_from(config).expect("a client");
        assert_eq!(client.apiserver_version().await.expect("a version").minor, "37");
    }
}
