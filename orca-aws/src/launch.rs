//! One `RunInstances` call: built from the frozen offer alone, sent once, and its outcome.

use std::sync::Arc;

use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, IamInstanceProfileSpecification,
    InstanceInterruptionBehavior, InstanceMarketOptionsRequest, InstanceMetadataEndpointState,
    InstanceMetadataOptionsRequest, InstanceMetadataTagsState, InstanceType, MarketType, ResourceType,
    ShutdownBehavior, SpotInstanceType, SpotMarketOptions, Tag, TagSpecification, VolumeType,
};
use jiff::Timestamp;
use orca_core::cloud::LaunchOutcome;
use orca_core::error::{CloudError, Fault, Kind};
use orca_core::instance::CapacityType;
use orca_core::launch::{LaunchToken, Offer};

use crate::call::{Operation, call};
use crate::catalog::is_no_image;
use crate::client::Ec2Client;
use crate::convert;
use crate::error::{Context, Verdict, verdict};
use crate::fence::Fence;
use crate::parameters::{Parameters, Root};

/// One hop: the instance itself reaches its metadata service, a container behind a bridge does not.
const METADATA_HOPS: i32 = 1;

impl Ec2Client {
    /// Sends the offer once under this token.
    pub(crate) async fn run_instances(
        &self,
        offer: &Offer,
        token: &LaunchToken,
        not_after: Timestamp,
    ) -> LaunchOutcome {
        let parameters = match self.frozen(offer) {
            Ok(parameters) => parameters,
            Err(error) => return LaunchOutcome::NotSent(error),
        };
        if let Some(error) = self.skew.refusal() {
            return LaunchOutcome::NotSent(error);
        }
        let fence = Fence::new(Arc::clone(&self.clock), not_after);
        let request = request(self.write.run_instances(), offer, &parameters).client_token(token.as_str());
        let answer =
            call(Operation::RunInstances, request.customize().interceptor(fence.clone()).send()).await;
        let context =
            Context { operation: Operation::RunInstances, pod_named_image: parameters.pod_named_image };
        match answer {
            Ok(output) => self.launched(&output),
            Err(error) if !fence.has_passed() => {
                LaunchOutcome::NotSent(not_sent(&fence, verdict(context, &error)))
            }
            Err(error) => match verdict(context, &error) {
                Verdict::Mismatch(_) => LaunchOutcome::Mismatch,
                Verdict::Ended(_) => LaunchOutcome::Ended,
                Verdict::Error(error) if error.kind.is_definitive() => {
                    if is_no_image(&error) {
                        self.forget_image(&parameters.ami);
                    }
                    LaunchOutcome::Refused(error)
                }
                Verdict::Error(error) => LaunchOutcome::Unknown(error),
            },
        }
    }

    fn frozen(&self, offer: &Offer) -> Result<Parameters, CloudError> {
        let refused =
            |code: &str, message: String| CloudError::new(Kind::Invalid(Fault::Config), code, message);
        let parameters = Parameters::read(&offer.parameters)
            .map_err(|error| refused("UnreadableOffer", error.to_string()))?;
        if parameters.region != self.settings.region {
            // A token is known in its region only. In another region the same call would launch a second instance.
            let message = format!(
                "the launch was begun in {}, and aws.region is {}",
                parameters.region, self.settings.region
            );
            return Err(
                refused("OtherRegion", message).with_remedy("Set aws.region back, or delete the pod.")
            );
        }
        Ok(parameters)
    }

    /// The call succeeded, so there is an instance. If the reply cannot be read, the outcome is unknown, and a repeated call
    /// returns the instance.
    fn launched(&self, output: &RunInstancesOutput) -> LaunchOutcome {
        let Some(instance) = output.instances().first() else {
            return LaunchOutcome::Unknown(CloudError::new(
                Kind::Unknown,
                "UnreadableAnswer",
                "RunInstances succeeded and named no instance",
            ));
        };
        match convert::instance((output.owner_id(), self.region()), instance) {
            Ok(instance) => LaunchOutcome::Launched(Box::new(instance)),
            Err(error) => LaunchOutcome::Unknown(error),
        }
    }
}

