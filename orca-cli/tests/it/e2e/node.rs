//! The node: registered, Ready, kept alive, and what it says of itself.

use std::time::Duration;

use super::world::{NODE, World, condition, pod};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn the_node_is_registered_and_kept_alive() {
    let world = World::start().await;
    let (orca, to_ready) = world.orca().await;
    println!("figure: process start to node Ready {to_ready:.2?}");

    let node = world.object(&["get", "node", NODE]).await.expect("the node");
    let labels = &node["metadata"]["labels"];
    for (key, value) in [
        ("orca.research/provider", "aws"),
        ("orca.research/region", "us-west-2"),
        ("type", "virtual-kubelet"),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("topology.kubernetes.io/region", "us-west-2"),
    ] {
        assert_eq!(labels[key], value, "A43: {labels}");
    }
    let taint = &node["spec"]["taints"][0];
    assert_eq!(
        (&taint["key"], &taint["value"], &taint["effect"]),
        (&"orca.research/burst-node".into(), &"true".into(), &"NoSchedule".into())
    );
    for (kind, status) in [
        ("MemoryPressure", "False"),
        ("DiskPressure", "False"),
        ("PIDPressure", "False"),
        ("NetworkUnavailable", "False"),
        ("CloudReachable", "True"),
    ] {
        assert_eq!(condition(&node, kind).as_deref(), Some(status), "A37: {kind}");
    }
    let info = &node["status"]["nodeInfo"];
    assert_eq!((&info["operatingSystem"], &info["osImage"]), (&"linux".into(), &"AWS EC2".into()));
    assert!(
        info["kubeletVersion"].as_str().is_some_and(|version| version.starts_with("v1.37.")),
        "0.5: {info}"
    );
    assert_eq!(node["status"]["allocatable"]["nvidia.com/gpu"], "100", "A40");
    assert!(node["spec"]["providerID"].is_null(), "A45");

    let renewed = || async {
        let lease = world.object(&["get", "lease", "-n", "kube-node-lease", NODE]).await?;
        assert_eq!(lease["metadata"]["ownerReferences"][0]["uid"], node["metadata"]["uid"], "A18");
        assert_eq!(lease["spec"]["leaseDurationSeconds"], 40, "A20");
        lease["spec"]["renewTime"].as_str().map(String::from)
    };
    let first = world.eventually("the node lease exists", renewed).await;
    world
        .eventually("the node lease is renewed", || async { renewed().await.filter(|time| *time > first) })
        .await;
    let leader = world.object(&["get", "lease", "-n", "kube-system", NODE]).await.expect("the leader lease");
    assert!(
        leader["spec"]["holderIdentity"].as_str().is_some_and(|holder| holder.starts_with(NODE)),
        "{leader}"
    );

    // L9: a quiet node writes nothing but its leases.
    let writes = || world.audited("patch", "nodes/status") + world.audited("patch", "nodes");
    let before = writes();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(writes(), before, "A32: no status write without a change");

    assert_eq!(orca.stop().await, Some(0), "SIGTERM is a clean stop");
    let node = world.object(&["get", "node", NODE]).await.expect("the node stays");
    assert_eq!(condition(&node, "Ready").as_deref(), Some("True"), "A52");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn a_deleted_node_comes_back_and_a_cordon_survives() {
    let world = World::start().await;
    let (orca, _) = world.orca().await;
    world.apply(&pod("stays")).await;
    let before = world.running(1).await.remove(0);
    world.kubectl(&["cordon", NODE]).await;
    world.kubectl(&["annotate", "node", NODE, "before=value"]).await;
    let old = world.object(&["get", "node", NODE]).await.expect("the node");
    world.kubectl(&["delete", "node", NODE, "--wait=false"]).await;
    let new = world
        .eventually("the node is back and Ready", || async {
            let node = world.object(&["get", "node", NODE]).await?;
            let is_new = node["metadata"]["uid"] != old["metadata"]["uid"];
            (is_new && condition(&node, "Ready").as_deref() == Some("True")).then_some(node)
        })
        .await;
    assert_eq!(new["spec"]["unschedulable"], true);
    assert_eq!(new["metadata"]["annotations"]["before"], "value");
    world
        .eventually("the lease follows the new node", || async {
            let lease = world.object(&["get", "lease", "-n", "kube-node-lease", NODE]).await?;
            (lease["metadata"]["ownerReferences"][0]["uid"] == new["metadata"]["uid"]).then_some(())
        })
        .await;
    let after = world.running(1).await.remove(0);
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"], "A19: the pod is untouched");
    assert_eq!(before["status"]["containerStatuses"], after["status"]["containerStatuses"], "A19");
    world.assert_one_instance_each(1);
    assert!(world.proxy.calls_of("TerminateInstances").is_empty(), "A19");
    orca.kill();
    let (_orca, _) = world.orca().await;
    let node = world.object(&["get", "node", NODE]).await.expect("the node");
    assert_eq!(node["spec"]["unschedulable"], true, "A6");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the real servers: run orca-testkit/servers/prepare first"]
async fn the_lease_alone_keeps_the_node_ready_and_what_is_ours_is_restored() {
    let world = World::start().await;
    let (orca, _) = world.orca().await;
    world.apply(&pod("steady")).await;
    world.running(1).await;
    // Somebody takes the node's condition and the pod's readiness away: both are put back.
    let gone = r#"[{"op": "replace", "path": "/status/conditions", "value": []}]"#;
    world.kubectl(&["patch", "node", NODE, "--subresource=status", "--type=json", "-p", gone]).await;
    let unready =
        r#"{"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "NodeNotReady"}]}}"#;
    world
        .kubectl(&["patch", "pod", "steady", "--subresource=status", "--type=strategic", "-p", unready])
        .await;
    world.running(1).await;
    world
        .eventually("A35, B36: the node is Ready again", || async {
            let node = world.object(&["get", "node", NODE]).await?;
            (condition(&node, "Ready")? == "True").then_some(())
        })
        .await;

    // Without the right to write its status, the node lives by its lease alone: twice the grace period of 50 s.
    let rbac = serde_json::json!([{ "op": "remove", "path": "/rules/2" }]).to_string();
    let rules = world.object(&["get", "clusterrole", "orca"]).await.expect("the role");
    assert_eq!(rules["rules"][2]["resources"][0], "nodes/status", "{rules}");
    world.kubectl(&["patch", "clusterrole", "orca", "--type=json", "-p", &rbac]).await;
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(105) {
        let node = world.object(&["get", "node", NODE]).await.expect("the node");
        assert_eq!(condition(&node, "Ready").as_deref(), Some("True"), "A26: after {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    drop(orca);
}
