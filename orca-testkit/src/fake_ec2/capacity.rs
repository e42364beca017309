//! Capacity: the supply by type, zone and market, which can change with time and with calls, and the account's quotas.

use std::collections::BTreeMap;

use jiff::Timestamp;
use orca_core::instance::CapacityType;

use super::api_error::ApiError;
use super::catalog::InstanceType;
use super::settings::Quotas;

/// A part of EC2's capacity. A field that is None means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// The instance type.
    pub instance_type: Option<String>,
    /// The zone.
    pub zone: Option<String>,
    /// The market.
    pub market: Option<CapacityType>,
}

impl Pool {
    fn covers(&self, place: &Place) -> bool {
        self.instance_type.as_ref().is_none_or(|name| name == place.kind)
            && self.zone.as_ref().is_none_or(|zone| *zone == place.zone)
            && self.market.is_none_or(|market| market == place.market)
    }
}

/// How much of a pool is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Unlimited.
    Unlimited,
    /// This many instances of one type, zone and market at a time.
    AtMost(u32),
    /// Nothing before this time.
    NoneUntil(Timestamp),
    /// Nothing for this many launch calls.
    NoneForCalls(u32),
}

/// One type in one zone and market.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) kind: &'static str,
    pub(super) zone: String,
    pub(super) market: CapacityType,
}

/// Supply, demand and quotas.
#[derive(Debug, Default)]
pub(super) struct Capacity {
    supplies: Vec<(Pool, Supply)>,
    quotas: Quotas,
    used: BTreeMap<Place, u32>,
    vcpus: BTreeMap<CapacityType, u32>,
}

impl Capacity {
    pub(super) fn new(quotas: Quotas) -> Self {
        Self { quotas, ..Self::default() }
    }

    /// The latest word about a pool counts.
    pub(super) fn set(&mut self, pool: Pool, supply: Supply) {
        self.supplies.retain(|(known, _)| *known != pool);
        self.supplies.push((pool, supply));
    }

    pub(super) fn set_quotas(&mut self, quotas: Quotas) {
        self.quotas = quotas;
    }

    /// How many of those wanted are available; at least one, or a refusal.
    pub(super) fn fitting(
        &mut self,
        place: &Place,
        kind: &InstanceType,
        wanted: u32,
        now: Timestamp,
    ) -> Result<u32, ApiError> {
        let by_quota = self.within_quota(place.market, kind)?.min(wanted);
        let used = self.used.get(place).copied().unwrap_or_default();
        let supply = self.supplies.iter_mut().rev().find(|(pool, _)| pool.covers(place));
        let by_supply = match supply.map(|(_, supply)| supply) {
            None | Some(Supply::Unlimited | Supply::NoneForCalls(0)) => wanted,
            Some(Supply::AtMost(most)) => most.saturating_sub(used),
            Some(Supply::NoneUntil(time)) => {
                if now < *time {
                    0
                } else {
                    wanted
                }
            }
            Some(Supply::NoneForCalls(left)) => {
                *left -= 1;
                0
            }
        };
        if by_supply == 0 {
            return Err(insufficient(place));
        }
        Ok(by_supply.min(by_quota))
    }

    fn within_quota(&self, market: CapacityType, kind: &InstanceType) -> Result<u32, ApiError> {
        let used = self.vcpus.get(&market).copied().unwrap_or_default();
        let (quota, code, message) = match market {
            CapacityType::OnDemand => (
                self.quotas.on_demand_vcpus,
                "VcpuLimitExceeded",
                "You have requested more vCPU capacity than your current vCPU limit allows for the instance bucket \
                 that the specified instance type belongs to.",
            ),
            CapacityType::Spot => {
                (self.quotas.spot_vcpus, "MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
            }
        };
        let Some(quota) = quota else { return Ok(u32::MAX) };
        match quota.saturating_sub(used) / kind.vcpus.max(1) {
            0 => Err(ApiError::new(code, message)),
            room => Ok(room),
        }
    }

    pub(super) fn allocate(&mut self, place: Place, kind: &InstanceType) {
        *self.vcpus.entry(place.market).or_default() += kind.vcpus;
        *self.used.entry(place).or_default() += 1;
    }

    pub(super) fn release(&mut self, place: &Place, kind: &InstanceType) {
        if let Some(used) = self.used.get_mut(place) {
            *used = used.saturating_sub(1);
        }
        if let Some(vcpus) = self.vcpus.get_mut(&place.market) {
            *vcpus = vcpus.saturating_sub(kind.vcpus);
        }
    }
}

/// EC2's refusal of a launch for which there is no instance.
pub(super) fn insufficient(place: &Place) -> ApiError {
    let message = format!(
        "We currently do not have sufficient {} capacity in the Availability Zone you requested ({}). Our system will \
         be working on provisioning additional capacity.",
        place.kind, place.zone
    );
    ApiError::new("InsufficientInstanceCapacity", message)
}
