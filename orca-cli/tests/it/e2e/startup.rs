//! What cannot work says so, ends with a code, and registers nothing.

use super::cluster::NODES;
use super::world::{NODE, World, command};

anywhere! {
    what_cannot_work_says_so_and_registers_nothing,
    a_node_of_somebody_else_is_not_taken_over,
}

async fn what_cannot_work_says_so_and_registers_nothing(world: World) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let kubeconfig = world.admin_kubeconfig();
    let path = folder.path().join("config.yaml");
    for (config, says) in [
        ("aws:\n  regoin: us-west-2\n", "line 2"),
        ("aws: {region: us-west-2}\nnode: {cpu: many}\n", "node.cpu"),
        ("aws: {region: us-west-2}\ninstances: {defaultLaunchType: sport}\n", "sport"),
        ("aws: {region: us-west-2}\nlimits: {maxConcurrentInstances: 5}\n", "limits.maxConcurrentInstances"),
        ("node: {name: x}\n", "aws.region"),
    ] {
        std::fs::write(&path, config).expect("the config");
        let output =
            command().arg("--kubeconfig").arg(kubeconfig).arg("--config").arg(&path).output().expect("orca");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(says), "{config}: {text}");
    }
    std::fs::write(&path, "aws: {region: us-west-2}\n").expect("the config");
    let missing = folder.path().join("nowhere");
    let output =
        command().arg("--kubeconfig").arg(&missing).arg("--config").arg(&path).output().expect("orca");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("nowhere"), "{text}");
    // Nobody listens on the discard port of loopback.
    let unreachable = folder.path().join("unreachable");
    let text = std::fs::read_to_string(kubeconfig).expect("a kubeconfig");
    std::fs::write(&unreachable, text.replace(&world.server_url(), "https://127.0.0.1:9")).expect("written");
    let output =
        command().arg("--kubeconfig").arg(&unreachable).arg("--config").arg(&path).output().expect("orca");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("https://127.0.0.1:9") && text.contains("did not answer within 30 s"), "{text}");
    assert!(world.cluster.get(NODES, NODE).await.is_none(), "nothing is registered");
}

async fn a_node_of_somebody_else_is_not_taken_over(world: World) {
    world
        .apply(&format!("apiVersion: v1\nkind: Node\nmetadata: {{name: {NODE}, labels: {{team: other}}}}\n"))
        .await;
    let before = world.cluster.get(NODES, NODE).await.expect("the node");
    let mut orca = world.start_only();
    assert_eq!(orca.exit().await, Some(1), "{}", orca.log());
    assert!(orca.log().contains("--adopt-node"), "{}", orca.log());
    let after = world.cluster.get(NODES, NODE).await.expect("the node");
    assert_eq!(before["metadata"]["labels"], after["metadata"]["labels"]);
    // The control plane itself may write taints on it; ORCA wrote nothing.
    assert_eq!(world.audited("patch", "nodes") + world.audited("patch", "nodes/status"), 0);
}
