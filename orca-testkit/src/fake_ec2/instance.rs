//! One instance, as EC2 keeps it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use orca_core::instance::{CapacityType, InstanceState};
use orca_core::well_known::tag;

use super::capacity::Place;
use super::catalog::InstanceType;

/// Tags of one resource.
pub type Tags = BTreeMap<String, String>;

/// Who ended or stopped an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ender {
    /// A `TerminateInstances` or `StopInstances` call.
    Api,
    /// Somebody else by EC2's API, past every face of this fake: an operator in the console.
    Operator,
    /// The instance itself.
    Guest,
    /// The spot market.
    SpotMarket,
    /// EC2: host, network, a launch that could not be carried out.
    Provider,
    /// What its launch asked for, which EC2 found out after it had accepted it: a key that cannot be used.
    Request,
}

/// An instance at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ec2Instance {
    /// The order of launches, from 1.
    pub number: u64,
    /// Such as `i-0123456789abcdef0`.
    pub id: String,
    /// The launch call that it came from.
    pub reservation: String,
    /// Where it is in its life.
    pub state: InstanceState,
    /// `StateReason`: code and message.
    pub reason: Option<(String, String)>,
    /// `StateTransitionReason`: a text, often empty.
    pub transition: String,
    /// The client token of its launch.
    pub token: Option<String>,
    /// Its type.
    pub kind: &'static InstanceType,
    /// How it was bought.
    pub market: CapacityType,
    /// Its zone.
    pub zone: String,
    /// Its subnet.
    pub subnet: String,
    /// Its machine image.
    pub image: String,
    /// Its security groups.
    pub groups: Vec<String>,
    /// Its user data, base64.
    pub user_data: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Its private address, until it is terminated.
    pub private_ip: Option<Ipv4Addr>,
    /// Its address of version 6, until it is terminated.
    pub ipv6: Option<Ipv6Addr>,
    /// Its public address, once it runs.
    pub public_ip: Option<Ipv4Addr>,
    /// When it was launched.
    pub launched_at: Timestamp,
    /// Since when its id is known.
    pub visible_by_id_at: Timestamp,
    /// Since when lists show it.
    pub visible_by_tag_at: Timestamp,
    /// When its status checks pass; none before it runs.
    pub checks_pass_at: Option<Timestamp>,
    /// Whether a status check fails.
    pub is_impaired: bool,
    /// Whether API calls may not end it.
    pub is_protected: bool,
    /// Whether a shutdown from inside terminates it; else it is stopped.
    pub ends_on_shutdown: bool,
    /// The spot request that it fulfils.
    pub spot_request: Option<String>,
    /// When the market will take it back, once it has said so.
    pub taken_back_at: Option<Timestamp>,
    /// Its volumes.
    pub volumes: Vec<String>,
    /// Its network interface.
    pub interface: String,
    /// Who ended it.
    pub ended_by: Option<Ender>,
    /// Counts its changes of state: what was planned before the latest is void.
    pub(super) generation: u32,
}

impl Ec2Instance {
    /// The UID of the pod that its tags name.
    #[must_use]
    pub fn pod(&self) -> Option<&str> {
        self.tags.get(tag::POD_UID).map(String::as_str)
    }

    /// `initializing`, `ok` or `impaired`, for both of EC2's checks.
    #[must_use]
    pub fn checks(&self, now: Timestamp) -> &'static str {
        match self.checks_pass_at {
            Some(_) if self.is_impaired => "impaired",
            Some(at) if at <= now => "ok",
            Some(_) | None => "initializing",
        }
    }

    pub(super) fn place(&self) -> Place {
        Place { kind: self.kind.name, zone: self.zone.clone(), market: self.market }
    }
}
