//! The parameters of an offer: everything that a launch call is built from, apart from type, market and tags.

use serde::{Deserialize, Serialize};

use orca_core::price::UsdPerHour;

/// The version of the document. A record with another version is not sent, because its fields may have another meaning.
const SCHEMA: u8 = 1;

/// The parameters of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Parameters {
    /// [`SCHEMA`] when it was written.
    pub(crate) schema: u8,
    /// The region. Client tokens are known in one region only, so no other region may repeat the call.
    pub(crate) region: String,
    /// The subnet. None: the default VPC, and a token that is regional instead of zonal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subnet_id: Option<String>,
    /// The security groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) security_group_ids: Vec<String>,
    /// The machine image.
    pub(crate) ami: String,
    /// Whether the pod named the image. If EC2 refuses the image, this decides whether pod or config is at fault.
    pub(crate) pod_named_image: bool,
    /// The instance profile, as a name or an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance_profile: Option<String>,
    /// The root volume.
    pub(crate) root_volume: Root,
    /// The highest spot price in USD per hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_price: Option<UsdPerHour>,
    /// User data as base64 text, which is what EC2 takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_data: Option<String>,
}

/// The root volume of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Root {
    /// The image's root device, such as `/dev/xvda`.
    pub(crate) device_name: String,
    /// Such as `gp3`.
    pub(crate) volume_type: String,
    /// In GiB. None: the image's own size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size_gib: Option<i32>,
}

/// Why an offer's parameters cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParametersError {
    /// Not this document.
    #[error("the offer's parameters are not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Written by another version.
    #[error("the offer's parameters have schema {0}, and this ORCA reads schema 1")]
    Schema(u8),
}

impl Parameters {
    /// The current version of the document.
    pub(crate) const SCHEMA: u8 = SCHEMA;

    /// Reads them back from an offer.
    pub(crate) fn read(value: &serde_json::Value) -> Result<Self, ParametersError> {
        #[derive(Deserialize)]
        struct Versioned {
            schema: u8,
        }
        let Versioned { schema } = Versioned::deserialize(value)?;
        if schema != SCHEMA {
            return Err(ParametersError::Schema(schema));
        }
        Ok(Self::deserialize(value)?)
    }

    /// As the offer stores them.
    pub(crate) fn write(&self) -> Result<serde_json::Value, ParametersError> {
        Ok(serde_json::to_value(self)?)
    }
}
