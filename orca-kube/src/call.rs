//! Calls to the API server with a time-out, and what their failures mean.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use futures::future::BoxFuture;
use kube::client::AuthError;
use kube::core::Status;
use kube::core::response::StatusDetails;
use orca_core::backoff::Backoff;
use orca_core::text;

/// The delay between tries while the API server does not answer at the start (A5).
pub(crate) const AT_START: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(7) };

/// A call that takes longer is given up. kube sets no read time-out since version 4, so a silent connection would block a
/// pod for ever.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a call failed, in the terms that a caller acts on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The API server's own registry says that the object does not exist.
    #[error("{0}")]
    NotFound(NotFound),
    /// The answer lacks this, which every answer of the API server has.
    #[error("the answer has no {0}; is there a proxy in front of the API server?")]
    Incomplete(&'static str),
    /// The object has changed, or there is another one of its name: read it again.
    #[error("the object has changed")]
    Conflict,
    /// The API server refuses the content. Repeating the call does not help.
    #[error("refused by the API server: {0}")]
    Refused(String),
    /// ORCA's account lacks the right.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// No answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// Anything else: repeat later.
    #[error("{}", in_words(.0.as_ref()))]
    Other(Box<kube::Error>),
}

/// Proof by the registry of this kind that there is no object of this name. Only [`classify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{resource} \"{name}\" not found")]
pub(crate) struct NotFound {
    resource: &'static str,
    name: String,
}

impl NotFound {
    /// The plural name of its kind.
    pub(crate) fn resource(&self) -> &'static str {
        self.resource
    }

    /// The name that was asked for.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Which object a call is about: the plural name of its kind, and its name.
pub(crate) type About<'a> = (&'static str, &'a str);

/// Awaits a call to the API server that is not about a single object, with a time-out.
pub(crate) fn bounded<'a, T: 'a>(
    call: impl Future<Output = kube::Result<T>> + Send + 'a,
) -> impl Future<Output = Result<T, CallError>> + Send + 'a {
    within(None, Box::pin(call))
}

/// Awaits a call to the API server about one object, with a time-out. The result is [`CallError::NotFound`] only if the
/// registry of its kind says so.
pub(crate) fn bounded_on<'a, T: 'a>(
    about: About<'a>,
    call: impl Future<Output = kube::Result<T>> + Send + 'a,
) -> impl Future<Output = Result<T, CallError>> + Send + 'a {
    within(Some(about), Box::pin(call))
}

/// The client's futures are large. Boxed, they do not make the futures of all callers large as well.
async fn within<T>(about: Option<About<'_>>, call: BoxFuture<'_, kube::Result<T>>) -> Result<T, CallError> {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(classify(about, error)),
        Err(_elapsed) => Err(CallError::Timeout),
    }
}

/// An error of kube's client on one line, without repetition. An API server's answer is shown by its message, a failed
/// credential plugin by its output on stderr.
///
/// kube's own texts repeat their causes, and dump a whole answer or the whole output of a plugin.
#[must_use]
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    text::causes(error).find_map(shortly).unwrap_or_else(|| text::chain(error))
}

fn shortly(cause: &(dyn Error + 'static)) -> Option<String> {
    if let Some(AuthError::AuthExecRun { out, .. }) = cause.downcast_ref() {
        let said = String::from_utf8_lossy(&out.stderr);
        return Some(format!(
            "the credential plugin failed ({}): {}",
            out.status,
            text::cut(said.trim(), 300)
        ));
    }
    if let Some(status) = cause.downcast_ref::<Box<Status>>() {
        return Some(said(status));
    }
    let boxed = || cause.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref);
    let error: &kube::Error = cause.downcast_ref().or_else(boxed)?;
    if let kube::Error::Api(status) = error {
        Some(said(status))
    } else if let kube::Error::Service(inner) = error {
        Some(in_words(inner.as_ref()))
    } else {
        None
    }
}

/// The message of an answer, or its code if it has none because it is not the API server's.
fn said(status: &Status) -> String {
    let message = text::cut(status.message.trim(), 600);
    if message.is_empty() { format!("HTTP {} {}", status.code, status.reason) } else { message }
}

/// 409, and 422 with the cause `metadata.uid`, both mean that the object is not the one that was read (B35).
///
/// A 404 of a proxy, of an aggregated server or of a resource that is not served says nothing about an object. It is an
/// error like any other, to be retried.
fn classify(about: Option<About<'_>>, error: kube::Error) -> CallError {
    let kube::Error::Api(status) = &error else {
        return CallError::Other(Box::new(error));
    };
    match status.code {
        404 => match about.filter(|about| is_absence(status, *about)) {
            Some((resource, name)) => CallError::NotFound(NotFound { resource, name: name.to_owned() }),
            None => CallError::Other(Box::new(error)),
        },
        409 => CallError::Conflict,
        401 | 403 => CallError::Forbidden(status.message.clone()),
        422 if has_uid_cause(status) => CallError::Conflict,
        400 | 405 | 413 | 415 | 422 => CallError::Refused(status.message.clone()),
        _ => CallError::Other(Box::new(error)),
    }
}

