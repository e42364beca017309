//! What EC2 refuses with: a code, a message and an HTTP status.

/// A refusal, as EC2 words it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    /// Such as `InsufficientInstanceCapacity`.
    pub code: String,
    /// For people.
    pub message: String,
    /// The HTTP status that AWS sends with this code.
    pub status: u16,
}

impl ApiError {
    /// A refusal with the status that AWS sends with this code.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), status: status(code) }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

/// Server errors are 500 and 503 (EC2 developer guide, "Error codes"); capacity counts as one. Most of the others are 400.
fn status(code: &str) -> u16 {
    match code {
        "InternalError" | "InternalFailure" | "InsufficientInstanceCapacity" | "InsufficientCapacity" => 500,
        "RequestLimitExceeded" | "Unavailable" | "ServiceUnavailable" => 503,
        "AuthFailure" | "InvalidClientTokenId" => 401,
        "UnauthorizedOperation" | "AccessDenied" => 403,
        "DryRunOperation" => 412,
        _ => 400,
    }
}

pub(super) fn bad_value(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterValue", message)
}

pub(super) fn missing(name: &str) -> ApiError {
    ApiError::new("MissingParameter", format!("The request must contain the parameter {name}"))
}
