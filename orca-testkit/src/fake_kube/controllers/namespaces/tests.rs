//! The namespace controller alone.

use serde_json::Value;

use super::super::harness::{Harness, pod};
use super::*;
use crate::fake_kube::resource::{CONFIGMAPS, PODS};

fn harness() -> Harness {
    let harness = Harness::new(vec![Box::<Namespaces>::default()]);
    harness.create(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team" },
        "spec": { "finalizers": [FINALIZER] }, "status": { "phase": "Active" },
    }));
    harness
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
    let mut harness = harness();
    harness.run_to_rest();
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system", "team"] {
        let account = harness.store.get(&SERVICEACCOUNTS, namespace, ACCOUNT).expect("an account");
        harness.delete(&account, &DeleteOptions::default());
        harness.run_to_rest();
        harness.store.get(&SERVICEACCOUNTS, namespace, ACCOUNT).expect("a new account");
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_after_all_that_is_in_it() {
    let mut harness = harness();
    harness.create(map("settings"));
    let pod = harness.create(in_team(pod("worker")));
    harness.update(&pod, |pod| pod["spec"]["nodeName"] = "n".into());
    harness.create(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "other", "namespace": "default" },
    }));
    harness.run_to_rest();
    harness.delete(&harness.get(&NAMESPACES, "team"), &DeleteOptions::default());
    harness.pass(1).await;
    assert_eq!(harness.at(&NAMESPACES, "team", "/status/phase"), "Terminating");
    let expected = "Some resources are remaining: pods. has 1 resource instances";
    assert_eq!(harness.at(&NAMESPACES, "team", "/status/conditions/0/message"), expected);
    assert!(harness.store.get(&PODS, "team", "worker").expect("the pod").is_deleting());
    assert_eq!(harness.list(&CONFIGMAPS).len(), 1);
    harness.remove(&pod);
    harness.pass(1).await;
    assert!(harness.find(&NAMESPACES, "team").is_none());
    assert!(harness.store.list(&SERVICEACCOUNTS, Some("team")).0.is_empty());
}
