//! The namespace controller alone.

use serde_json::Value;

use super::super::bench::{Bench, pod};
use super::*;
use crate::fake_kube::resource::{CONFIGMAPS, PODS};

fn bench() -> Bench {
    let bench = Bench::new(vec![Box::<Namespaces>::default()]);
    bench.create(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team" },
        "spec": { "finalizers": [FINALIZER] }, "status": { "phase": "Active" },
    }));
    bench
}

fn in_team(mut value: Value) -> Value {
    value["metadata"]["namespace"] = "team".into();
    value
}

fn map(name: &str) -> Value {
    in_team(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name } }))
}

#[tokio::test(start_paused = true)]
async fn every_namespace_has_its_account_and_keeps_it() {
    let mut bench = bench();
    bench.settle();
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system", "team"] {
        let account = bench.store.get(&SERVICEACCOUNTS, namespace, ACCOUNT).expect("an account");
        bench.delete(&account, &DeleteOptions::default());
        bench.settle();
        bench.store.get(&SERVICEACCOUNTS, namespace, ACCOUNT).expect("a new account");
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_after_all_that_is_in_it() {
    let mut bench = bench();
    bench.create(map("settings"));
    let pod = bench.create(in_team(pod("worker")));
    bench.update(&pod, |pod| pod["spec"]["nodeName"] = "n".into());
    bench.create(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "other", "namespace": "default" },
    }));
    bench.settle();
    bench.delete(&bench.get(&NAMESPACES, "team"), &DeleteOptions::default());
    bench.pass(1).await;
    assert_eq!(bench.at(&NAMESPACES, "team", "/status/phase"), "Terminating");
    let expected = "Some resources are remaining: pods. has 1 resource instances";
    assert_eq!(bench.at(&NAMESPACES, "team", "/status/conditions/0/message"), expected);
    assert!(bench.store.get(&PODS, "team", "worker").expect("the pod").is_deleting());
    assert_eq!(bench.list(&CONFIGMAPS).len(), 1);
    bench.remove(&pod);
    bench.pass(1).await;
    assert!(bench.find(&NAMESPACES, "team").is_none());
    assert!(bench.store.list(&SERVICEACCOUNTS, Some("team")).0.is_empty());
}
