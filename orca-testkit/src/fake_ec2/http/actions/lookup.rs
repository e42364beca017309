//! Reads of what never changes, over HTTP.

use super::send;
use crate::fake_ec2::FakeEc2;
use crate::fake_ec2::action::{GetParameter, Look};
use crate::fake_ec2::api_error::ApiError;
use crate::fake_ec2::catalog::{IMAGES, INSTANCE_TYPES, Image, InstanceType};
use crate::fake_ec2::http::answer;
use crate::fake_ec2::http::query::Query;
use crate::fake_ec2::instance::Tags;
use crate::fake_ec2::model::Model;
use crate::fake_ec2::network::Network;
use crate::fake_ec2::page::Listing;
use crate::fake_ec2::pipeline::Failure;

/// Sends a read through the pipeline that every call goes.
async fn look<T: Send>(
    fake: &FakeEc2,
    name: &'static str,
    query: Option<&Query>,
    read: impl Fn(&Model) -> Result<T, ApiError> + Send + Sync,
) -> Result<T, Failure> {
    let fields = query.into_iter().flat_map(Query::fields);
    let words = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    fake.call(&Look { name, words, read }).await
}

pub(super) async fn parameter(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let name = query.needed("Name");
    let value = send(fake, name.clone().map(GetParameter)).await?;
    let parameter = serde_json::json!({
        "Name": name.unwrap_or_default(),
        "Type": "String",
        "Value": value,
        "Version": 1,
        "DataType": "text",
    });
    Ok(serde_json::json!({ "Parameter": parameter }).to_string())
}

pub(super) async fn caller(fake: &FakeEc2) -> Result<String, Failure> {
    let account = look(fake, "GetCallerIdentity", None, |model| Ok(model.settings.account.clone())).await?;
    Ok(answer::query("GetCallerIdentity", |xml| {
        xml.leaf("Arn", format!("arn:aws:iam::{account}:user/fake"));
        xml.leaf("UserId", "AIDAFAKEFAKEFAKEFAKE");
        xml.leaf("Account", &account);
    }))
}

pub(super) async fn images(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let listing = query.listing("ImageId").map_err(Failure::Refused)?;
    let found = look(fake, "DescribeImages", Some(query), |model| {
        let known = if model.settings.knows_images { IMAGES } else { &[] };
        if let Some(id) = listing.ids.iter().find(|id| known.iter().all(|image| image.id != **id)) {
            let message = format!("The image id '[{id}]' does not exist");
            return Err(ApiError::new("InvalidAMIID.NotFound", message));
        }
        let field = |image: &Image, name: &str| match name {
            "name" => Some(image.name.to_owned()),
            "image-id" => Some(image.id.to_owned()),
            "architecture" => Some(image.architecture.as_str().to_owned()),
            "state" => Some("available".to_owned()),
            "owner-alias" => Some("amazon".to_owned()),
            "root-device-type" => Some("ebs".to_owned()),
            _ => None,
        };
        chosen(&listing, known.iter().copied(), |image| image.id.to_owned(), field)
    })
    .await?;
    Ok(answer::ec2("DescribeImages", |xml| {
        xml.list("imagesSet", found, |xml, image| {
            xml.leaf("imageId", image.id);
            xml.leaf("name", image.name);
            xml.leaf("imageState", "available");
            xml.leaf("imageOwnerId", "137112412989");
            xml.leaf("imageOwnerAlias", "amazon");
            xml.leaf("isPublic", true);
            xml.leaf("architecture", image.architecture.as_str());
            xml.leaf("creationDate", "2026-11-01T00:00:00.000Z");
            xml.leaf("rootDeviceType", "ebs");
            xml.leaf("rootDeviceName", "/dev/xvda");
            xml.list("blockDeviceMapping", [8], |xml, size| {
                xml.leaf("deviceName", "/dev/xvda");
                xml.nest("ebs", |xml| xml.leaf("volumeSize", size));
            });
        });
    }))
}

pub(super) async fn types(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let listing = query.listing("InstanceType").map_err(Failure::Refused)?;
    let found = look(fake, "DescribeInstanceTypes", Some(query), |_| {
        if let Some(name) = listing.ids.iter().find(|id| INSTANCE_TYPES.iter().all(|kind| kind.name != **id))
        {
            let message = format!("The following supplied instance types do not exist: [{name}]");
            return Err(ApiError::new("InvalidInstanceType", message));
        }
        let field = |kind: &InstanceType, name: &str| match name {
            "instance-type" => Some(kind.name.to_owned()),
            "processor-info.supported-architecture" => Some(kind.architecture.as_str().to_owned()),
            _ => None,
        };
        chosen(&listing, INSTANCE_TYPES.iter().copied(), |kind| kind.name.to_owned(), field)
    })
    .await?;
    Ok(answer::ec2("DescribeInstanceTypes", |xml| {
        xml.list("instanceTypeSet", found, |xml, kind| {
            xml.leaf("instanceType", kind.name);
            xml.nest("supportedUsageClasses", |xml| {
                xml.leaf("item", "on-demand");
                xml.leaf("item", "spot");
            });
            xml.nest("processorInfo", |xml| {
                xml.nest("supportedArchitectures", |xml| xml.leaf("item", kind.architecture.as_str()));
            });
            xml.nest("vCpuInfo", |xml| xml.leaf("defaultVCpus", kind.vcpus));
            xml.nest("memoryInfo", |xml| xml.leaf("sizeInMiB", kind.memory_mib));
            if kind.gpus > 0 {
                xml.nest("gpuInfo", |xml| {
                    xml.list("gpus", [kind.gpus], |xml, count| {
                        xml.leaf("manufacturer", "NVIDIA");
                        xml.leaf("count", count);
                    });
                });
            }
        });
    }))
}

