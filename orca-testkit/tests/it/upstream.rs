//! The smallest server that the proxy can stand in front of: it launches, describes and terminates.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::{Url, form_urlencoded};

/// The instances and their states.
type Instances = Arc<Mutex<Vec<(String, &'static str)>>>;

pub(crate) struct Upstream {
    pub(crate) url: Url,
    instances: Instances,
    task: JoinHandle<()>,
}

impl Upstream {
    /// A server whose launches take this long.
    pub(crate) async fn start(launch_time: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url =
            Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("a URL");
        let instances = Instances::default();
        let shared = Arc::clone(&instances);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(request, Arc::clone(&shared), launch_time));
                    // The client closes as it likes.
                    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self { url, instances, task }
    }

    pub(crate) fn launched(&self) -> usize {
        self.instances.lock().expect("the lock").len()
    }

    /// Ends an instance behind the proxy's back.
    pub(crate) fn terminate(&self, id: &str) {
        set_terminated(&self.instances, id);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn set_terminated(instances: &Instances, id: &str) {
    for instance in instances.lock().expect("the lock").iter_mut().filter(|instance| instance.0 == id) {
        instance.1 = "terminated";
    }
}

async fn answer(
    request: Request<Incoming>,
    instances: Instances,
    launch_time: Duration,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let json = request.headers().contains_key("x-amz-target");
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    let parameters: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let get = |name: &str| parameters.get(name).map(String::as_str);
    let (status, kind, body) = match get("Action") {
        _ if json => (200, "application/json", "{}".to_owned()),
        Some("RunInstances") if get("ImageId") == Some("ami-missing") => (
            400,
            "text/xml",
            "<Response><Errors><Error><Code>InvalidAMIID.NotFound</Code></Error></Errors></Response>".into(),
        ),
        Some("RunInstances") => {
            tokio::time::sleep(launch_time).await;
            let mut instances = instances.lock().expect("the lock");
            let id = format!("i-{:017x}", instances.len() + 1);
            instances.push((id.clone(), "running"));
            (
                200,
                "text/xml",
                format!("<RunInstancesResponse>{}</RunInstancesResponse>", item(&id, "pending")),
            )
        }
        Some("DescribeInstances") => {
            let wanted = |id: &str| get("InstanceId.1").is_none_or(|wanted| wanted == id);
            let instances = instances.lock().expect("the lock");
            let items: String =
                instances.iter().filter(|i| wanted(&i.0)).map(|(id, state)| item(id, state)).collect();
            (200, "text/xml", format!("<DescribeInstancesResponse>{items}</DescribeInstancesResponse>"))
        }
        Some("TerminateInstances") => {
            let id = get("InstanceId.1").expect("an id");
            set_terminated(&instances, id);
            (
                200,
                "text/xml",
                format!(
                    "<TerminateInstancesResponse><item><instanceId>{id}</instanceId></item></TerminateInstancesResponse>"
                ),
            )
        }
        _ => (500, "text/html; charset=utf-8", "<!doctype html><h1>Internal Server Error</h1>".to_owned()),
    };
    let response = Response::builder().status(status).header("Content-Type", kind);
    Ok(response.body(Full::from(body)).expect("a response"))
}

fn item(id: &str, state: &str) -> String {
    let code = match state {
        "pending" => 0,
        "running" => 16,
        _ => 48,
    };
    format!(
        "<item><instanceId>{id}</instanceId><imageId>ami-1</imageId><instanceState><code>{code}</code>\
         <name>{state}</name></instanceState></item>"
    )
}
