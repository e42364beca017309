//! Volumes, interfaces and spot requests, as calls make and remove them.

use std::net::Ipv4Addr;

use jiff::Timestamp;

use super::Model;
use super::tags::check_tags;
use crate::fake_ec2::api_error::{ApiError, bad_value};
use crate::fake_ec2::attachments::{Interface, RequestState, SpotRequest, Volume};
use crate::fake_ec2::instance::Tags;
use crate::fake_ec2::ledger::Happening;

impl Model {
    /// `CreateVolume`: one that nothing uses.
    pub(in crate::fake_ec2) fn create_volume(
        &mut self,
        zone: &str,
        size_gib: u32,
        tags: &Tags,
        now: Timestamp,
    ) -> Result<Volume, ApiError> {
        check_tags(tags)?;
        if !self.network.zones().contains(zone) {
            return Err(ApiError::new("InvalidZone.NotFound", format!("The zone '{zone}' does not exist.")));
        }
        self.zone_up(zone)?;
        let id = self.new_id("vol");
        let number = self.attachments.number(&id);
        let volume = Volume {
            number,
            id: id.clone(),
            size_gib,
            zone: zone.to_owned(),
            tags: tags.clone(),
            instance: None,
            deleted_on_termination: false,
            created_at: now,
        };
        self.attachments.volumes.insert(number, volume.clone());
        self.tell(now, &id, Happening::Created);
        Ok(volume)
    }

    /// A network interface that nothing uses.
    pub(in crate::fake_ec2) fn create_interface(
        &mut self,
        subnet: &str,
        tags: &Tags,
        now: Timestamp,
    ) -> Result<String, ApiError> {
        check_tags(tags)?;
        self.network.choose(Some(subnet), None)?;
        let found = self.network.get_mut(subnet);
        let address: Ipv4Addr = found.ok_or_else(|| bad_value("The subnet went away."))?.allocate()?;
        let id = self.new_id("eni");
        let number = self.attachments.number(&id);
        let (subnet, tags) = (subnet.to_owned(), tags.clone());
        let interface = Interface { number, id: id.clone(), subnet, address, tags, instance: None };
        self.attachments.interfaces.insert(number, interface);
        self.tell(now, &id, Happening::Created);
        Ok(id)
    }

    /// `DeleteVolume`.
    pub(in crate::fake_ec2) fn delete_volume(&mut self, id: &str, now: Timestamp) -> Result<(), ApiError> {
        self.attachments.remove_volume(id)?;
        self.tell(now, id, Happening::Removed);
        Ok(())
    }

    /// `DeleteNetworkInterface`.
    pub(in crate::fake_ec2) fn delete_interface(&mut self, id: &str, now: Timestamp) -> Result<(), ApiError> {
        let removed = self.attachments.remove_interface(id)?;
        if let Some(subnet) = self.network.get_mut(&removed.subnet) {
            subnet.release(removed.address);
        }
        self.tell(now, id, Happening::Removed);
        Ok(())
    }

    /// `CancelSpotInstanceRequests`: every id must be known. Instances of the requests go on.
    pub(in crate::fake_ec2) fn cancel_requests(
        &mut self,
        ids: &[String],
        now: Timestamp,
    ) -> Result<Vec<SpotRequest>, ApiError> {
        let numbers = ids.iter().map(|id| self.attachments.request(id)).collect::<Result<Vec<_>, _>>()?;
        let mut cancelled = Vec::new();
        for number in numbers {
            let Some(request) = self.attachments.requests.get_mut(&number) else { continue };
            request.state = RequestState::Cancelled;
            request.launch = None;
            let request = request.clone();
            self.tell(now, &request.id, Happening::Removed);
            cancelled.push(request);
        }
        Ok(cancelled)
    }
}
