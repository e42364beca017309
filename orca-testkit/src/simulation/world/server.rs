//! The way from the controller to the API server: each request takes a while, and one that was sent is carried out
//! whatever becomes of the process.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use fastrand::Rng;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use kube::client::Body;
use serde_json::json;
use tower::Service;

use super::line::{Hole, Holes};
use super::recorder::Recorder;
use crate::fake_ec2::Span;
use crate::fake_kube::{ApiBody, ApiService};
use crate::simulation::history::Fact;

type Answer = Result<Response<ApiBody>, io::Error>;

/// The API server as the controller reaches it.
#[derive(Clone)]
pub(super) struct KubeLine {
    pub(super) server: ApiService,
    pub(super) delay: Span,
    pub(super) rng: Arc<Mutex<Rng>>,
    pub(super) recorder: Recorder,
    pub(super) holes: Holes,
}

impl Service<Request<Body>> for KubeLine {
    type Response = Response<ApiBody>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut this = self.clone();
        let delay = self.delay.draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(async move {
            let is_read = request.method() == Method::GET;
            let path = request.uri().path().to_owned();
            let way = async move {
                // There and back: half of the time each.
                tokio::time::sleep(delay / 2).await;
                let answer = this.ask(request).await;
                tokio::time::sleep(delay / 2).await;
                (answer, this)
            };
            // If the reader is gone, its read does not matter.
            let (answer, this) = if is_read {
                way.await
            } else {
                let gone = |_| io::Error::new(io::ErrorKind::ConnectionReset, "the request went away");
                tokio::spawn(way).await.map_err(gone)?
            };
            Ok(this.with_hole(answer?, &path))
        })
    }
}

impl KubeLine {
    /// Asks the server, and writes down what was asked about pods.
    async fn ask(&mut self, request: Request<Body>) -> Answer {
        let verb = match *request.method() {
            Method::DELETE => "delete",
            Method::PATCH => "patch",
            _ => return self.server.call(request).await,
        };
        let name = pod_of(request.uri().path()).map(str::to_owned);
        let Some(name) = name else { return self.server.call(request).await };
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let sent: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let uid = [&sent["preconditions"]["uid"], &sent["metadata"]["uid"]]
            .into_iter()
            .find_map(|uid| uid.as_str().map(str::to_owned));
        let request = Request::from_parts(parts, Body::from(body));
        let answer = self.server.call(request).await;
        let code = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        self.recorder.note(Fact::Request { verb: verb.to_owned(), name, uid, code });
        answer
    }

    /// The hole that takes every 404 for the registry's own.
    fn with_hole(&self, answer: Response<ApiBody>, path: &str) -> Response<ApiBody> {
        let name = pod_of(path).filter(|_| answer.status() == StatusCode::NOT_FOUND);
        match name.filter(|_| self.holes.has(Hole::AnyNotFound)) {
            Some(name) => answer.map(|_| Full::new(Bytes::from(not_found(name).to_string())).boxed_unsync()),
            None => answer,
        }
    }
}

fn not_found(name: &str) -> serde_json::Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404,
        "message": format!("pods \"{name}\" not found"), "details": { "name": name, "kind": "pods" },
    })
}

/// The pod that a path names.
fn pod_of(path: &str) -> Option<&str> {
    let (_, name) = path.split_once("/pods/")?;
    name.split('/').next()
}
