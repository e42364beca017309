//! What the server sends back.

use std::convert::Infallible;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::Value;

use super::error::ApiError;

/// The body of an answer: bytes, or the lines of a watch.
pub type ApiBody = UnsyncBoxBody<Bytes, Infallible>;

/// An answer before it becomes HTTP.
pub(crate) struct Answer {
    pub(crate) code: u16,
    headers: Vec<(HeaderName, HeaderValue)>,
    content: Content,
}

enum Content {
    Bytes(Bytes),
    Stream(BoxStream<'static, Bytes>),
    Ready(Box<Response<ApiBody>>),
}

impl Answer {
    pub(crate) fn json(code: u16, value: &Value) -> Self {
        Self::bytes(code, serde_json::to_vec(value).unwrap_or_default().into())
    }

    /// Bytes that are JSON already.
    pub(crate) fn bytes(code: u16, body: Bytes) -> Self {
        Self::of("application/json", code, Content::Bytes(body))
    }

    pub(crate) fn text(body: &'static str) -> Self {
        Self::of("text/plain; charset=utf-8", 200, Content::Bytes(Bytes::from_static(body.as_bytes())))
    }

    /// What a proxy says of a path that it does not know.
    pub(crate) fn foreign_not_found() -> Self {
        Self { code: 404, ..Self::text("404 page not found\n") }
    }

    /// A pod that is not the requested one.
    pub(crate) fn other_object() -> Self {
        let metadata = serde_json::json!({ "namespace": "default", "name": "other", "uid": "other", "resourceVersion": "1" });
        Self::json(200, &serde_json::json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata }))
    }

    pub(crate) fn stream(lines: BoxStream<'static, Bytes>) -> Self {
        Self::of("application/json", 200, Content::Stream(lines))
    }

    /// An answer of another server, such as a kubelet behind the proxy verb.
    pub(crate) fn ready(response: Response<ApiBody>) -> Self {
        let code = response.status().as_u16();
        Self { code, headers: Vec::new(), content: Content::Ready(Box::new(response)) }
    }

    fn of(media_type: &'static str, code: u16, content: Content) -> Self {
        Self { code, headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], content }
    }

    /// The same JSON under another media type.
    pub(crate) fn media_type(self, media_type: &'static str) -> Self {
        self.replace(header::CONTENT_TYPE, media_type)
    }

    /// A warning for the person who called.
    pub(crate) fn warning(mut self, text: &str) -> Self {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{text}\"")) {
            self.headers.push((header::WARNING, value));
        }
        self
    }

    fn replace(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.retain(|(found, _)| *found != name);
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    pub(crate) fn into_response(self) -> Response<ApiBody> {
        let body: ApiBody = match self.content {
            Content::Ready(response) => return *response,
            Content::Bytes(bytes) => Full::new(bytes).boxed_unsync(),
            Content::Stream(lines) => {
                StreamBody::new(lines.map(|line| Ok::<_, Infallible>(Frame::data(line)))).boxed_unsync()
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

impl From<ApiError> for Answer {
    fn from(error: ApiError) -> Self {
        let answer = Self::json(error.code, &error.status());
        let delay = error.details.as_ref().and_then(|details| details["retryAfterSeconds"].as_u64());
        match delay {
            Some(_) => answer.replace(header::RETRY_AFTER, "1"),
            None => answer,
        }
    }
}
