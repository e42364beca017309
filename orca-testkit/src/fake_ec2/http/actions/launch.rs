//! `RunInstances`: from the form to the action, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use orca_core::instance::CapacityType;
use orca_core::price::UsdPerHour;

use super::instances::write_instance;
use super::send;
use crate::fake_ec2::FakeEc2;
use crate::fake_ec2::api_error::{ApiError, bad_value, missing};
use crate::fake_ec2::http::answer::ec2;
use crate::fake_ec2::http::query::Query;
use crate::fake_ec2::pipeline::Failure;
use crate::fake_ec2::request::RunInstances;

pub(super) async fn run_instances(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let instances = send(fake, read(query)).await?;
    let settings = fake.settings();
    Ok(ec2("RunInstances", |xml| {
        xml.maybe("reservationId", instances.first().map(|instance| &instance.reservation));
        xml.leaf("ownerId", &settings.account);
        xml.nest("groupSet", |_| {});
        xml.list("instancesSet", &instances, |xml, instance| write_instance(xml, &settings.region, instance));
    }))
}

fn read(query: &Query) -> Result<RunInstances, ApiError> {
    let market = match query.text("InstanceMarketOptions.MarketType").as_deref() {
        None | Some("on-demand") => CapacityType::OnDemand,
        Some("spot") => CapacityType::Spot,
        Some(other) => return Err(bad_value(format!("Invalid value '{other}' for MarketType."))),
    };
    let price = query.text("InstanceMarketOptions.SpotOptions.MaxPrice");
    let price = price.map(|text| text.parse::<UsdPerHour>()).transpose();
    let tags = query.tags_for("instance")?;
    if query.text("MetadataOptions.InstanceMetadataTags").as_deref() == Some("enabled")
        && let Some(key) = tags.keys().find(|key| key.contains(['/', ' ']))
    {
        return Err(bad_value(format!("'{key}' is not a valid tag key for instance metadata.")));
    }
    Ok(RunInstances {
        client_token: query.text("ClientToken"),
        dry_run: query.is_true("DryRun"),
        image: query.text("ImageId"),
        instance_type: query.text("InstanceType"),
        least: query.number("MinCount")?.ok_or_else(|| missing("MinCount"))?,
        most: query.number("MaxCount")?.ok_or_else(|| missing("MaxCount"))?,
        subnet: query.text("SubnetId").or_else(|| query.text("NetworkInterface.1.SubnetId")),
        zone: query.text("Placement.AvailabilityZone"),
        groups: query.list("SecurityGroupId"),
        market,
        max_price: price
            .map_err(|error| bad_value(format!("The spot price is {error}")))?
            .map(UsdPerHour::micros),
        user_data: query.text("UserData"),
        is_protected: query.is_true("DisableApiTermination"),
        ends_on_shutdown: query.text("InstanceInitiatedShutdownBehavior").as_deref() == Some("terminate"),
        keeps_volumes: query.is_false("BlockDeviceMapping.1.Ebs.DeleteOnTermination"),
        volume_gib: query.number("BlockDeviceMapping.1.Ebs.VolumeSize")?,
        tags: Arc::new(tags),
        volume_tags: Arc::new(query.tags_for("volume")?),
        interface_tags: Arc::new(query.tags_for("network-interface")?),
        request_tags: Arc::new(query.tags_for("spot-instances-request")?),
        other: other(query),
    })
}

/// Every field that is not read above under a name of its own, and a few that are: a token stands for all of them.
fn other(query: &Query) -> BTreeMap<String, String> {
    let known = ["Action", "Version", "ClientToken", "DryRun"];
    let is_other = |name: &str| !known.contains(&name) && !name.starts_with("TagSpecification.");
    query
        .fields()
        .iter()
        .filter(|(name, _)| is_other(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
