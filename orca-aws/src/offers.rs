//! The offer for a request: one `RunInstances` call in the configured subnet. Everything that image, type and config say is
//! frozen in it.

use orca_core::error::{CloudError, Fault, Kind};
use orca_core::instance::CapacityType;
use orca_core::launch::{LaunchRequest, Offer};
use orca_core::quantity::Quantity;
use orca_core::resources::Resources;
use orca_core::well_known::annotation;

use crate::catalog::{Image, InstanceKind};
use crate::client::Ec2Client;
use crate::config::{RootVolume, given};
use crate::parameters::{Parameters, Root};

impl Ec2Client {
    /// Exactly one offer.
    ///
    /// Errors: image and type do not fit together, or the root device of the image is not known.
    pub(crate) async fn make_offers(&self, wish: &LaunchRequest) -> Result<Vec<Offer>, CloudError> {
        let ami = self.image(wish.image.as_deref()).await?;
        let image = self.describe_image(&ami, wish.image.is_some()).await?;
        let kind = self.describe_kind(&wish.instance_type).await?;
        if let (Some(image), Some(kind)) = (&image, &kind) {
            runs_on(image, kind, (&ami, &wish.instance_type))?;
        }
        let root = root(&self.settings.root_volume, image.as_ref(), (&ami, wish.image.is_some()))?;
        let provides = kind.map(|kind| with_disk(kind.provides, root.size_gib));
        let parameters = self.parameters(wish, ami, root);
        let parameters = parameters.write().map_err(|error| {
            CloudError::new(Kind::Invalid(Fault::Config), "UnwritableOffer", error.to_string())
        })?;
        // There is one offer, so its zone need not tell it apart from others; learning the zone would cost a call.
        Ok(vec![Offer { provides, ..Offer::new(wish, parameters) }])
    }

    fn parameters(&self, wish: &LaunchRequest, ami: String, root_volume: Root) -> Parameters {
        let settings = &self.settings;
        Parameters {
            schema: Parameters::SCHEMA,
            region: settings.region.clone(),
            subnet_id: given(settings.subnet_id.as_ref()).map(str::to_owned),
            security_group_ids: settings.security_group_ids.clone(),
            ami,
            pod_named_image: wish.image.is_some(),
            instance_profile: given(settings.instance_profile.as_ref()).map(str::to_owned),
            root_volume,
            max_price: wish.max_price.filter(|_| wish.capacity_type == CapacityType::Spot),
            user_data: None,
        }
    }
}

/// Refuses an image of another architecture than the type's. EC2 would do so too, but only after the launch was recorded.
fn runs_on(image: &Image, kind: &InstanceKind, (ami, name): (&str, &str)) -> Result<(), CloudError> {
    let Some(architecture) = &image.architecture else { return Ok(()) };
    if kind.architectures.is_empty() || kind.architectures.contains(architecture) {
        return Ok(());
    }
    let message = format!(
        "machine image {ami} is for {architecture}, and instance type {name} runs {}",
        kind.architectures.join(", ")
    );
    let remedy = format!(
        "Choose a type for {architecture} with the annotation {}, or another image with {}.",
        annotation::INSTANCE_TYPE,
        annotation::AMI
    );
    Err(CloudError::new(Kind::Invalid(Fault::Pod), "ArchitectureMismatch", message).with_remedy(remedy))
}

/// The root volume: the image's own device, with at least the image's size. Any other device name would add a second, empty
/// disk, and leave the root as small and unencrypted as in the image.
fn root(
    settings: &RootVolume,
    image: Option<&Image>,
    (ami, pod_named_image): (&str, bool),
) -> Result<Root, CloudError> {
    let of_image = Kind::Invalid(if pod_named_image { Fault::Pod } else { Fault::Config });
    let config = |code: &str, message: String| CloudError::new(Kind::Invalid(Fault::Config), code, message);
    if image.is_some_and(|image| !image.has_root_volume) {
        let message = format!("machine image {ami} has no root volume but a disk of the instance");
        return Err(CloudError::new(of_image, "ImageWithoutRootVolume", message)
            .with_remedy("Give an image whose root device type is ebs."));
    }
    let device = image.and_then(|image| image.root_device.as_ref()).or(settings.device_name.as_ref());
    let Some(device_name) = device.filter(|name| !name.is_empty()).cloned() else {
        let message = format!("EC2 does not tell ORCA what the root device of machine image {ami} is");
        return Err(config("ImageNotDescribed", message).with_remedy(
            "Allow ec2:DescribeImages to ORCA's role, or set aws.rootVolume.deviceName if all images have the same.",
        ));
    };
    let wanted = settings
        .size_gib
        .map(i32::try_from)
        .transpose()
        .map_err(|_| config("RootVolumeTooLarge", "aws.rootVolume.sizeGiB is above 65536".to_owned()))?;
    let least = image.and_then(|image| image.size_gib);
    if let (Some(wanted), Some(least)) = (wanted, least)
        && wanted < least
    {
        let message =
            format!("aws.rootVolume.sizeGiB is {wanted}, and machine image {ami} needs at least {least}");
        return Err(CloudError::new(of_image, "RootVolumeTooSmall", message)
            .with_remedy("Raise aws.rootVolume.sizeGiB, or leave it out for the image's own size."));
    }
    Ok(Root { device_name, volume_type: settings.volume_type.clone(), size_gib: wanted.or(least) })
}

/// The size of the root volume is the pod's `ephemeral-storage`.
fn with_disk(mut provides: Resources, size_gib: Option<i32>) -> Resources {
    if let Some(size) = size_gib {
        provides.insert("ephemeral-storage".into(), Quantity::from_units(i64::from(size) << 30));
    }
    provides
}

#[cfg(test)]
mod tests;
