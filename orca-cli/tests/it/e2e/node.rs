//! The node: registered, Ready, kept alive, and what it says of itself.

use std::time::Duration;

use super::cluster::{CLUSTER_ROLES, Deletion, LEADER_LEASES, NAMESPACES, NODE_LEASES, NODES, PODS};
use super::world::{NODE, World, condition, pod};
use kube::api::Patch;
use serde_json::{Value, json};

anywhere! {
    the_node_is_registered_and_kept_alive,
    a_deleted_node_comes_back_and_a_cordon_survives,
    an_adopted_node_gets_a_provider_id_unless_it_has_one,
}
servers_only! {
    the_lease_alone_keeps_the_node_ready_and_what_is_ours_is_restored,
}

async fn the_node_is_registered_and_kept_alive(world: World) {
    let orca = world.orca().await;

    let node = world.cluster.get(NODES, NODE).await.expect("the node");
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
    let namespace = world.cluster.get(NAMESPACES, "kube-system").await.expect("the namespace");
    let id = format!("orca://{}/{NODE}", namespace["metadata"]["uid"].as_str().expect("a UID"));
    assert_eq!(node["spec"]["providerID"], id, "A45");

    let renewed = || async {
        let lease = world.cluster.get(NODE_LEASES, NODE).await?;
        assert_eq!(lease["metadata"]["ownerReferences"][0]["uid"], node["metadata"]["uid"], "A18");
        assert_eq!(lease["spec"]["leaseDurationSeconds"], 40, "A20");
        lease["spec"]["renewTime"].as_str().map(String::from)
    };
    let first = world.eventually("the node lease exists", renewed).await;
    world
        .eventually("the node lease is renewed", || async { renewed().await.filter(|time| *time > first) })
        .await;
    let leader = world.cluster.get(LEADER_LEASES, NODE).await.expect("the leader lease");
    assert!(
        leader["spec"]["holderIdentity"].as_str().is_some_and(|holder| holder.starts_with(NODE)),
        "{leader}"
    );

    // L9: a quiet node writes nothing but its leases.
    let writes = || world.audited("patch", "nodes/status") + world.audited("patch", "nodes");
    let before = writes();
    world
        .stays(Duration::from_secs(5), "A32: no status write without a change", || async {
            writes() == before
        })
        .await;

    assert_eq!(orca.stop().await, Some(0), "SIGTERM is a clean stop");
    let node = world.cluster.get(NODES, NODE).await.expect("the node stays");
    assert_eq!(condition(&node, "Ready").as_deref(), Some("True"), "A52");
}

async fn a_deleted_node_comes_back_and_a_cordon_survives(world: World) {
    let orca = world.orca().await;
    world.apply(&pod("stays")).await;
    let before = world.running(1).await.remove(0);
    world.cluster.merge(NODES, NODE, json!({ "spec": { "unschedulable": true } })).await;
    world.cluster.merge(NODES, NODE, json!({ "metadata": { "annotations": { "before": "value" } } })).await;
    let old = world.cluster.get(NODES, NODE).await.expect("the node");
    world.cluster.delete(NODES, NODE, Deletion::Start).await;
    let new = world
        .eventually("the node is back and Ready", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            let is_new = node["metadata"]["uid"] != old["metadata"]["uid"];
            (is_new && condition(&node, "Ready").as_deref() == Some("True")).then_some(node)
        })
        .await;
    assert_eq!(new["spec"]["unschedulable"], true);
    assert_eq!(new["metadata"]["annotations"]["before"], "value");
    world
        .eventually("the lease follows the new node", || async {
            let lease = world.cluster.get(NODE_LEASES, NODE).await?;
            (lease["metadata"]["ownerReferences"][0]["uid"] == new["metadata"]["uid"]).then_some(())
        })
        .await;
    let after = world.running(1).await.remove(0);
    assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"], "A19: the pod is untouched");
    assert_eq!(before["status"]["containerStatuses"], after["status"]["containerStatuses"], "A19");
    world.assert_one_instance_each(1);
    assert!(world.proxy.calls_of("TerminateInstances").is_empty(), "A19");
    orca.kill();
    let _orca = world.orca().await;
    let node = world.cluster.get(NODES, NODE).await.expect("the node");
    assert_eq!(node["spec"]["unschedulable"], true, "A6");
}

async fn an_adopted_node_gets_a_provider_id_unless_it_has_one(world: World) {
    let manifest = |spec: &str| {
        let metadata = format!("{{name: {NODE}, labels: {{orca.research/provider: aws}}}}");
        format!("apiVersion: v1\nkind: Node\nmetadata: {metadata}\nspec: {spec}\n")
    };
    let provider_id = async || {
        let node = world.cluster.get(NODES, NODE).await?;
        (condition(&node, "Ready").as_deref() == Some("True")).then_some(())?;
        node["spec"]["providerID"].as_str().map(str::to_owned)
    };
    world.apply(&manifest("{}")).await;
    let orca = world.orca().await;
    let given = world.eventually("A45: the node has a provider id", &provider_id).await;
    assert!(given.starts_with("orca://") && given.ends_with(&format!("/{NODE}")), "A45: {given}");

    // One that somebody gave it stays, also when the Node is deleted and comes back.
    assert_eq!(orca.stop().await, Some(0));
    world.cluster.delete(NODES, NODE, Deletion::Wait).await;
    world.apply(&manifest("{providerID: \"example://rack/7\"}")).await;
    let _orca = world.orca().await;
    assert_eq!(world.eventually("the node is Ready", &provider_id).await, "example://rack/7", "A45");
    world.cluster.delete(NODES, NODE, Deletion::Start).await;
    world
        .stays(Duration::from_secs(4), "A45: the provider id of others", || async {
            let node = world.cluster.get(NODES, NODE).await;
            node.is_none_or(|node| node["spec"]["providerID"] == "example://rack/7")
        })
        .await;
    assert_eq!(world.eventually("the node is back", &provider_id).await, "example://rack/7", "A45");
}

async fn the_lease_alone_keeps_the_node_ready_and_what_is_ours_is_restored(world: World) {
    let orca = world.orca().await;
    world.apply(&pod("steady")).await;
    world.running(1).await;
    // Somebody takes the node's condition and the pod's readiness away: both are put back.
    let gone = json!({ "status": { "conditions": [] } });
    world.cluster.patch_status(NODES, NODE, &Patch::Merge(gone)).await;
    let unready = json!({ "type": "Ready", "status": "False", "reason": "NodeNotReady" });
    let unready = json!({ "status": { "conditions": [unready] } });
    world.cluster.patch_status(PODS, "steady", &Patch::Strategic(unready)).await;
    world.running(1).await;
    world
        .eventually("A35, B36: the node is Ready again", || async {
            let node = world.cluster.get(NODES, NODE).await?;
            (condition(&node, "Ready")? == "True").then_some(())
        })
        .await;

    // Without the right to write its status, the node lives by its lease alone: twice the grace period of 50 s.
    let is_status = |rule: &Value| rule["resources"][0] == "nodes/status";
    world
        .cluster
        .edit(CLUSTER_ROLES, "orca", |role| {
            let rules = role["rules"].as_array_mut().expect("rules");
            assert!(rules.iter().any(is_status), "{rules:?}");
            rules.retain(|rule| !is_status(rule));
        })
        .await;
    world
        .stays(Duration::from_secs(105), "A26: the node is Ready", || async {
            let node = world.cluster.get(NODES, NODE).await.expect("the node");
            condition(&node, "Ready").as_deref() == Some("True")
        })
        .await;
    drop(orca);
}
