//! The section `aws` of the config: the region, the credentials, and what every instance is launched with.
//!
//! It compiles without the SDK, so that a program without it can check a config. `docs/configuration.md` is the reference
//! for users.

use std::collections::BTreeMap;
use std::fmt;

use orca_core::cloud::CloudInfo;
use orca_core::config::{BackendSection, Findings};
use serde::{Deserialize, Serialize};

mod validate;

/// A whole config file of ORCA on AWS.
pub type Document = orca_core::config::Document<Aws>;

/// `aws`: the region, the credentials, and what every instance is launched with. An empty text counts as missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Aws {
    /// The region of every call, such as `us-west-2`. Required.
    pub region: String,
    /// Static keys. None (recommended): the SDK's default chain, which finds a role.
    pub credentials: Option<Credentials>,
    /// No effect: the subnet decides.
    #[serde(rename = "vpcID")]
    pub vpc_id: Option<String>,
    /// The subnet of every instance, such as `subnet-0123456789abcdef0`. None: EC2 chooses one in the default VPC.
    #[serde(rename = "subnetID")]
    pub subnet_id: Option<String>,
    /// The security groups of every instance. Empty: the default group of the VPC.
    #[serde(rename = "securityGroupIDs")]
    pub security_group_ids: Vec<String>,
    /// The machine image for pods that name none, such as `ami-0123456789abcdef0`.
    #[serde(rename = "amiID")]
    pub ami_id: Option<String>,
    /// An SSM parameter that holds the id of the machine image. Used when `amiID` is missing, and read at most once a day.
    pub ami_parameter: Option<String>,
    /// The name or ARN of the instance profile of every instance. None: instances have no role.
    pub instance_profile: Option<String>,
    /// The root volume of every instance.
    pub root_volume: RootVolume,
    /// Another endpoint for EC2, SSM and STS, for tests and private clouds: an `http://` or `https://` URL. With one, tokens
    /// are trusted for 40 minutes instead of 12 hours, and `gc.minAgeSeconds` may be lower.
    #[serde(alias = "localStackEndpoint")]
    pub endpoint: Option<String>,
    /// Tags for cost reports, at most 39. Keys that ORCA sets itself, and keys that begin with `aws:`, are refused.
    pub tags: BTreeMap<String, String>,
    /// No effect.
    pub development_mode: bool,
}

/// `aws.credentials`: static keys. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The access key id.
    #[serde(rename = "accessKeyID")]
    pub access_key_id: String,
    /// The secret access key.
    #[serde(rename = "secretAccessKey")]
    pub secret_access_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(not shown)")
    }
}

/// `aws.rootVolume`: the encrypted root volume of every instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RootVolume {
    /// Its size in GiB: 1 to 65536, and not below the size in the image. None: the image's size.
    #[serde(rename = "sizeGiB")]
    pub size_gib: Option<u32>,
    /// Its type, such as `gp3`, which is the default.
    #[serde(rename = "type")]
    pub volume_type: String,
    /// The root device, such as `/dev/xvda`. Used only for an image that ORCA's role may not describe.
    pub device_name: Option<String>,
}

impl Default for RootVolume {
    fn default() -> Self {
        Self { size_gib: None, volume_type: "gp3".into(), device_name: None }
    }
}

impl Aws {
    /// The endpoint, if one is set.
    #[must_use]
    pub fn own_endpoint(&self) -> Option<&str> {
        given(self.endpoint.as_ref())
    }
}

/// The extended resources by which AWS's device plugins offer devices of some instance types.
const DEVICES: [&str; 2] = ["aws.amazon.com/neuron*", "vpc.amazonaws.com/efa"];

impl BackendSection for Aws {
    const KEY: &'static str = "aws";

    /// Written without `..Default::default()`, so that a new key of the section does not compile until it is added here.
    fn example() -> Self {
        let text = String::new;
        Self {
            region: text(),
            credentials: Some(Credentials { access_key_id: text(), secret_access_key: text() }),
            vpc_id: Some(text()),
            subnet_id: Some(text()),
            security_group_ids: vec![text()],
            ami_id: Some(text()),
            ami_parameter: Some(text()),
            instance_profile: Some(text()),
            root_volume: RootVolume { size_gib: Some(1), volume_type: text(), device_name: Some(text()) },
            endpoint: Some(text()),
            tags: BTreeMap::from([("*".to_owned(), text())]),
            development_mode: false,
        }
    }

    fn check(&self, found: &mut Findings) {
        self.check_values(found);
        self.check_tags(found);
        self.check_what_is_not_advised(found);
    }

    /// An endpoint that is not AWS's own counts as a server for tests.
    fn info(&self) -> CloudInfo {
        CloudInfo {
            provider: "aws".into(),
            os_image: "AWS EC2".into(),
            region: Some(self.region.clone()).filter(|region| !region.is_empty()),
            tags: self.tags.clone(),
            devices: DEVICES.map(str::to_owned).into(),
            is_for_tests: self.own_endpoint().is_some(),
        }
    }

    fn redacted(&self) -> Self {
        let hidden = || "(hidden)".to_owned();
        let credentials = self
            .credentials
            .as_ref()
            .map(|_| Credentials { access_key_id: hidden(), secret_access_key: hidden() });
        Self { credentials, ..self.clone() }
    }
}

/// The text of an optional key. An empty text counts as missing.
pub(crate) fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