/// Either the fence stopped it, or something before the fence failed, such as the credentials.
fn not_sent(fence: &Fence, verdict: Verdict) -> CloudError {
    match fence.too_late() {
        Some(too_late) => CloudError::new(Kind::Unknown, "TooLate", too_late.to_string()),
        None => verdict.into_error(),
    }
}

/// Every parameter of the call except the token.
fn request(
    call: RunInstancesFluentBuilder,
    offer: &Offer,
    parameters: &Parameters,
) -> RunInstancesFluentBuilder {
    let groups = &parameters.security_group_ids;
    call.image_id(&parameters.ami)
        .instance_type(InstanceType::from(offer.instance_type.as_str()))
        .min_count(1)
        .max_count(1)
        .set_subnet_id(parameters.subnet_id.clone())
        .set_security_group_ids((!groups.is_empty()).then(|| groups.clone()))
        .set_iam_instance_profile(parameters.instance_profile.as_deref().map(profile))
        .block_device_mappings(root(&parameters.root_volume))
        .metadata_options(metadata())
        // An instance that shuts itself down is finished. Stopped instead of terminated, it would still cost money.
        .instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate)
        .set_instance_market_options(market(offer, parameters))
        .set_tag_specifications(Some(tags(offer)))
        .set_user_data(parameters.user_data.clone())
}

fn profile(name_or_arn: &str) -> IamInstanceProfileSpecification {
    let profile = IamInstanceProfileSpecification::builder();
    if name_or_arn.starts_with("arn:") {
        profile.arn(name_or_arn).build()
    } else {
        profile.name(name_or_arn).build()
    }
}

fn root(volume: &Root) -> BlockDeviceMapping {
    let disk = EbsBlockDevice::builder()
        .encrypted(true)
        .delete_on_termination(true)
        .volume_type(VolumeType::from(volume.volume_type.as_str()))
        .set_volume_size(volume.size_gib)
        .build();
    BlockDeviceMapping::builder().device_name(&volume.device_name).ebs(disk).build()
}

fn metadata() -> InstanceMetadataOptionsRequest {
    InstanceMetadataOptionsRequest::builder()
        .http_endpoint(InstanceMetadataEndpointState::Enabled)
        .http_tokens(HttpTokensState::Required)
        .http_put_response_hop_limit(METADATA_HOPS)
        // Tag keys with a slash, such as ORCA's, are refused when tags are readable there.
        .instance_metadata_tags(InstanceMetadataTagsState::Disabled)
        .build()
}

fn market(offer: &Offer, parameters: &Parameters) -> Option<InstanceMarketOptionsRequest> {
    match offer.capacity_type {
        CapacityType::OnDemand => None,
        CapacityType::Spot => {
            let options = SpotMarketOptions::builder()
                .spot_instance_type(SpotInstanceType::OneTime)
                .instance_interruption_behavior(InstanceInterruptionBehavior::Terminate)
                .set_max_price(parameters.max_price.map(|price| price.to_string()));
            let market = InstanceMarketOptionsRequest::builder().market_type(MarketType::Spot);
            Some(market.spot_options(options.build()).build())
        }
    }
}

/// The same tags on everything that the call makes, so that each can be found by them.
fn tags(offer: &Offer) -> Vec<TagSpecification> {
    let tags: Vec<Tag> =
        offer.tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
    let mut resources = vec![ResourceType::Instance, ResourceType::Volume, ResourceType::NetworkInterface];
    if offer.capacity_type == CapacityType::Spot {
        resources.push(ResourceType::SpotInstancesRequest);
    }
    let tagged = |kind| TagSpecification::builder().resource_type(kind).set_tags(Some(tags.clone())).build();
    resources.into_iter().map(tagged).collect()
}

#[cfg(test)]
mod tests;
