//! What makes a value of the section wrong, although its type is right.

use orca_core::config::Findings;

use super::Aws;

impl Aws {
    pub(super) fn check_values(&self, found: &mut Findings) {
        if self.region.is_empty() {
            found.missing("aws.region", "give a region such as us-west-2, here or in AWS_REGION");
        }
        id(found, "aws.subnetID", self.subnet_id.as_ref(), "subnet-");
        id(found, "aws.amiID", self.ami_id.as_ref(), "ami-");
        for (index, group) in self.security_group_ids.iter().enumerate() {
            id(found, &format!("aws.securityGroupIDs[{index}]"), Some(group), "sg-");
        }
        let is_url = |text: &str| text.starts_with("http://") || text.starts_with("https://");
        if let Some(endpoint) = self.endpoint.as_ref().filter(|endpoint| !is_url(endpoint)) {
            found.wrong("aws.endpoint", endpoint, "give a URL that begins with http:// or https://");
        }
        if let Some(size) = self.root_volume.size_gib.filter(|size| !(1..=65_536).contains(size)) {
            found.wrong("aws.rootVolume.sizeGiB", size, "give 1 to 65536");
        }
    }

    pub(super) fn check_tags(&self, found: &mut Findings) {
        found.tags("aws.tags", &self.tags);
        for (key, value) in self.tags.iter().filter(|(key, _)| key.starts_with("aws:")) {
            let path = format!("aws.tags.{key}");
            found.wrong(&path, value, "keys that begin with aws: are reserved; choose another key");
        }
    }

    pub(super) fn check_what_is_not_advised(&self, found: &mut Findings) {
        let has_vpc = self.vpc_id.as_ref().is_some_and(|id| !id.is_empty());
        found.warn_if(has_vpc, "aws.vpcID", "the subnet decides the VPC");
        found.warn_if(self.development_mode, "aws.developmentMode", "there is nothing that it switches");
        found.advise_if(
            self.credentials.is_some(),
            "aws.credentials",
            "these static keys are used, in place of any role; a role (IRSA or Pod Identity) is safer, and is found when they \
             are left out",
        );
    }
}

fn id(found: &mut Findings, key: &str, value: Option<&String>, prefix: &str) {
    if let Some(value) = value.filter(|value| !value.is_empty()) {
        let hex = value
            .strip_prefix(prefix)
            .filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_hexdigit()));
        if hex.is_none() {
            found.wrong(key, value, format!("give an id such as {prefix}0123456789abcdef0"));
        }
    }
}
