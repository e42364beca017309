//! Subnets: zones, and addresses that are counted, handed out and taken back.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::api_error::ApiError;
use super::settings::SubnetSettings;

/// EC2 keeps the first four addresses of a subnet and the last (VPC user guide, "Subnet CIDR blocks").
const KEPT_AT_THE_START: u32 = 4;
const KEPT: u32 = 5;

/// A subnet and its addresses.
#[derive(Debug)]
pub(super) struct Subnet {
    pub(super) id: String,
    pub(super) zone: String,
    pub(super) base: u32,
    pub(super) prefix: u8,
    pub(super) public_addresses: bool,
    used: BTreeSet<u32>,
    /// Where the search for a free address goes on: a freed one is not handed out again at once.
    next: u32,
}

impl Subnet {
    fn new(settings: &SubnetSettings) -> Self {
        Self {
            id: settings.id.clone(),
            zone: settings.zone.clone(),
            base: settings.base.to_bits(),
            prefix: settings.prefix.clamp(16, 28),
            public_addresses: settings.public_addresses,
            used: BTreeSet::new(),
            next: 0,
        }
    }

    fn size(&self) -> u32 {
        (1 << (32 - u32::from(self.prefix))) - KEPT
    }

    /// How many addresses are free.
    pub(super) fn free(&self) -> u32 {
        self.size() - u32::try_from(self.used.len()).unwrap_or(u32::MAX).min(self.size())
    }

    pub(super) fn cidr(&self) -> String {
        format!("{}/{}", Ipv4Addr::from_bits(self.base), self.prefix)
    }

    /// The next free address.
    pub(super) fn allocate(&mut self) -> Result<Ipv4Addr, ApiError> {
        let size = self.size();
        let free = (0..size).map(|step| (self.next + step) % size).find(|at| !self.used.contains(at));
        let at = free.ok_or_else(|| self.exhausted())?;
        self.used.insert(at);
        self.next = (at + 1) % size;
        Ok(Ipv4Addr::from_bits(self.base + KEPT_AT_THE_START + at))
    }

    pub(super) fn release(&mut self, address: Ipv4Addr) {
        self.used.remove(&address.to_bits().wrapping_sub(self.base + KEPT_AT_THE_START));
    }

    pub(super) fn exhausted(&self) -> ApiError {
        let message = format!("There are not enough free addresses in subnet '{}'.", self.id);
        ApiError::new("InsufficientFreeAddressesInSubnet", message)
    }
}

/// All subnets.
#[derive(Debug)]
pub(super) struct Network(Vec<Subnet>);

impl Network {
    pub(super) const VPC: &str = "vpc-00000000000000001";
    pub(super) const GROUP: &str = "sg-00000000000000001";

    pub(super) fn new(settings: &[SubnetSettings]) -> Self {
        Self(settings.iter().map(Subnet::new).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Subnet> {
        self.0.iter()
    }

    pub(super) fn zones(&self) -> BTreeSet<&str> {
        self.0.iter().map(|subnet| subnet.zone.as_str()).collect()
    }

    pub(super) fn get(&self, id: &str) -> Option<&Subnet> {
        self.0.iter().find(|subnet| subnet.id == id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Subnet> {
        self.0.iter_mut().find(|subnet| subnet.id == id)
    }

    /// The subnet of a launch that names this one, or this zone, or neither.
    pub(super) fn choose(&self, subnet: Option<&str>, zone: Option<&str>) -> Result<&Subnet, ApiError> {
        if let Some(id) = subnet {
            let message = || format!("The subnet ID '{id}' does not exist");
            let found = self.get(id).ok_or_else(|| ApiError::new("InvalidSubnetID.NotFound", message()))?;
            return match zone {
                Some(zone) if zone != found.zone => {
                    let message = format!("The subnet '{id}' is not in the Availability Zone {zone}");
                    Err(ApiError::new("InvalidParameterValue", message))
                }
                Some(_) | None => Ok(found),
            };
        }
        let mut fitting = self.0.iter().filter(|subnet| zone.is_none_or(|zone| zone == subnet.zone));
        fitting.next().ok_or_else(|| match zone {
            Some(zone) => {
                ApiError::new("InvalidParameterValue", format!("Invalid availability zone: [{zone}]"))
            }
            None => ApiError::new("DefaultVpcDoesNotExist", "No default VPC for this user"),
        })
    }
}
