//! Volumes, network interfaces and spot requests over HTTP.

use super::send;
use crate::fake_ec2::FakeEc2;
use crate::fake_ec2::action::{
    CreateVolume, DeleteInterface, DeleteVolume, DescribeInterfaces, DescribeRequests, DescribeVolumes,
};
use crate::fake_ec2::api_error::ApiError;
use crate::fake_ec2::attachments::Volume;
use crate::fake_ec2::http::answer::ec2;
use crate::fake_ec2::http::query::Query;
use crate::fake_ec2::http::xml::Xml;
use crate::fake_ec2::network::Network;
use crate::fake_ec2::pipeline::Failure;

pub(super) async fn volumes(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let page = send(fake, query.listing("VolumeId").map(DescribeVolumes)).await?;
    Ok(ec2("DescribeVolumes", |xml| {
        xml.list("volumeSet", &page.items, write_volume);
        xml.maybe("nextToken", page.next_token.as_ref());
    }))
}

pub(super) async fn create_volume(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let read = || -> Result<CreateVolume, ApiError> {
        Ok(CreateVolume {
            zone: query.needed("AvailabilityZone")?,
            size_gib: query.number("Size")?.unwrap_or(1),
            tags: query.tags_for("volume")?,
        })
    };
    let volume = send(fake, read()).await?;
    Ok(ec2("CreateVolume", |xml| write_volume(xml, &volume)))
}

pub(super) async fn delete_volume(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    send(fake, query.needed("VolumeId").map(DeleteVolume)).await?;
    Ok(ec2("DeleteVolume", |xml| xml.leaf("return", true)))
}

pub(super) async fn interfaces(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let page = send(fake, query.listing("NetworkInterfaceId").map(DescribeInterfaces)).await?;
    Ok(ec2("DescribeNetworkInterfaces", |xml| {
        xml.list("networkInterfaceSet", &page.items, |xml, interface| {
            xml.leaf("networkInterfaceId", &interface.id);
            xml.leaf("subnetId", &interface.subnet);
            xml.leaf("vpcId", Network::VPC);
            xml.leaf("status", if interface.instance.is_some() { "in-use" } else { "available" });
            xml.leaf("privateIpAddress", interface.address);
            if let Some(instance) = &interface.instance {
                xml.nest("attachment", |xml| {
                    xml.leaf("instanceId", instance);
                    xml.leaf("status", "attached");
                    xml.leaf("deleteOnTermination", true);
                });
            }
            xml.tags(&interface.tags);
        });
        xml.maybe("nextToken", page.next_token.as_ref());
    }))
}

pub(super) async fn delete_interface(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    send(fake, query.needed("NetworkInterfaceId").map(DeleteInterface)).await?;
    Ok(ec2("DeleteNetworkInterface", |xml| xml.leaf("return", true)))
}

pub(super) async fn requests(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let page = send(fake, query.listing("SpotInstanceRequestId").map(DescribeRequests)).await?;
    Ok(ec2("DescribeSpotInstanceRequests", |xml| {
        xml.list("spotInstanceRequestSet", &page.items, |xml, request| {
            xml.leaf("spotInstanceRequestId", &request.id);
            let price = |micros: u64| format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
            xml.maybe("spotPrice", request.max_price.map(price));
            xml.leaf("type", "one-time");
            xml.leaf("state", request.state.as_str());
            xml.time("createTime", request.created_at);
            xml.maybe("instanceId", request.instance.as_ref());
            xml.tags(&request.tags);
        });
        xml.maybe("nextToken", page.next_token.as_ref());
    }))
}

fn write_volume(xml: &mut Xml, volume: &Volume) {
    xml.leaf("volumeId", &volume.id);
    xml.leaf("size", volume.size_gib);
    xml.leaf("availabilityZone", &volume.zone);
    xml.leaf("status", if volume.instance.is_some() { "in-use" } else { "available" });
    xml.time("createTime", volume.created_at);
    xml.leaf("volumeType", "gp3");
    xml.list("attachmentSet", &volume.instance, |xml, instance| {
        xml.leaf("volumeId", &volume.id);
        xml.leaf("instanceId", instance);
        xml.leaf("device", "/dev/xvda");
        xml.leaf("status", "attached");
        xml.leaf("deleteOnTermination", volume.deleted_on_termination);
    });
    xml.tags(&volume.tags);
}
