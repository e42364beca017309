//! Answers: the upstream's, and those that the proxy gives in its stead.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use hyper::{Response, StatusCode};

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The EC2-compatible server.
    Upstream,
    /// The token memory: the launch had been made before.
    Memory,
    /// The proxy: a fault, or an error that the upstream does not know.
    Proxy,
}

#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) by: AnsweredBy,
}

impl Answer {
    pub(super) fn from_upstream(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        let mut headers = head.headers;
        // These belong to the upstream's connection and body; the client has its own.
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        Self { status: head.status, headers, body, by: AnsweredBy::Upstream }
    }

    /// An error in the form of the EC2 query protocol.
    pub(super) fn error(status: u16, code: &str, message: &str) -> Self {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code><Message>{}\
             </Message></Error></Errors><RequestID>orca-testkit-proxy</RequestID></Response>",
            escape(code),
            escape(message)
        );
        Self::own(status, "text/xml;charset=UTF-8", body)
    }

    /// An error in the form of the JSON services.
    pub(super) fn json_error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": message }).to_string();
        Self::own(status, "application/x-amz-json-1.1", body)
    }

    /// What an instance between the client and AWS says when something is wrong with it.
    pub(super) fn not_from_aws(status: u16) -> Self {
        Self::own(status, "text/html", format!("<html><body><h1>{status}</h1></body></html>"))
    }

    fn own(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]),
            body: body.into(),
            by: AnsweredBy::Proxy,
        }
    }

    pub(super) fn is_html_500(&self) -> bool {
        let html = |value: &HeaderValue| value.as_bytes().starts_with(b"text/html");
        self.status == StatusCode::INTERNAL_SERVER_ERROR && self.headers.get(CONTENT_TYPE).is_some_and(html)
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    pub(super) fn error_code(&self) -> Option<String> {
        if self.status.is_success() {
            return None;
        }
        if let Some(code) = elements(self.text(), "Code").next() {
            return Some(code.to_owned());
        }
        let json: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        json.get("__type")?.as_str().map(str::to_owned)
    }

    /// The instances that the answer names, each once.
    pub(super) fn instance_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = elements(self.text(), "instanceId").map(str::to_owned).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// The texts of the elements of this name that hold nothing but text.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let open = format!("<{name}>");
    let mut rest = xml;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let content = rest.get(start..)?;
        let end = content.find('<')?;
        rest = content.get(end..)?;
        content.get(..end)
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
