//! The proxy's port: one task per connection, which it can close without an answer.

use super::exchange::Exchange;
use super::query::Query;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// An error of the service is the way to make hyper close the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
struct Closed;

/// Serves until it is aborted; its connections end with it.
pub(super) async fn serve(listener: TcpListener, exchange: Arc<Exchange>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&exchange)));
                }
                Err(error) => {
                    // Out of file descriptors, for example: at once again would only burn the processor.
                    tracing::warn!(%error, "no connection accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, exchange: Arc<Exchange>) {
    let service = service_fn(|request| answer(request, Arc::clone(&exchange)));
    let ended =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = ended {
        tracing::debug!(%error, "connection closed");
    }
}

async fn answer(
    request: Request<Incoming>,
    exchange: Arc<Exchange>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let query = Query::read(request).await.ok_or(Closed)?;
    // A task of its own: a call goes on when its client gives up waiting, as it does at AWS.
    let call = tokio::spawn(async move { exchange.handle(&query).await });
    match call.await {
        Ok(Some(answer)) => Ok(answer.into_response()),
        Ok(None) | Err(_) => Err(Closed),
    }
}
