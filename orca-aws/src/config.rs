//! The section `aws` of the config: the account, and what every instance is launched with.
//!
//! It compiles without the SDK, so that a program can check a config that it cannot use.

use std::collections::BTreeMap;
use std::fmt;

use orca_core::cloud::CloudInfo;
use orca_core::config::{BackendSection, Findings};
use serde::{Deserialize, Serialize};

mod validate;

/// A whole config file of ORCA on AWS.
pub type Document = orca_core::config::Document<Aws>;

/// `aws`: the cloud account, and what every instance is launched with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Aws {
    /// The region, such as `us-west-2`. Required.
    pub region: String,
    /// Static keys. Leave them out: the SDK's default chain finds a role.
    pub credentials: Option<Credentials>,
    /// Not needed: the subnet decides.
    #[serde(rename = "vpcID")]
    pub vpc_id: Option<String>,
    /// The subnet that instances are launched in, such as `subnet-0123456789abcdef0`.
    #[serde(rename = "subnetID")]
    pub subnet_id: Option<String>,
    /// The security groups of every instance.
    #[serde(rename = "securityGroupIDs")]
    pub security_group_ids: Vec<String>,
    /// The machine image for pods that name none.
    #[serde(rename = "amiID")]
    pub ami_id: Option<String>,
    /// An SSM parameter that holds the machine image, used when `amiID` is empty.
    pub ami_parameter: Option<String>,
    /// The name or ARN of the instance profile of every instance.
    pub instance_profile: Option<String>,
    /// The root volume.
    pub root_volume: RootVolume,
    /// Another endpoint for all calls, for tests and private clouds.
    #[serde(alias = "localStackEndpoint")]
    pub endpoint: Option<String>,
    /// Tags for cost reports. They never override ORCA's own.
    pub tags: BTreeMap<String, String>,
    /// Not acted on.
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
    /// Its size in GiB. None: the image's own.
    #[serde(rename = "sizeGiB")]
    pub size_gib: Option<u32>,
    /// Its type.
    #[serde(rename = "type")]
    pub volume_type: String,
    /// The root device of an image that EC2 does not describe to ORCA; otherwise the image's own counts.
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

/// The extended resources under which AWS's own device plugins offer what some instance types bring.
const DEVICES: [&str; 2] = ["aws.amazon.com/neuron*", "vpc.amazonaws.com/efa"];

impl BackendSection for Aws {
    const KEY: &'static str = "aws";

    /// Written without `..Default::default()`: a key that is added to the section and missing here does not compile.
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

    /// An endpoint that is not AWS's own belongs to a server for tests, or to a private cloud.
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

/// The text of an optional key; an empty one counts as not given.
pub(crate) fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
