//! From the outcome of a call to an HTTP response.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, DATE, HeaderValue};
use hyper::{Response, StatusCode};
use jiff::Timestamp;

use super::xml::Xml;
use crate::fake_ec2::api_error::ApiError;

/// Every answer has one; its value does not matter.
const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// How a service words its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// EC2's query protocol.
    Ec2,
    /// The query protocol of all others.
    Query,
    /// JSON 1.1.
    Json,
}

/// A success of EC2: the elements of the answer.
pub(super) fn ec2(action: &str, inside: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::default();
    xml.leaf("requestId", REQUEST_ID);
    inside(&mut xml);
    let body = xml.into_text();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response \
         xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">{body}</{action}Response>"
    )
}

/// A success of another service of the query protocol.
pub(super) fn query(action: &str, inside: impl FnOnce(&mut Xml)) -> String {
    let mut xml = Xml::default();
    xml.nest(&format!("{action}Response"), |xml| {
        xml.nest(&format!("{action}Result"), inside);
        xml.nest("ResponseMetadata", |xml| xml.leaf("RequestId", REQUEST_ID));
    });
    xml.into_text()
}

/// A refusal.
pub(super) fn refusal(style: Style, error: &ApiError) -> String {
    let mut xml = Xml::default();
    let words = |xml: &mut Xml| {
        xml.leaf("Code", &error.code);
        xml.leaf("Message", &error.message);
    };
    match style {
        Style::Ec2 => xml.nest("Response", |xml| {
            xml.nest("Errors", |xml| xml.nest("Error", words));
            xml.leaf("RequestID", REQUEST_ID);
        }),
        Style::Query => xml.nest("ErrorResponse", |xml| {
            xml.nest("Error", words);
            xml.leaf("RequestId", REQUEST_ID);
        }),
        Style::Json => {
            return serde_json::json!({ "__type": error.code, "message": error.message }).to_string();
        }
    }
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.into_text())
}

/// A response with the date of the model's clock.
pub(super) fn response(style: Style, status: u16, body: String, now: Timestamp) -> Response<Full<Bytes>> {
    let content_type = match style {
        Style::Ec2 | Style::Query => "text/xml;charset=UTF-8",
        Style::Json => "application/x-amz-json-1.1",
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(date) = HeaderValue::from_str(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()) {
        response.headers_mut().insert(DATE, date);
    }
    response
}
