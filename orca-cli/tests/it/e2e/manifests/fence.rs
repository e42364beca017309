//! The policy that confines ORCA to what is its own: ORCA does not notice it, a thief of its token does.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::super::world::{NODE, World, client, condition};
use super::{FENCE, WORKER, Worker, dry_run, pod};

/// What the policy says.
const FOREIGN_OBJECT: &str = "ORCA may write no other Node and no other Lease";
const FOREIGN_POD: &str = "ORCA may write and delete only pods that are bound to its node";

fn node(name: &str) -> String {
    format!("apiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\n")
}

fn lease(namespace: &str, name: &str) -> String {
    let metadata = format!("{{name: {name}, namespace: {namespace}}}");
    format!("apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {metadata}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn under_the_fence_orca_works_and_its_token_reaches_nothing_else() {
    let world = World::real().await;
    let token = world.plane().kubeconfig_for_service_account("kube-system", "orca").await.expect("a token");
    let thief = world.plane().kubectl().with_kubeconfig(&token);
    let foreign = node("other");
    dry_run(&thief, &foreign).await.expect("without the policy ORCA's token makes any Node");
    world.apply(FENCE).await;
    let refused =
        world.eventually("the policy is in force", || async { dry_run(&thief, &foreign).await.err() }).await;
    assert!(refused.contains(FOREIGN_OBJECT), "{refused}");

    let _orca = world.orca().await;
    let _worker = Worker::start(&world).await;
    world.apply(&pod("ours")).await;
    world.running(1).await;
    let theirs = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: theirs}}\nspec:\n  nodeName: {WORKER}\n  \
         containers: [{{name: main, image: example.com/main}}]\n"
    );
    world.apply(&theirs).await;
    let unbound = pod("unbound").replace("provider: aws", "provider: none");
    world.apply(&unbound).await;

    for namespace in ["kube-system", "kube-node-lease"] {
        let error = dry_run(&thief, &lease(namespace, "other")).await.expect_err("another lease");
        assert!(error.contains(FOREIGN_OBJECT), "{error}");
    }
    let pods: Api<Pod> = Api::default_namespaced(client(&token).await);
    let failed = json!({ "status": { "phase": "Failed" } });
    let label = json!({ "metadata": { "labels": { "app": "stolen" } } });
    let finalizer = json!({ "metadata": { "finalizers": ["example.com/kept"] } });
    for (name, patch, says) in [
        ("theirs", &failed, FOREIGN_POD),
        ("unbound", &failed, FOREIGN_POD),
        ("ours", &label, "may not change the labels"),
        ("ours", &finalizer, "may not change the finalizers"),
    ] {
        let error = pods.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        let error = error.expect_err("refused").to_string();
        assert!(error.contains(says), "{name} {patch}: {error}");
    }
    for name in ["theirs", "unbound"] {
        let error = pods.delete(name, &DeleteParams::default()).await.expect_err("refused").to_string();
        assert!(error.contains(FOREIGN_POD), "{name}: {error}");
    }
    let theirs = world.object(&["get", "pod", "theirs"]).await.expect("the pod");
    assert!(theirs["metadata"]["deletionTimestamp"].is_null() && theirs["status"]["phase"] != "Failed");

    // ORCA itself: node and leases anew, a pod down, and a pod up.
    world.kubectl(&["delete", "node", NODE, "--wait=false"]).await;
    world.kubectl(&["delete", "pod", "ours", "--timeout=60s"]).await;
    world
        .eventually("the node is back", || async {
            let node = world.object(&["get", "node", NODE]).await?;
            (condition(&node, "Ready")? == "True").then_some(())
        })
        .await;
    assert!(world.probe.alive().await.expect("instances").is_empty());
    world.apply(&pod("again")).await;
    // The pod of the other node is Running and Ready as well.
    world.running(2).await;
    world.assert_one_instance_each(2);
}