pub(super) async fn subnets(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let listing = query.listing("SubnetId").map_err(Failure::Refused)?;
    let found = look(fake, "DescribeSubnets", Some(query), |model| {
        let mut seen = std::collections::BTreeSet::new();
        let subnets: Vec<Found> = model
            .network
            .iter()
            .map(|subnet| Found {
                id: subnet.id.clone(),
                zone: subnet.zone.clone(),
                cidr: subnet.cidr(),
                free: subnet.free(),
                is_default: seen.insert(subnet.zone.clone()),
                is_public: subnet.public_addresses,
            })
            .collect();
        if let Some(id) = listing.ids.iter().find(|id| model.network.get(id).is_none()) {
            let message = format!("The subnet ID '{id}' does not exist");
            return Err(ApiError::new("InvalidSubnetID.NotFound", message));
        }
        let field = |subnet: &Found, name: &str| match name {
            "subnet-id" => Some(subnet.id.clone()),
            "availability-zone" => Some(subnet.zone.clone()),
            "default-for-az" => Some(subnet.is_default.to_string()),
            "vpc-id" => Some(Network::VPC.to_owned()),
            "state" => Some("available".to_owned()),
            _ => None,
        };
        chosen(&listing, subnets.into_iter(), |subnet| subnet.id.clone(), field)
    })
    .await?;
    Ok(answer::ec2("DescribeSubnets", |xml| {
        xml.list("subnetSet", found, |xml, subnet| {
            xml.leaf("subnetId", subnet.id);
            xml.leaf("state", "available");
            xml.leaf("vpcId", Network::VPC);
            xml.leaf("cidrBlock", subnet.cidr);
            xml.leaf("availableIpAddressCount", subnet.free);
            xml.leaf("availabilityZone", subnet.zone);
            xml.leaf("defaultForAz", subnet.is_default);
            xml.leaf("mapPublicIpOnLaunch", subnet.is_public);
        });
    }))
}

/// A subnet, as it was when it was looked at.
struct Found {
    id: String,
    zone: String,
    cidr: String,
    free: u32,
    is_default: bool,
    is_public: bool,
}

pub(super) async fn groups(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let listing = query.listing("GroupId").map_err(Failure::Refused)?;
    let found = look(fake, "DescribeSecurityGroups", Some(query), |model| {
        if let Some(id) = listing.ids.iter().find(|id| !model.groups.contains(*id)) {
            let message = format!("The security group '{id}' does not exist");
            return Err(ApiError::new("InvalidGroup.NotFound", message));
        }
        let field = |id: &String, name: &str| match name {
            "group-id" => Some(id.clone()),
            "group-name" => Some(group_name(id).to_owned()),
            "vpc-id" => Some(Network::VPC.to_owned()),
            _ => None,
        };
        chosen(&listing, model.groups.iter().cloned(), Clone::clone, field)
    })
    .await?;
    Ok(answer::ec2("DescribeSecurityGroups", |xml| {
        xml.list("securityGroupInfo", found, |xml, id| {
            xml.leaf("groupId", &id);
            xml.leaf("groupName", group_name(&id));
            xml.leaf("groupDescription", group_name(&id));
            xml.leaf("vpcId", Network::VPC);
        });
    }))
}

fn group_name(id: &str) -> &str {
    if id == Network::GROUP { "default" } else { id }
}

pub(super) async fn zones(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let (region, found) = look(fake, "DescribeAvailabilityZones", Some(query), |model| {
        let zones: Vec<String> = model.network.zones().into_iter().map(str::to_owned).collect();
        Ok((model.settings.region.clone(), zones))
    })
    .await?;
    Ok(answer::ec2("DescribeAvailabilityZones", |xml| {
        xml.list("availabilityZoneInfo", found, |xml, zone| {
            xml.leaf("zoneName", zone);
            xml.leaf("zoneState", "available");
            xml.leaf("regionName", &region);
        });
    }))
}

/// What has one of the ids, if there are any, and passes the filters.
fn chosen<T>(
    listing: &Listing,
    all: impl Iterator<Item = T>,
    id: impl Fn(&T) -> String,
    field: impl Fn(&T, &str) -> Option<String>,
) -> Result<Vec<T>, ApiError> {
    let none = Tags::new();
    let mut found = Vec::new();
    for each in all {
        let is_named = listing.ids.is_empty() || listing.ids.contains(&id(&each));
        if is_named && listing.passes(&none, |name| field(&each, name))? {
            found.push(each);
        }
    }
    Ok(found)
}
