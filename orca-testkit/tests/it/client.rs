//! A bare client of the EC2 query protocol, which tells a closed connection from an answer.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use hyper::http::request::Builder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use url::Url;
use url::form_urlencoded::Serializer;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn text(&self, element: &str) -> Option<&str> {
        let rest = self.body.split_once(&format!("<{element}>"))?.1;
        rest.split_once('<').map(|(text, _)| text)
    }

    pub(crate) fn instance(&self) -> &str {
        self.text("instanceId").expect("an instance")
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.text("Code")
    }
}

/// Sends one call; `Err` when the connection ends without an answer.
pub(crate) async fn send(endpoint: &Url, parameters: &[(&str, &str)]) -> Result<Reply, String> {
    let form = Serializer::new(String::new()).extend_pairs(parameters).finish();
    let form_type = "application/x-www-form-urlencoded; charset=utf-8";
    exchange(Request::post(endpoint.as_str()).header(CONTENT_TYPE, form_type), "ec2", form).await
}

/// Sends one call of a JSON service.
pub(crate) async fn send_json(endpoint: &Url, target: &str, body: &str) -> Result<Reply, String> {
    let request = Request::post(endpoint.as_str()).header("X-Amz-Target", target);
    exchange(request.header(CONTENT_TYPE, "application/x-amz-json-1.1"), "ssm", body.to_owned()).await
}

async fn exchange(request: Builder, service: &str, body: String) -> Result<Reply, String> {
    // The servers choose the service by the scope of the signature.
    let scope = format!("Credential=test/20260101/us-west-2/{service}/aws4_request");
    let authorization = format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00");
    let request = request.header(AUTHORIZATION, authorization);
    let request = request.body(Full::<Bytes>::from(body)).expect("a request");
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let reply = async {
        let response = client.request(request).await.map_err(|error| format!("{error:?}"))?;
        assert!(response.headers().contains_key(DATE), "AWS clients set their clock by it");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok(Reply { status, body: String::from_utf8_lossy(&body).into_owned() })
    };
    tokio::time::timeout(Duration::from_secs(30), reply).await.expect("an end within 30 s")
}

/// The parameters of a launch for a pod.
pub(crate) fn launch<'a>(token: &'a str, pod: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Action", "RunInstances"),
        ("ClientToken", token),
        ("ImageId", "ami-1"),
        ("InstanceType", "t3.micro"),
        ("MaxCount", "1"),
        ("MinCount", "1"),
        ("TagSpecification.1.ResourceType", "instance"),
        ("TagSpecification.1.Tag.1.Key", "orca.research/pod-uid"),
        ("TagSpecification.1.Tag.1.Value", pod),
    ]
}
