//! JSON patch, RFC 6902.

use serde_json::{Value, json};

use crate::fake_kube::error::ApiError;

/// The value after the operations; `Invalid` when one of them cannot be carried out.
pub(crate) fn patch(mut value: Value, patch: &Value) -> Result<Value, ApiError> {
    let operations: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
    json_patch::patch(&mut value, &operations).map_err(|error| {
        let mut refused =
            ApiError::unprocessable("the server rejected our request due to an error in our request");
        refused.details = Some(
            json!({ "causes": [{ "reason": "UnexpectedServerResponse", "message": error.to_string() }] }),
        );
        refused
    })?;
    Ok(value)
}
