//! Calls to the API server under a time-out, and what their failures mean.

use std::future::Future;
use std::time::Duration;

/// A call that takes longer is given up: since kube 4 no read time-out is set, and a silent connection would hold a
/// pod for ever.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a call failed, in the terms that a caller acts on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The object does not exist.
    #[error("not found")]
    NotFound,
    /// The object has changed, or is another one by now: read it again.
    #[error("the object has changed")]
    Conflict,
    /// The API server refuses the content. Repeating it is pointless.
    #[error("refused by the API server: {0}")]
    Refused(String),
    /// We may not.
    #[error("forbidden: {0}")]
    Forbidden(String),
    /// No answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// Anything else: repeat later.
    #[error("{0}")]
    Other(Box<kube::Error>),
}

/// Awaits a call to the API server, bounded in time.
pub(crate) async fn bounded<T>(call: impl Future<Output = kube::Result<T>> + Send) -> Result<T, CallError> {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(classify(error)),
        Err(_elapsed) => Err(CallError::Timeout),
    }
}

/// Statement B35: 422 with the cause `metadata.uid` and 409 both mean that the object is not what we think it is.
fn classify(error: kube::Error) -> CallError {
    let kube::Error::Api(status) = &error else {
        return CallError::Other(Box::new(error));
    };
    match status.code {
        404 => CallError::NotFound,
        409 => CallError::Conflict,
        401 | 403 => CallError::Forbidden(status.message.clone()),
        422 if has_uid_cause(status) => CallError::Conflict,
        400 | 405 | 413 | 415 | 422 => CallError::Refused(status.message.clone()),
        _ => CallError::Other(Box::new(error)),
    }
}

fn has_uid_cause(status: &kube::core::Status) -> bool {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    causes.iter().any(|cause| cause.field == "metadata.uid")
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn class(code: u16, field: &str) -> &'static str {
        let causes = [serde_json::json!({ "reason": "", "message": "", "field": field })];
        let status = serde_json::json!({ "code": code, "details": { "causes": causes } });
        let status: Status = serde_json::from_value(status).expect("a status");
        match classify(kube::Error::Api(Box::new(status))) {
            CallError::NotFound => "not found",
            CallError::Conflict => "conflict",
            CallError::Refused(_) => "refused",
            CallError::Forbidden(_) => "forbidden",
            CallError::Timeout | CallError::Other(_) => "other",
        }
    }

    #[test]
    fn a_wrong_uid_and_a_stale_version_both_mean_to_read_again() {
        for (code, field, expected) in [
            (404, "", "not found"),
            (409, "", "conflict"),
            (422, "metadata.uid", "conflict"),
            (422, "status.phase", "refused"),
            (403, "", "forbidden"),
            (429, "", "other"),
            (503, "", "other"),
        ] {
            assert_eq!(class(code, field), expected, "B35: {code} {field}");
        }
    }
}
