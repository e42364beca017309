//! Which machine image a pod gets: its own, the config's, or the one that an SSM parameter names today.

use orca_core::error::{CloudError, Fault, Kind};
use orca_core::well_known::annotation;

use crate::call::{Operation, call};
use crate::client::Ec2Client;
use crate::config::given;
use crate::error::cloud_error;

impl Ec2Client {
    /// The image for a pod that names this one, or none.
    pub(crate) async fn image(&self, named: Option<&str>) -> Result<String, CloudError> {
        if let Some(image) = named {
            return if is_image_id(image) { Ok(image.to_owned()) } else { Err(malformed(image)) };
        }
        if let Some(image) = given(self.settings.ami_id.as_ref()) {
            return Ok(image.to_owned());
        }
        match given(self.settings.ami_parameter.as_ref()) {
            Some(parameter) => self.image_of_parameter(parameter).await,
            None => Err(CloudError::new(
                Kind::Invalid(Fault::Config),
                "NoMachineImage",
                "no machine image is configured",
            )
            .with_remedy(format!(
                "Set aws.amiID or aws.amiParameter in ORCA's config, or the pod's annotation {}.",
                annotation::AMI
            ))),
        }
    }

    async fn image_of_parameter(&self, parameter: &str) -> Result<String, CloudError> {
        let ask = self.ask_parameter(parameter);
        self.image_cache.answer(parameter, &*self.clock, ask).await
    }

    async fn ask_parameter(&self, parameter: &str) -> Result<String, CloudError> {
        let answer = call(Operation::GetParameter, self.ssm.get_parameter().name(parameter).send()).await;
        let output = answer.map_err(|error| {
            let mut error = cloud_error(Operation::GetParameter, &error);
            error.message = format!("SSM parameter {parameter}: {}", error.message);
            error
        })?;
        let value = output.parameter().and_then(|found| found.value()).unwrap_or_default();
        if is_image_id(value) {
            return Ok(value.to_owned());
        }
        let message = format!("SSM parameter {parameter} holds no machine image id");
        Err(CloudError::new(Kind::Invalid(Fault::Config), "NoMachineImage", message)
            .with_remedy("Set aws.amiParameter to a parameter whose whole value is an id, such as one that ends in /image_id."))
    }
}

/// With EC2's own code for it; asking EC2 would only cost a launch call.
fn malformed(image: &str) -> CloudError {
    let message =
        format!("annotation {} has the value \"{image}\", which is no machine image id", annotation::AMI);
    CloudError::new(Kind::Invalid(Fault::Pod), "InvalidAMIID.Malformed", message)
        .with_remedy("Give an id such as ami-0123456789abcdef0.")
}

/// `ami-` and 8 or 17 lower-case hexadecimal digits (EC2 user guide, "Resource IDs").
fn is_image_id(text: &str) -> bool {
    text.strip_prefix("ami-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17)
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests;
