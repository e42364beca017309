//! Reading instances over HTTP.

use std::sync::Arc;

use orca_core::instance::{CapacityType, InstanceState};

use super::send;
use crate::fake_ec2::FakeEc2;
use crate::fake_ec2::action::{DescribeInstances, DescribeStatus};
use crate::fake_ec2::http::answer::ec2;
use crate::fake_ec2::http::query::Query;
use crate::fake_ec2::http::xml::Xml;
use crate::fake_ec2::instance::Ec2Instance;
use crate::fake_ec2::network::Network;
use crate::fake_ec2::page::Listing;
use crate::fake_ec2::pipeline::Failure;

pub(super) async fn describe(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let page = send(fake, query.listing("InstanceId").map(DescribeInstances)).await?;
    let settings = fake.settings();
    Ok(ec2("DescribeInstances", |xml| {
        let calls = page.items.chunk_by(|one, other| one.reservation == other.reservation);
        xml.list("reservationSet", calls, |xml, instances: &[Arc<Ec2Instance>]| {
            xml.maybe("reservationId", instances.first().map(|instance| &instance.reservation));
            xml.leaf("ownerId", &settings.account);
            xml.nest("groupSet", |_| {});
            xml.list("instancesSet", instances, |xml, instance| {
                write_instance(xml, &settings.region, instance);
            });
        });
        xml.maybe("nextToken", page.next_token.as_ref());
    }))
}

pub(super) async fn status(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let includes_all = query.is_true("IncludeAllInstances");
    let action = query.listing("InstanceId").map(|listing| DescribeStatus { listing, includes_all });
    let (page, now) = send(fake, action).await?;
    Ok(ec2("DescribeInstanceStatus", |xml| {
        xml.list("instanceStatusSet", &page.items, |xml, instance| {
            xml.leaf("instanceId", &instance.id);
            xml.leaf("availabilityZone", &instance.zone);
            xml.nest("instanceState", |xml| write_state(xml, instance.state));
            let checks = instance.checks(now);
            let detail = if checks == "ok" { "passed" } else { checks };
            for check in ["systemStatus", "instanceStatus"] {
                xml.nest(check, |xml| {
                    xml.leaf("status", checks);
                    xml.list("details", [detail], |xml, detail| {
                        xml.leaf("name", "reachability");
                        xml.leaf("status", detail);
                    });
                });
            }
        });
        xml.maybe("nextToken", page.next_token.as_ref());
    }))
}

pub(super) async fn attribute(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let id = query.needed("InstanceId").map_err(Failure::Refused)?;
    let attribute = query.needed("Attribute").map_err(Failure::Refused)?;
    let page = fake.call(&DescribeInstances(Listing::of_ids(vec![id.clone()]))).await?;
    Ok(ec2("DescribeInstanceAttribute", |xml| {
        xml.leaf("instanceId", &id);
        let Some(instance) = page.items.first() else { return };
        match attribute.as_str() {
            "userData" => {
                xml.nest("userData", |xml| xml.maybe("value", instance.user_data.as_ref()));
            }
            "disableApiTermination" => {
                xml.nest("disableApiTermination", |xml| xml.leaf("value", instance.is_protected));
            }
            "instanceType" => xml.nest("instanceType", |xml| xml.leaf("value", instance.kind.name)),
            _ => {}
        }
    }))
}

/// One instance, as all answers have it.
pub(super) fn write_instance(xml: &mut Xml, region: &str, instance: &Ec2Instance) {
    xml.leaf("instanceId", &instance.id);
    xml.leaf("imageId", &instance.image);
    xml.nest("instanceState", |xml| write_state(xml, instance.state));
    xml.leaf(
        "privateDnsName",
        instance.private_ip.map(|ip| host("ip", ip, region, "internal")).unwrap_or_default(),
    );
    xml.leaf(
        "dnsName",
        instance.public_ip.map(|ip| host("ec2", ip, region, "amazonaws.com")).unwrap_or_default(),
    );
    xml.leaf("reason", &instance.transition);
    xml.leaf("amiLaunchIndex", 0);
    xml.leaf("instanceType", instance.kind.name);
    xml.time("launchTime", instance.launched_at);
    xml.nest("placement", |xml| {
        xml.leaf("availabilityZone", &instance.zone);
        xml.leaf("tenancy", "default");
    });
    xml.nest("monitoring", |xml| xml.leaf("state", "disabled"));
    if instance.private_ip.is_some() || instance.ipv6.is_some() {
        xml.leaf("subnetId", &instance.subnet);
        xml.leaf("vpcId", Network::VPC);
    }
    xml.maybe("privateIpAddress", instance.private_ip);
    xml.maybe("ipAddress", instance.public_ip);
    xml.list("groupSet", &instance.groups, |xml, group| xml.leaf("groupId", group));
    if let Some((code, message)) = &instance.reason {
        xml.nest("stateReason", |xml| {
            xml.leaf("code", code);
            xml.leaf("message", message);
        });
    }
    xml.leaf("architecture", instance.kind.architecture.as_str());
    xml.leaf("rootDeviceType", "ebs");
    xml.leaf("rootDeviceName", "/dev/xvda");
    if instance.state != InstanceState::Terminated {
        xml.list("blockDeviceMapping", &instance.volumes, |xml, volume| {
            xml.leaf("deviceName", "/dev/xvda");
            xml.nest("ebs", |xml| {
                xml.leaf("volumeId", volume);
                xml.leaf("status", "attached");
            });
        });
        xml.list("networkInterfaceSet", [&instance.interface], |xml, id| {
            xml.leaf("networkInterfaceId", id);
            xml.list("ipv6AddressesSet", instance.ipv6, |xml, ip| xml.leaf("ipv6Address", ip));
        });
    }
    match instance.market {
        CapacityType::Spot => xml.leaf("instanceLifecycle", "spot"),
        CapacityType::OnDemand => {}
    }
    xml.maybe("spotInstanceRequestId", instance.spot_request.as_ref());
    xml.leaf("clientToken", instance.token.as_deref().unwrap_or_default());
    xml.tags(&instance.tags);
}

/// A state as code and name.
pub(super) fn write_state(xml: &mut Xml, state: InstanceState) {
    let code = match state {
        InstanceState::Pending => 0,
        InstanceState::Running => 16,
        InstanceState::ShuttingDown => 32,
        InstanceState::Terminated => 48,
        InstanceState::Stopping => 64,
        InstanceState::Stopped => 80,
    };
    xml.leaf("code", code);
    xml.leaf("name", state.as_str());
}

fn host(prefix: &str, address: std::net::Ipv4Addr, region: &str, domain: &str) -> String {
    let dashed = address.to_string().replace('.', "-");
    format!("{prefix}-{dashed}.{region}.compute.{domain}")
}
