//! Asks EC2 about a machine image and an instance type, and forgets the answer when it proves wrong.

use aws_sdk_ec2::types::InstanceType;
use orca_core::error::{CloudError, Kind};

use crate::call::{Operation, call};
use crate::catalog::{Image, InstanceKind, image, is_no_image, kind};
use crate::client::Ec2Client;
use crate::error::{Context, cloud_error, verdict};

/// Codes of a caller without the right to ask, and of a server that does not know the call. Nothing is known then, which is
/// no error.
const NOT_TOLD: [&str; 7] = [
    "UnauthorizedOperation",
    "AccessDenied",
    "AccessDeniedException",
    "InvalidAction",
    "UnsupportedOperation",
    "NotImplemented",
    "UnknownOperationException",
];

impl Ec2Client {
    /// What EC2 says about this image. None: ORCA may not ask, or the server does not know the call.
    ///
    /// Errors: there is no such image, or no answer.
    pub(crate) async fn describe_image(
        &self,
        ami: &str,
        pod_named_image: bool,
    ) -> Result<Option<Image>, CloudError> {
        let ask = self.ask_image(ami, pod_named_image);
        let answer = told("image", ami, self.catalog.images.answer(ami, &*self.clock, ask).await);
        if answer.as_ref().is_err_and(is_no_image) {
            self.forget_image(ami);
        }
        answer
    }

    /// What EC2 says about this instance type. None: ORCA may not ask, or the server does not know the call.
    ///
    /// Errors: there is no such type, or no answer.
    pub(crate) async fn describe_kind(&self, name: &str) -> Result<Option<InstanceKind>, CloudError> {
        let ask = self.ask_kind(name);
        told("instance type", name, self.catalog.kinds.answer(name, &*self.clock, ask).await)
    }

    /// EC2 does not have this image (any longer): the image and the SSM parameter that named it are asked for again.
    pub(crate) fn forget_image(&self, ami: &str) {
        self.catalog.images.forget(ami, &*self.clock);
        if let Some(parameter) = &self.settings.ami_parameter {
            self.image_cache.forget(parameter, &*self.clock);
        }
    }

    async fn ask_image(&self, ami: &str, pod_named_image: bool) -> Result<Image, CloudError> {
        let answer = call(Operation::DescribeImages, self.read.describe_images().image_ids(ami).send()).await;
        let context = Context { operation: Operation::DescribeImages, pod_named_image };
        let output = answer.map_err(|error| verdict(context, &error).into_error())?;
        output.images().first().map(image).ok_or_else(|| empty("machine image", ami))
    }

    async fn ask_kind(&self, name: &str) -> Result<InstanceKind, CloudError> {
        let ask = self.read.describe_instance_types().instance_types(InstanceType::from(name));
        let answer = call(Operation::DescribeInstanceTypes, ask.send()).await;
        let output = answer.map_err(|error| cloud_error(Operation::DescribeInstanceTypes, &error))?;
        output.instance_types().first().map(kind).ok_or_else(|| empty("instance type", name))
    }
}

/// EC2 has an error for what does not exist. An answer without what was asked for is somebody else's, or cut: nothing follows
/// from it, and it is asked again.
fn empty(what: &str, name: &str) -> CloudError {
    let message = format!("the answer has no {what} {name}, and no error that says so");
    CloudError::new(Kind::Unknown, "EmptyAnswer", message)
}

fn told<V>(what: &str, name: &str, answer: Result<V, CloudError>) -> Result<Option<V>, CloudError> {
    match answer {
        Ok(known) => Ok(Some(known)),
        Err(error) if NOT_TOLD.contains(&error.code.as_str()) => {
            tracing::debug!(what, name, error = %error, "EC2 does not describe it");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
