//! The plain HTTP client of the harness: one connection per call, every call bounded.

use super::Error;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    limit: Duration,
}

impl Http {
    pub(crate) fn new(limit: Duration) -> Self {
        // No pool: a call on a kept connection that the server is just closing fails although the server
        // is well, and a proxy must not add faults that nobody has asked for.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { client, limit }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
        let url = request.uri().to_string();
        let failed = |source| Error::NoAnswer { url: url.clone(), source };
        let exchange = async {
            let (head, body) = self.client.request(request).await.map_err(|e| failed(e.into()))?.into_parts();
            let body = body.collect().await.map_err(|e| failed(e.into()))?.to_bytes();
            Ok(Response::from_parts(head, body))
        };
        tokio::time::timeout(self.limit, exchange).await.unwrap_or_else(|late| Err(failed(late.into())))
    }

    /// A call of the EC2 query protocol.
    pub(crate) async fn ec2(
        &self,
        url: &Url,
        authorization: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Response<Bytes>, Error> {
        let form = Serializer::new(String::new())
            .append_pair("Version", "2016-11-15")
            .extend_pairs(parameters)
            .finish();
        let request = Request::post(url.as_str())
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
            .body(Full::from(form))
            .map_err(|source| Error::NoAnswer { url: url.to_string(), source: source.into() })?;
        self.send(request).await
    }
}
