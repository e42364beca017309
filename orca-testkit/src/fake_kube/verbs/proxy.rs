//! Logs, exec, attach and port-forward: passed on to the node that runs the pod.

use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use url::form_urlencoded;

use crate::fake_kube::answer::{Answer, ApiBody};
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::ApiError;
use crate::fake_kube::kubelet;
use crate::fake_kube::object::Object;
use crate::fake_kube::request::ApiRequest;
use crate::fake_kube::resource::NODES;
use crate::fake_kube::route::Place;

/// A client's connection that may become a tunnel. It can be taken once.
#[derive(Clone, Debug)]
pub(crate) struct Upgrade(Arc<Mutex<Option<OnUpgrade>>>);

impl Upgrade {
    pub(crate) fn new(upgrade: OnUpgrade) -> Self {
        Self(Arc::new(Mutex::new(Some(upgrade))))
    }

    fn take(&self) -> Option<OnUpgrade> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

pub(super) async fn forward(
    cluster: &Cluster,
    request: &ApiRequest,
    place: &Place,
    upgrade: Option<Upgrade>,
) -> Result<Answer, ApiError> {
    if !matches!(request.method, Method::GET | Method::POST) {
        return Err(ApiError::method_not_allowed());
    }
    let pod = cluster.store.get(place.resource, place.space(), place.title())?;
    let target = target(request, place.below(), &pod)?;
    let node = pod.text("/spec/nodeName");
    if node.is_empty() {
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", pod.name())));
    }
    let node = cluster.store.get(&NODES, "", node)?;
    let address = address(&node)?;
    let failed = |what: String| {
        let verb = if request.method == Method::GET { "Get" } else { "Post" };
        ApiError::internal(format!("{verb} \"https://{address}{target}\": {what}"))
    };
    let mut sender = kubelet::connect(&address).await.map_err(failed)?;
    let mut forwarded = Request::new(Empty::new());
    *forwarded.method_mut() = request.method.clone();
    *forwarded.uri_mut() =
        target.parse().map_err(|_| ApiError::bad_request("the path cannot be passed on"))?;
    *forwarded.headers_mut() = passed_on(&request.headers);
    if let Ok(host) = address.parse() {
        forwarded.headers_mut().insert(header::HOST, host);
    }
    let mut response = sender.send_request(forwarded).await.map_err(|error| failed(error.to_string()))?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let Some(client) = upgrade.and_then(|upgrade| upgrade.take()) else {
            return Err(ApiError::bad_request("this connection cannot be upgraded"));
        };
        let server = hyper::upgrade::on(&mut response);
        tokio::spawn(tunnel(client, server));
    }
    let (parts, body) = response.into_parts();
    // A body that breaks off ends; the client sees less than it hoped for, as with the real server.
    let body: ApiBody = kubelet::until_broken(body).boxed_unsync();
    Ok(Answer::ready(Response::from_parts(parts, body)))
}

async fn tunnel(client: OnUpgrade, server: OnUpgrade) {
    let (Ok(client), Ok(server)) = (client.await, server.await) else {
        return;
    };
    let (mut client, mut server) = (TokioIo::new(client), TokioIo::new(server));
    // Either side may hang up whenever it likes.
    if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut server).await {
        tracing::debug!(%error, "a tunnel to a node has ended");
    }
}

/// The headers that make an upgrade work, and what kind of answer is wanted.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let is_kept = |name: &str| {
        matches!(name, "connection" | "upgrade" | "accept")
            || name.starts_with("sec-websocket-")
            || name.starts_with("x-stream-")
    };
    headers
        .iter()
        .filter(|(name, _)| is_kept(name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Host and port of the node's kubelet.
fn address(node: &Object) -> Result<String, ApiError> {
    let addresses = node.items("/status/addresses");
    let of = |kind: &str| {
        let found = addresses.iter().find(|address| address["type"] == kind);
        found.and_then(|address| address["address"].as_str()).filter(|host| !host.is_empty())
    };
    let host = of("InternalIP").or_else(|| of("Hostname")).ok_or_else(|| {
        let known: Vec<String> = addresses.iter().map(Value::to_string).collect();
        ApiError::internal(format!("no preferred addresses found; known addresses: [{}]", known.join(" ")))
    })?;
    let port = node.number("/status/daemonEndpoints/kubeletEndpoint/Port").unwrap_or(10250);
    Ok(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

/// The path and query on the node.
fn target(request: &ApiRequest, below: &str, pod: &Object) -> Result<String, ApiError> {
    let (namespace, name) = (pod.namespace(), pod.name());
    if below == "portforward" {
        return Ok(with_query(&format!("/portForward/{namespace}/{name}"), request, &[]));
    }
    let container = container(request.parameter("container"), pod)?;
    let path = match below {
        "log" => "containerLogs",
        other => other,
    };
    let renamed: &[(&str, &str)] =
        if below == "log" { &[] } else { &[("stdin", "input"), ("stdout", "output"), ("stderr", "error")] };
    Ok(with_query(&format!("/{path}/{namespace}/{name}/{container}"), request, renamed))
}

fn with_query(path: &str, request: &ApiRequest, renamed: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in request.query.iter().filter(|(key, _)| key != "container") {
        match renamed.iter().find(|(from, _)| from == key) {
            Some((_, to)) if value == "true" => query.append_pair(to, "1"),
            Some(_) => &mut query,
            None if key == "tty" && value == "true" && !renamed.is_empty() => query.append_pair("tty", "1"),
            None => query.append_pair(key, value),
        };
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn container(wanted: &str, pod: &Object) -> Result<String, ApiError> {
    let names = |pointer: &str| -> Vec<String> {
        pod.items(pointer).iter().filter_map(|one| one["name"].as_str()).map(str::to_owned).collect()
    };
    let (containers, inits) = (names("/spec/containers"), names("/spec/initContainers"));
    match (wanted, containers.as_slice()) {
        ("", [one]) => Ok(one.clone()),
        ("", _) => {
            let mut text = format!(
                "a container name must be specified for pod {}, choose one of: [{}]",
                pod.name(),
                containers.join(" ")
            );
            if !inits.is_empty() {
                text.extend([" or one of the init containers: [", &inits.join(" "), "]"]);
            }
            Err(ApiError::bad_request(text))
        }
        (name, _) if containers.iter().chain(&inits).any(|known| known == name) => Ok(name.to_owned()),
        (name, _) => {
            Err(ApiError::bad_request(format!("container {name} is not valid for pod {}", pod.name())))
        }
    }
}
