//! What instances use and leave behind: volumes, network interfaces, spot requests.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::api_error::ApiError;
use super::instance::Tags;
use super::request::RunInstances;

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The order of creation.
    pub number: u64,
    /// Such as `vol-0123456789abcdef0`.
    pub id: String,
    /// In GiB.
    pub size_gib: u32,
    /// Its zone.
    pub zone: String,
    /// Its tags.
    pub tags: Tags,
    /// The instance that it is attached to.
    pub instance: Option<String>,
    /// Whether it goes with its instance.
    pub deleted_on_termination: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The order of creation.
    pub number: u64,
    /// Such as `eni-0123456789abcdef0`.
    pub id: String,
    /// Its subnet.
    pub subnet: String,
    /// Its address.
    pub address: std::net::Ipv4Addr,
    /// Its tags.
    pub tags: Tags,
    /// The instance that it is attached to.
    pub instance: Option<String>,
}

/// Where a spot request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It waits for a lower price, and launches then.
    Open,
    /// It has its instance.
    Active,
    /// Its instance has ended.
    Closed,
    /// Somebody has taken it back.
    Cancelled,
}

impl RequestState {
    /// EC2's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Active => "active",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A request for a spot instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotRequest {
    /// The order of creation.
    pub number: u64,
    /// Such as `sir-0123456789abcdef0`.
    pub id: String,
    /// Where it is.
    pub state: RequestState,
    /// Its tags.
    pub tags: Tags,
    /// The instance type that it asks for.
    pub kind: &'static str,
    /// The highest price, in millionths of a US dollar per hour.
    pub max_price: Option<u64>,
    /// The instance that it got.
    pub instance: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// What to launch when it is fulfilled.
    pub(super) launch: Option<RunInstances>,
}

/// All of them, each by its number.
#[derive(Debug, Default)]
pub(super) struct Attachments {
    pub(super) volumes: BTreeMap<u64, Volume>,
    pub(super) interfaces: BTreeMap<u64, Interface>,
    pub(super) requests: BTreeMap<u64, SpotRequest>,
    ids: BTreeMap<String, u64>,
    number: u64,
}

impl Attachments {
    /// The number of a new thing with this id.
    pub(super) fn number(&mut self, id: &str) -> u64 {
        self.number += 1;
        self.ids.insert(id.to_owned(), self.number);
        self.number
    }

    pub(super) fn find(&self, id: &str) -> Option<u64> {
        self.ids.get(id).copied()
    }

    pub(super) fn volume(&self, id: &str) -> Result<u64, ApiError> {
        let known = self.find(id).filter(|number| self.volumes.contains_key(number));
        known.ok_or_else(|| {
            ApiError::new("InvalidVolume.NotFound", format!("The volume '{id}' does not exist."))
        })
    }

    pub(super) fn interface(&self, id: &str) -> Result<u64, ApiError> {
        let known = self.find(id).filter(|number| self.interfaces.contains_key(number));
        known.ok_or_else(|| {
            let message = format!("The networkInterface ID '{id}' does not exist");
            ApiError::new("InvalidNetworkInterfaceID.NotFound", message)
        })
    }

    pub(super) fn request(&self, id: &str) -> Result<u64, ApiError> {
        let known = self.find(id).filter(|number| self.requests.contains_key(number));
        known.ok_or_else(|| {
            let message = format!("The spot instance request ID '{id}' does not exist");
            ApiError::new("InvalidSpotInstanceRequestID.NotFound", message)
        })
    }

    /// Removes a volume that nothing uses.
    pub(super) fn remove_volume(&mut self, id: &str) -> Result<(), ApiError> {
        let number = self.volume(id)?;
        if let Some(user) = self.volumes.get(&number).and_then(|volume| volume.instance.clone()) {
            let message = format!("Volume {id} is currently attached to {user}");
            return Err(ApiError::new("VolumeInUse", message));
        }
        self.volumes.remove(&number);
        self.ids.remove(id);
        Ok(())
    }

    /// Removes an interface that nothing uses.
    pub(super) fn remove_interface(&mut self, id: &str) -> Result<Interface, ApiError> {
        let number = self.interface(id)?;
        let found = self.interfaces.get(&number).filter(|interface| interface.instance.is_none());
        if found.is_none() {
            let message = format!("Network interface '{id}' is currently in use.");
            return Err(ApiError::new("InvalidNetworkInterface.InUse", message));
        }
        self.ids.remove(id);
        let removed = self.interfaces.remove(&number);
        removed.ok_or_else(|| ApiError::new("InternalError", "The interface went away."))
    }

    /// The open requests of this type that a price of so much would fulfil.
    pub(super) fn open_requests(&self, kind: &str, price: u64) -> Vec<String> {
        let open = self.requests.values().filter(|request| {
            request.state == RequestState::Open
                && request.kind == kind
                && request.max_price.is_none_or(|most| most >= price)
        });
        open.map(|request| request.id.clone()).collect()
    }

    /// The request of an instance that is no longer listed goes with it.
    pub(super) fn forget_request(&mut self, id: &str) {
        if let Some(number) = self.ids.remove(id) {
            self.requests.remove(&number);
        }
    }

    /// The request of an instance is over.
    pub(super) fn close_request(&mut self, id: &str) {
        let number = self.find(id);
        if let Some(request) = number.and_then(|number| self.requests.get_mut(&number)) {
            request.state = RequestState::Closed;
        }
    }
}
