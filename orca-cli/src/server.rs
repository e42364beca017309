//! The port for health and metrics, with bodies in the form of the API server's own health endpoints.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

mod checks;

pub use checks::{Check, Probe};

use checks::{Answer, Asked, Group};

/// What is served.
#[derive(Debug, Default)]
pub struct Pages {
    /// `/livez` and `/healthz`: a failure means that ORCA must be started again.
    pub live: Vec<Check>,
    /// `/readyz`: a failure means that ORCA does not do its work at present.
    pub ready: Vec<Check>,
    /// The metrics and their path, if they are wanted.
    pub metrics: Option<(String, Arc<Registry>)>,
}

/// Why the port is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServerFailure {
    /// The address is not free or not ours.
    #[error(
        "health and metrics cannot be served on {address}: {source}; choose another port with metrics.port or --metrics-addr"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// Serving ended.
    #[error("health and metrics are served no more: {0}")]
    Serve(#[source] io::Error),
}

/// A server that has its port.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Server {
    /// Takes the port. Requests wait until [`Self::serve`].
    ///
    /// # Errors
    ///
    /// The address is taken or cannot be had.
    pub async fn bind(address: SocketAddr, pages: Pages) -> Result<Self, ServerFailure> {
        let failed = |source| ServerFailure::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, router: router(pages) })
    }

    /// The address, with the real port when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, and lets requests end that have begun.
    ///
    /// # Errors
    ///
    /// The socket failed.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), ServerFailure> {
        let server = axum::serve(self.listener, self.router).with_graceful_shutdown(stop.cancelled_owned());
        server.await.map_err(ServerFailure::Serve)
    }
}

fn router(pages: Pages) -> Router {
    let live: Arc<[Check]> = pages.live.into();
    let ready = Group::new("readyz", pages.ready.into());
    let mut router = Router::new();
    for group in [Group::new("livez", Arc::clone(&live)), Group::new("healthz", live), ready] {
        router = with_group(router, group);
    }
    match pages.metrics {
        // Not as a route: axum panics on a path of the config that is a pattern, or one of the paths above.
        Some((path, registry)) => router.fallback(move |uri: Uri| async move {
            if uri.path() == path { metrics(&registry) } else { StatusCode::NOT_FOUND.into_response() }
        }),
        None => router,
    }
}

fn with_group(router: Router, group: Group) -> Router {
    let one = group.clone();
    let (all_path, one_path) = (format!("/{}", group.name()), format!("/{}/{{check}}", group.name()));
    router
        .route(
            &all_path,
            get(move |RawQuery(query)| async move { answer(group.all(&Asked::read(query.as_deref()))) }),
        )
        .route(&one_path, get(move |Path(check): Path<String>| async move { answer(one.one(&check)) }))
}

fn answer(answer: Answer) -> Response {
    let (status, body) = match answer {
        Answer::Passed(body) => (StatusCode::OK, body),
        Answer::Failed(body) => (StatusCode::INTERNAL_SERVER_ERROR, body),
        Answer::NoSuchCheck(body) => (StatusCode::NOT_FOUND, body),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-cache, private"),
    ];
    (status, headers, body).into_response()
}

fn metrics(registry: &Registry) -> Response {
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the metrics cannot be written: {error}\n"))
                .into_response()
        }
    }
}

#[cfg(test)]
mod tests;
