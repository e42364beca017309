//! What an offer of the fake freezes beside type, market and tags.

use orca_core::error::{CloudError, Fault, Kind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The parameters of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Parameters {
    pub(super) image: String,
    pub(super) pod_named_image: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subnet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max_price_micros: Option<u64>,
}

impl Parameters {
    pub(super) fn read(value: &Value) -> Result<Self, CloudError> {
        Self::deserialize(value).map_err(|error| refused("UnreadableOffer", &error))
    }

    pub(super) fn write(&self) -> Result<Value, CloudError> {
        serde_json::to_value(self).map_err(|error| refused("UnwritableOffer", &error))
    }
}

fn refused(code: &str, error: &serde_json::Error) -> CloudError {
    CloudError::new(Kind::Invalid(Fault::Config), code, error.to_string())
}