/// Whether this answer comes from the registry of this kind, and says that there is no object of this name.
fn is_absence(status: &Status, (resource, name): About<'_>) -> bool {
    let is_ours = |details: &StatusDetails| details.kind == resource && details.name == name;
    status.reason == "NotFound" && status.details.as_ref().is_some_and(is_ours)
}

fn has_uid_cause(status: &Status) -> bool {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().any(|cause| cause.field == "metadata.uid")
}

#[cfg(test)]
mod tests {
    use kube::runtime::watcher;

    use super::*;

    fn status(value: serde_json::Value) -> kube::Error {
        kube::Error::Api(Box::new(serde_json::from_value(value).expect("a status")))
    }

    fn class(error: kube::Error) -> &'static str {
        match classify(Some(("pods", "a")), error) {
            CallError::NotFound(_) => "not found",
            CallError::Conflict => "conflict",
            CallError::Refused(_) => "refused",
            CallError::Forbidden(_) => "forbidden",
            CallError::Timeout | CallError::Incomplete(_) | CallError::Other(_) => "other",
        }
    }

    #[test]
    fn a_wrong_uid_and_a_stale_version_both_mean_to_read_again() {
        for (code, field, expected) in [
            (409, "", "conflict"),
            (422, "metadata.uid", "conflict"),
            (422, "status.phase", "refused"),
            (403, "", "forbidden"),
            (429, "", "other"),
            (503, "", "other"),
        ] {
            let causes = [serde_json::json!({ "reason": "", "message": "", "field": field })];
            let error = status(serde_json::json!({ "code": code, "details": { "causes": causes } }));
            assert_eq!(class(error), expected, "B35: {code} {field}");
        }
    }

    #[test]
    fn an_error_is_shown_once_and_without_a_dump() {
        let refused = || std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let nothing =
            || status(serde_json::json!({ "code": 503, "reason": "ServiceUnavailable", "message": "" }));
        for (error, says) in [
            (kube::Error::Service(Box::new(refused())), "connection refused"),
            (status(serde_json::json!({ "code": 403, "message": "pods is forbidden" })), "pods is forbidden"),
            (nothing(), "HTTP 503 ServiceUnavailable"),
            (kube::Error::TlsRequired, "TLS required but no TLS stack selected"),
        ] {
            assert_eq!(in_words(&error), says);
            assert_eq!(CallError::Other(Box::new(error)).to_string(), says);
        }
        let watch = watcher::Error::WatchFailed(nothing());
        assert_eq!(in_words(&watch), "HTTP 503 ServiceUnavailable");
        let output =
            std::process::Command::new("sh").args(["-c", "echo no such profile >&2; exit 3"]).output();
        let out = Box::new(output.expect("a shell"));
        let plugin = kube::Error::Auth(AuthError::AuthExecRun { cmd: "aws".into(), out });
        assert_eq!(in_words(&plugin), "the credential plugin failed (exit status: 3): no such profile");
    }

    #[test]
    fn only_the_registrys_own_404_is_an_absence() {
        let answer = |code: u16, reason: &str, kind: &str, name: &str| {
            status(serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
                "message": "", "details": { "kind": kind, "name": name },
            }))
        };
        assert_eq!(class(answer(404, "NotFound", "pods", "a")), "not found");
        for other in [
            answer(404, "NotFound", "pods", "b"),
            answer(404, "NotFound", "namespaces", "a"),
            answer(404, "NotFound", "", ""),
            answer(404, "", "pods", "a"),
            answer(410, "Expired", "pods", "a"),
            answer(503, "ServiceUnavailable", "pods", "a"),
            // What kube makes of `404 page not found`, and a Status without details.
            status(
                serde_json::json!({ "code": 404, "reason": "Failed to parse error data", "message": "404 page not found" }),
            ),
            status(serde_json::json!({ "code": 404, "reason": "NotFound", "status": "Failure" })),
        ] {
            let text = format!("{other:?}");
            assert_eq!(class(other), "other", "{text}");
        }
        let named = answer(404, "NotFound", "pods", "a");
        assert!(matches!(classify(None, named), CallError::Other(_)), "without a name a 404 is no absence");
    }
}
