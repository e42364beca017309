//! The API server as a service: from an HTTP request to an HTTP answer.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Limited};

use super::answer::{Answer, ApiBody};
use super::audit::AuditEntry;
use super::cluster::Cluster;
use super::error::ApiError;
use super::fault::Effect;
use super::request::ApiRequest;
use super::route::{self, Route};
use super::verbs;

/// The most bytes of a body, as the real server has it.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The API of a fake cluster for one user. Requests with a token of a service account are that account's.
#[derive(Clone, Debug)]
pub struct ApiService {
    cluster: Arc<Cluster>,
    user: Arc<str>,
}

impl ApiService {
    pub(crate) fn new(cluster: Arc<Cluster>, user: &str) -> Self {
        Self { cluster, user: user.into() }
    }

    fn user(&self, parts: &http::request::Parts) -> String {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        token.and_then(|token| self.cluster.user_of(token)).unwrap_or_else(|| self.user.as_ref().to_owned())
    }
}

impl<B> tower::Service<Request<B>> for ApiService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ApiBody>;
    type Error = io::Error;
    type Future = Boxed<Result<Response<ApiBody>, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = match Limited::new(body, BODY_LIMIT).collect().await {
                Ok(body) => body.to_bytes(),
                Err(error) => return Ok(Answer::from(unreadable(error.as_ref())).into_response()),
            };
            let user = this.user(&parts);
            let upgrade = parts.extensions.get::<verbs::Upgrade>().cloned();
            answer(&this.cluster, ApiRequest::new(&parts, body, user), upgrade).await
        })
    }
}

fn unreadable(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ApiError {
    if error.is::<http_body_util::LengthLimitError>() {
        let mut error = ApiError::bad_request("Request entity too large: limit is 3145728");
        (error.code, error.reason) = (413, "RequestEntityTooLarge");
        return error;
    }
    ApiError::bad_request(format!("the body of the request could not be read: {error}"))
}

async fn answer(
    cluster: &Arc<Cluster>,
    request: ApiRequest,
    upgrade: Option<verbs::Upgrade>,
) -> Result<Response<ApiBody>, io::Error> {
    let route = route::parse(&request.path);
    let mut entry = describe(&request, route.as_ref());
    let lost = || Err(io::Error::new(io::ErrorKind::ConnectionReset, "the connection broke, as ordered"));
    cluster.faults.thawed().await;
    let mut refused = None;
    match cluster.faults.next_effect(&entry, true) {
        Some(Effect::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(Effect::ErrorBefore(code)) => refused = Some(ApiError::of_code(code)),
        Some(Effect::ForeignNotFound) => return Ok(Answer::foreign_not_found().into_response()),
        Some(Effect::Empty) => {
            cluster.audit.record(entry);
            return Ok(Answer::text("").into_response());
        }
        Some(Effect::OtherObject) => return Ok(Answer::other_object().into_response()),
        Some(Effect::DropBefore) => return lost(),
        Some(Effect::DelayAnswer(_) | Effect::ErrorAfter(_) | Effect::DropAfter) | None => {}
    }
    let was_refused = refused.is_some();
    let mut answer = match (refused, &route) {
        (Some(error), _) => error.into(),
        (None, None) => ApiError::no_such_path().into(),
        (None, Some(route)) => {
            verbs::dispatch(cluster, &request, route, upgrade).await.unwrap_or_else(Answer::from)
        }
    };
    entry.code = answer.code;
    // A request that a fault refused was not carried out.
    let after = if was_refused { None } else { cluster.faults.next_effect(&entry, false) };
    if let Some(Effect::ErrorAfter(code)) = after {
        answer = ApiError::of_code(code).into();
        entry.code = code;
    }
    cluster.audit.record(entry);
    match after {
        Some(Effect::DropAfter) => return lost(),
        Some(Effect::DelayAnswer(delay)) => tokio::time::sleep(delay).await,
        Some(
            Effect::Delay(_)
            | Effect::ErrorBefore(_)
            | Effect::ForeignNotFound
            | Effect::Empty
            | Effect::OtherObject
            | Effect::ErrorAfter(_)
            | Effect::DropBefore,
        )
        | None => {}
    }
    cluster.faults.thawed().await;
    Ok(answer.into_response())
}

fn describe(request: &ApiRequest, route: Option<&Route>) -> AuditEntry {
    let place = match route {
        Some(Route::Objects(place)) => Some(place),
        _ => None,
    };
    let has_name = place.is_some_and(|place| place.name.is_some());
    let verb = match request.method {
        Method::GET | Method::HEAD if request.is_watch() => "watch",
        Method::GET | Method::HEAD if has_name || place.is_none() => "get",
        Method::GET | Method::HEAD => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if has_name => "delete",
        Method::DELETE => "deletecollection",
        _ => "unknown",
    };
    let resource = place.map_or_else(
        || request.path.clone(),
        |place| match &place.subresource {
            Some(below) => format!("{}/{below}", place.resource.plural),
            None => place.resource.plural.to_owned(),
        },
    );
    AuditEntry {
        user: request.user.clone(),
        verb,
        resource,
        namespace: place.map(|place| place.space().to_owned()).unwrap_or_default(),
        name: place.map(|place| place.title().to_owned()).unwrap_or_default(),
        code: 0,
    }
}
