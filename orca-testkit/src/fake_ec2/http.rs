//! The face over HTTP: EC2's query protocol, and what ORCA and its probes ask of the parameter store and of STS.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use super::FakeEc2;

mod actions;
mod answer;
mod listener;
mod query;
mod xml;

/// A fake EC2 that listens; dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Served {
    endpoint: Url,
    listener: JoinHandle<()>,
}

impl Served {
    /// Where it listens: the endpoint URL for an AWS client.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl FakeEc2 {
    /// Answers one request without a network, for HTTP clients whose connector can be replaced. None: the connection would
    /// be closed without an answer.
    pub async fn answer_http(&self, request: Request<Bytes>) -> Option<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        listener::call(self.clone(), query::Query::new(&head, &body)).await
    }

    /// Listens at this address; port 0 is any free port. It must be called inside of a tokio runtime.
    ///
    /// Of signatures only the date is checked: anybody who reaches the port may do everything.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub async fn serve(&self, address: SocketAddr) -> Result<Served, io::Error> {
        let listener = TcpListener::bind(address).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let endpoint = Url::parse(&url).map_err(io::Error::other)?;
        let listener = tokio::spawn(listener::serve(listener, self.clone()));
        Ok(Served { endpoint, listener })
    }
}
