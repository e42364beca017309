//! What cannot work says so, ends with a code, and registers nothing.

use super::cluster::NODES;
use super::world::{NODE, Orca, World, command};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

anywhere! {
    what_cannot_work_says_so_and_registers_nothing,
    a_node_of_somebody_else_is_not_taken_over,
}
servers_only! {
    a_node_that_the_roles_do_not_name_is_not_ready_and_says_so,
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
    let last = text.lines().last().expect("a message");
    assert_eq!(last.matches("Connection refused").count(), 1, "the whole chain, once: {last}");
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

/// The answer of `/readyz?verbose`, once the port is known.
async fn ready(orca: &Orca) -> Option<String> {
    let log = orca.log();
    let (_, after) = log.split_once("\"address\":\"")?;
    let (address, _) = after.split_once('"')?;
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let request = "GET /readyz?verbose HTTP/1.1\r\nhost: orca\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await.ok()?;
    Some(text)
}

async fn a_node_that_the_roles_do_not_name_is_not_ready_and_says_so(world: World) {
    let orca = world.start_with(&[("ORCA_NODE_NAME", "other-node")]);
    let says = "the shipped Roles name the node orca-aws-node, and this one is called other-node";
    world
        .eventually("the probe says which Role is wrong", || async {
            let text = ready(&orca).await?;
            let is_told = text
                .contains("[-]leader failed: the leader lease cannot be read or written: forbidden")
                && text.contains(says);
            (is_told && text.starts_with("HTTP/1.1 500")).then_some(())
        })
        .await;
    assert!(orca.log().contains(says), "{}", orca.log());
    drop(orca);
    // Who stands by behind one that leads is ready.
    let _leading = world.orca().await;
    let second = world.start_only();
    world
        .eventually("the second stands by and is ready", || async {
            ready(&second)
                .await
                .filter(|text| text.contains("[+]leader ok") && text.starts_with("HTTP/1.1 200"))
        })
        .await;
}
