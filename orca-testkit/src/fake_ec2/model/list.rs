//! Reading: instances, their checks, and what they use.

use std::sync::Arc;

use jiff::Timestamp;
use orca_core::instance::{CapacityType, InstanceState};

use super::Model;
use crate::fake_ec2::api_error::{ApiError, bad_value};
use crate::fake_ec2::attachments::{Interface, SpotRequest, Volume};
use crate::fake_ec2::instance::Ec2Instance;
use crate::fake_ec2::network::Network;
use crate::fake_ec2::page::{Filter, Listing, Page};

/// A page of instances.
pub(in crate::fake_ec2) type Described = Page<Arc<Ec2Instance>>;

/// The most ids that `DescribeInstanceStatus` takes.
const STATUS_IDS: usize = 100;

impl Model {
    /// `DescribeInstances`.
    pub(in crate::fake_ec2) fn describe_instances(
        &self,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<Described, ApiError> {
        let begin = listing.begin()?;
        if !listing.ids.is_empty() {
            let named = self.named(&listing.ids, now)?;
            let mut items = Vec::new();
            for instance in named {
                let instance = self.shown(&instance, now);
                if listing.passes(&instance.tags, |name| field(&instance, name, now))? {
                    items.push(instance);
                }
            }
            return Ok(Page { items, next_token: None });
        }
        self.all_zones_up()?;
        let by_tags = listing.filters.iter().any(Filter::is_about_tags);
        let mut refused = None;
        let shown =
            self.instances.range(begin + 1..).map(|(number, instance)| (*number, self.shown(instance, now)));
        let fitting = shown.filter(|(_, instance)| {
            let lag_over = instance.visible_by_id_at.max(instance.visible_by_tag_at) <= now
                || (by_tags && instance.visible_by_tag_at <= now);
            lag_over
                && listing.passes(&instance.tags, |name| field(instance, name, now)).unwrap_or_else(|error| {
                    refused = Some(error);
                    false
                })
        });
        let page = listing.page(fitting);
        refused.map_or(Ok(page), Err)
    }

    /// `DescribeInstanceStatus`: running instances, unless all are asked for.
    pub(in crate::fake_ec2) fn describe_status(
        &self,
        listing: &Listing,
        includes_all: bool,
        now: Timestamp,
    ) -> Result<Described, ApiError> {
        if listing.ids.len() > STATUS_IDS {
            return Err(bad_value(format!("A request names at most {STATUS_IDS} instances.")));
        }
        let mut page = self.describe_instances(listing, now)?;
        page.items.retain(|instance| includes_all || instance.state == InstanceState::Running);
        Ok(page)
    }

    /// `DescribeVolumes`.
    pub(in crate::fake_ec2) fn describe_volumes(&self, listing: &Listing) -> Result<Page<Volume>, ApiError> {
        let begin = self.begin(listing)?;
        let numbers =
            listing.ids.iter().map(|id| self.attachments.volume(id)).collect::<Result<Vec<_>, _>>()?;
        let mut fitting = Vec::new();
        for (number, volume) in self.attachments.volumes.range(begin + 1..) {
            let state = if volume.instance.is_some() { "in-use" } else { "available" };
            let field = |name: &str| match name {
                "status" => Some(state.to_owned()),
                "volume-id" => Some(volume.id.clone()),
                "availability-zone" => Some(volume.zone.clone()),
                "attachment.instance-id" => Some(volume.instance.clone().unwrap_or_default()),
                _ => None,
            };
            if (numbers.is_empty() || numbers.contains(number)) && listing.passes(&volume.tags, field)? {
                fitting.push((*number, volume.clone()));
            }
        }
        Ok(listing.page(fitting.into_iter()))
    }

    /// `DescribeNetworkInterfaces`.
    pub(in crate::fake_ec2) fn describe_interfaces(
        &self,
        listing: &Listing,
    ) -> Result<Page<Interface>, ApiError> {
        let begin = self.begin(listing)?;
        let numbers =
            listing.ids.iter().map(|id| self.attachments.interface(id)).collect::<Result<Vec<_>, _>>()?;
        let mut fitting = Vec::new();
        for (number, interface) in self.attachments.interfaces.range(begin + 1..) {
            let status = if interface.instance.is_some() { "in-use" } else { "available" };
            let field = |name: &str| match name {
                "status" => Some(status.to_owned()),
                "network-interface-id" => Some(interface.id.clone()),
                "subnet-id" => Some(interface.subnet.clone()),
                "private-ip-address" => Some(interface.address.to_string()),
                "attachment.instance-id" => Some(interface.instance.clone().unwrap_or_default()),
                _ => None,
            };
            if (numbers.is_empty() || numbers.contains(number)) && listing.passes(&interface.tags, field)? {
                fitting.push((*number, interface.clone()));
            }
        }
        Ok(listing.page(fitting.into_iter()))
    }

    /// `DescribeSpotInstanceRequests`.
    pub(in crate::fake_ec2) fn describe_requests(
        &self,
        listing: &Listing,
    ) -> Result<Page<SpotRequest>, ApiError> {
        let begin = self.begin(listing)?;
        let numbers =
            listing.ids.iter().map(|id| self.attachments.request(id)).collect::<Result<Vec<_>, _>>()?;
        let mut fitting = Vec::new();
        for (number, request) in self.attachments.requests.range(begin + 1..) {
            let field = |name: &str| match name {
                "state" => Some(request.state.as_str().to_owned()),
                "spot-instance-request-id" => Some(request.id.clone()),
                "instance-id" => Some(request.instance.clone().unwrap_or_default()),
                "launch.instance-type" => Some(request.kind.to_owned()),
                _ => None,
            };
            if (numbers.is_empty() || numbers.contains(number)) && listing.passes(&request.tags, field)? {
                fitting.push((*number, request.clone()));
            }
        }
        Ok(listing.page(fitting.into_iter()))
    }

    fn begin(&self, listing: &Listing) -> Result<u64, ApiError> {
        let begin = listing.begin()?;
        self.all_zones_up()?;
        Ok(begin)
    }
}

/// The value that a filter of this name looks at; none when there is no such filter.
fn field(instance: &Ec2Instance, name: &str, now: Timestamp) -> Option<String> {
    let text = |value: &Option<String>| Some(value.clone().unwrap_or_default());
    match name {
        "instance-id" => Some(instance.id.clone()),
        "instance-state-name" => Some(instance.state.as_str().to_owned()),
        // Only DescribeInstanceStatus knows these; the model has one answer for both checks.
        "instance-status.status" | "system-status.status" => Some(instance.checks(now).to_owned()),
        "instance-type" => Some(instance.kind.name.to_owned()),
        "instance-lifecycle" => Some(match instance.market {
            CapacityType::Spot => "spot".to_owned(),
            CapacityType::OnDemand => String::new(),
        }),
        "client-token" => text(&instance.token),
        "spot-instance-request-id" => text(&instance.spot_request),
        "availability-zone" => Some(instance.zone.clone()),
        "subnet-id" => Some(instance.subnet.clone()),
        "vpc-id" => Some(Network::VPC.to_owned()),
        "image-id" => Some(instance.image.clone()),
        "architecture" => Some(instance.kind.architecture.as_str().to_owned()),
        "private-ip-address" => Some(instance.private_ip.map(|ip| ip.to_string()).unwrap_or_default()),
        "state-reason-code" => Some(instance.reason.clone().unwrap_or_default().0),
        _ => None,
    }
}
