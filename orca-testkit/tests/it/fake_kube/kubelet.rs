//! Logs and tunnels through the API server to a node.

use std::net::SocketAddr;

use orca_testkit::fake_kube::{FakeKube, Options, Transport, resource};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A node that answers each connection in plain text: a log, or an echo after an upgrade.
async fn node() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

async fn serve(mut stream: TcpStream) -> Option<()> {
    let head = head(&mut stream).await?;
    if head.starts_with("GET /containerLogs/default/p/c?tailLines=1 ") {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nline\n").await.ok()?;
    } else if head.starts_with("GET /exec/default/p/c?command=ls&output=1 ")
        && head.to_lowercase().contains("upgrade: websocket")
    {
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(answer).await.ok()?;
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.ok()?;
        stream.write_all(&bytes).await.ok()?;
    }
    Some(())
}

/// Everything up to the empty line; nothing when it is no text.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") && bytes.len() < 4096 {
        bytes.push(stream.read_u8().await.ok()?);
        // A handshake of TLS begins like this, and this node speaks none.
        if bytes[0] == 0x16 {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

fn fake(node: SocketAddr) -> FakeKube {
    let fake = FakeKube::new(&Options::new(orca_core::clock::system(), 1));
    let made = fake.store().create(
        &resource::NODES,
        json!({
            "apiVersion": "v1", "kind": "Node", "metadata": { "name": "n" },
            "status": {
                "addresses": [{ "type": "InternalIP", "address": node.ip().to_string() }],
                "daemonEndpoints": { "kubeletEndpoint": { "Port": node.port() } },
            },
        }),
    );
    made.expect("a node");
    let made = fake.store().create(
        &resource::PODS,
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "default" },
            "spec": { "nodeName": "n", "containers": [{ "name": "c", "image": "i" }] },
        }),
    );
    made.expect("a pod");
    fake
}

#[tokio::test]
async fn logs_and_tunnels_are_passed_on() {
    let fake = fake(node().await);
    let served =
        fake.serve("127.0.0.1:0".parse().expect("an address"), Transport::Plain).await.expect("served");
    let pod = "/api/v1/namespaces/default/pods/p";

    let mut client = TcpStream::connect(served.address()).await.expect("a connection");
    let request =
        format!("GET {pod}/log?container=c&tailLines=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("line\n"), "{answer}");

    let mut client = TcpStream::connect(served.address()).await.expect("a connection");
    let request = format!(
        "GET {pod}/exec?command=ls&stdout=true HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(client.read_u8().await.expect("an answer"));
    }
    assert!(bytes.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&bytes));
    client.write_all(b"ping").await.expect("sent");
    let mut echo = [0; 4];
    client.read_exact(&mut echo).await.expect("an echo");
    assert_eq!(&echo, b"ping");
}
