//! Reading instances over HTTP.

use std::sync::Arc;

use orca_core::instance::{CapacityType, InstanceState};

use super::send;
use crate::fake_ec2::FakeEc2;
use crate::fake_ec2::action::{DescribeInstances, DescribeStatus};
use crate::fake_ec2::http::answer::ec2;
use crate::fake_ec2::http::query::Query;
use crate::fake_ec2::http::xml::Xml;
use crate::fake_ec2::machine::Machine;
use crate::fake_ec2::network::Network;
use crate::fake_ec2::page::Listing;
use crate::fake_ec2::pipeline::Failure;

pub(super) async fn describe(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let page = send(fake, query.listing("InstanceId").map(DescribeInstances)).await?;
    let settings = fake.settings();
    Ok(ec2("DescribeInstances", |xml| {
        let calls = page.items.chunk_by(|one, other| one.reservation == other.reservation);
        xml.list("reservationSet", calls, |xml, machines: &[Arc<Machine>]| {
            xml.maybe("reservationId", machines.first().map(|machine| &machine.reservation));
            xml.leaf("ownerId", &settings.account);
            xml.nest("groupSet", |_| {});
            xml.list("instancesSet", machines, |xml, machine| write_instance(xml, &settings.region, machine));
        });
        xml.maybe("nextToken", page.next_token.as_ref());
    }))
}

pub(super) async fn status(fake: &FakeEc2, query: &Query) -> Result<String, Failure> {
    let includes_all = query.is_true("IncludeAllInstances");
    let action = query.listing("InstanceId").map(|listing| DescribeStatus { listing, includes_all });
    let (page, now) = send(fake, action).await?;
    Ok(ec2("DescribeInstanceStatus", |xml| {
        xml.list("instanceStatusSet", &page.items, |xml, machine| {
            xml.leaf("instanceId", &machine.id);
            xml.leaf("availabilityZone", &machine.zone);
            xml.nest("instanceState", |xml| write_state(xml, machine.state));
            let checks = machine.checks(now);
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
        let Some(machine) = page.items.first() else { return };
        match attribute.as_str() {
            "userData" => {
                xml.nest("userData", |xml| xml.maybe("value", machine.user_data.as_ref()));
            }
            "disableApiTermination" => {
                xml.nest("disableApiTermination", |xml| xml.leaf("value", machine.is_protected));
            }
            "instanceType" => xml.nest("instanceType", |xml| xml.leaf("value", machine.kind.name)),
            _ => {}
        }
    }))
}

/// One instance, as all answers have it.
pub(super) fn write_instance(xml: &mut Xml, region: &str, machine: &Machine) {
    xml.leaf("instanceId", &machine.id);
    xml.leaf("imageId", &machine.image);
    xml.nest("instanceState", |xml| write_state(xml, machine.state));
    xml.leaf(
        "privateDnsName",
        machine.private_ip.map(|ip| host("ip", ip, region, "internal")).unwrap_or_default(),
    );
    xml.leaf(
        "dnsName",
        machine.public_ip.map(|ip| host("ec2", ip, region, "amazonaws.com")).unwrap_or_default(),
    );
    xml.leaf("reason", &machine.transition);
    xml.leaf("amiLaunchIndex", 0);
    xml.leaf("instanceType", machine.kind.name);
    xml.time("launchTime", machine.launched_at);
    xml.nest("placement", |xml| {
        xml.leaf("availabilityZone", &machine.zone);
        xml.leaf("tenancy", "default");
    });
    xml.nest("monitoring", |xml| xml.leaf("state", "disabled"));
    if machine.private_ip.is_some() {
        xml.leaf("subnetId", &machine.subnet);
        xml.leaf("vpcId", Network::VPC);
    }
    xml.maybe("privateIpAddress", machine.private_ip);
    xml.maybe("ipAddress", machine.public_ip);
    xml.list("groupSet", &machine.groups, |xml, group| xml.leaf("groupId", group));
    if let Some((code, message)) = &machine.reason {
        xml.nest("stateReason", |xml| {
            xml.leaf("code", code);
            xml.leaf("message", message);
        });
    }
    xml.leaf("architecture", machine.kind.architecture.as_str());
    xml.leaf("rootDeviceType", "ebs");
    xml.leaf("rootDeviceName", "/dev/xvda");
    if machine.state != InstanceState::Terminated {
        xml.list("blockDeviceMapping", &machine.volumes, |xml, volume| {
            xml.leaf("deviceName", "/dev/xvda");
            xml.nest("ebs", |xml| {
                xml.leaf("volumeId", volume);
                xml.leaf("status", "attached");
            });
        });
        xml.list("networkInterfaceSet", [&machine.interface], |xml, id| {
            xml.leaf("networkInterfaceId", id);
        });
    }
    match machine.market {
        CapacityType::Spot => xml.leaf("instanceLifecycle", "spot"),
        CapacityType::OnDemand => {}
    }
    xml.maybe("spotInstanceRequestId", machine.spot_request.as_ref());
    xml.leaf("clientToken", machine.token.as_deref().unwrap_or_default());
    xml.tags(&machine.tags);
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
