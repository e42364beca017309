//! The endpoints over a real socket on loopback.

use std::net::Ipv4Addr;

use prometheus_client::metrics::counter::Counter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn ask(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: orca\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("received");
    let (head, body) = text.split_once("\r\n\r\n").expect("head and body");
    (head.split(' ').nth(1).expect("a status").parse().expect("a number"), body.to_owned())
}

fn pages() -> Pages {
    let mut registry = Registry::default();
    let launches: Counter = Counter::default();
    launches.inc();
    registry.register("orca_launches", "Launches", launches);
    Pages {
        live: vec![Check::new("loops", || Ok(()))],
        ready: vec![
            Check::new("pods", || Ok(())),
            Check::new("node-lease", || Err("the node lease was last renewed 55 s ago".into())),
        ],
        metrics: Some(("/metrics".into(), Arc::new(registry))),
    }
}

async fn served() -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<Result<(), ServerFailure>>) {
    let server = Server::bind(ANY_PORT, pages()).await.expect("a free port");
    let (address, stop) = (server.address(), CancellationToken::new());
    let task = tokio::spawn(server.serve(stop.clone()));
    (address, stop, task)
}

#[tokio::test]
async fn health_has_the_form_of_the_api_servers() {
    let (address, _stop, _task) = served().await;
    for (path, status, body) in [
        ("/livez", 200, "ok"),
        ("/healthz", 200, "ok"),
        ("/livez?verbose", 200, "[+]ping ok\n[+]loops ok\nlivez check passed\n"),
        (
            "/readyz",
            500,
            "[+]ping ok\n[+]pods ok\n[-]node-lease failed: the node lease was last renewed 55 s ago\nreadyz check failed\n",
        ),
        ("/readyz?exclude=node-lease", 200, "ok"),
        (
            "/readyz?verbose&exclude=node-lease&exclude=x",
            200,
            "[+]ping ok\n[+]pods ok\n[+]node-lease excluded: ok\n\
             warn: some health checks cannot be excluded: no matches for \"x\"\nreadyz check passed\n",
        ),
        ("/readyz/pods", 200, "ok"),
        ("/readyz/node-lease", 500, "[-]node-lease failed: the node lease was last renewed 55 s ago\n"),
        ("/readyz/x", 404, "there is no such check; give one of ping, pods, node-lease\n"),
    ] {
        assert_eq!(ask(address, path).await, (status, body.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn metrics_are_openmetrics_text() {
    let (address, _stop, _task) = served().await;
    let (status, body) = ask(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(body.contains("orca_launches_total 1") && body.ends_with("# EOF\n"), "{body}");
}

#[tokio::test]
async fn a_strange_path_of_metrics_breaks_nothing() {
    for path in ["/livez", "/{", "/:x"] {
        let pages = Pages { metrics: Some((path.into(), Arc::new(Registry::default()))), ..Pages::default() };
        let server = Server::bind(ANY_PORT, pages).await.expect("a free port");
        let address = server.address();
        tokio::spawn(server.serve(CancellationToken::new()));
        assert_eq!(ask(address, "/livez").await, (200, "ok".to_owned()), "{path}");
        assert_eq!(ask(address, "/other").await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_taken_port_names_address_and_remedy() {
    let first = Server::bind(ANY_PORT, Pages::default()).await.expect("a free port");
    let text = Server::bind(first.address(), Pages::default()).await.expect_err("taken").to_string();
    assert!(
        text.contains(&first.address().to_string()) && text.contains("metrics.port or --metrics-addr"),
        "{text}"
    );
}

#[tokio::test]
async fn it_stops_when_told() {
    let (_address, stop, task) = served().await;
    stop.cancel();
    task.await.expect("joined").expect("a clean stop");
}
