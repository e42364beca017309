//! The port: one task per connection, which can be closed without an answer.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::actions;
use super::query::Query;
use crate::fake_ec2::FakeEc2;

/// User data has at most 16 KiB, and a call at most a thousand ids: this is far more than any lawful one needs.
const BODY: usize = 4 << 20;
/// More connections at a time wait for their turn.
const CONNECTIONS: usize = 1_024;

/// An error of the service is the way to make hyper close the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct Closed;

/// Serves until it is aborted; its connections end with it.
pub(super) async fn serve(listener: TcpListener, ec2: FakeEc2) {
    let mut connections = JoinSet::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let ec2 = ec2.clone();
                connections.spawn(async move {
                    connection(stream, ec2).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors, for example: at once again would only burn the processor.
                tracing::warn!(%error, "no connection accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, ec2: FakeEc2) {
    let service = service_fn(|request| answer(request, ec2.clone()));
    let ended =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "connection closed");
    }
}

async fn answer(request: Request<Incoming>, ec2: FakeEc2) -> Result<Response<Full<Bytes>>, Closed> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY).collect().await.map_err(|_| Closed)?.to_bytes();
    call(ec2, Query::new(&head, &body)).await.ok_or(Closed)
}

/// In a separate task, so that a call goes on when its client stops waiting, as at AWS.
pub(super) async fn call(ec2: FakeEc2, query: Query) -> Option<Response<Full<Bytes>>> {
    let call = tokio::spawn(async move { actions::answer(&ec2, &query).await });
    call.await.ok().flatten()
}
