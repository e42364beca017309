//! From the model's machine to the domain's instance.

use std::net::IpAddr;
use std::sync::Arc;

use orca_core::ids::{CloudIdentity, InstanceId, Owner, PodRef};
use orca_core::instance::{EndCause, Health, Instance, StateReason};
use orca_core::tags;

use crate::fake_ec2::machine::{Machine, Tags};

pub(super) fn instance(identity: &CloudIdentity, machine: &Machine) -> Instance {
    Instance {
        id: InstanceId::new(&machine.id),
        reference: format!("ec2://{identity}/{}", machine.id).into(),
        state: machine.state,
        cloud: Some(identity.clone()),
        state_reason: reason(machine),
        owner: owner(&machine.tags),
        pod: pod(&machine.tags),
        instance_type: Arc::from(machine.kind.name),
        capacity_type: machine.market,
        zone: Some(Arc::from(machine.zone.as_str())),
        private_ip: machine.private_ip.map(IpAddr::V4),
        public_ip: machine.public_ip.map(IpAddr::V4),
        launched_at: Some(machine.launched_at),
    }
}

/// What one of EC2's words for both checks means.
pub(super) fn health(checks: &str) -> Health {
    match checks {
        "ok" => Health::Passed,
        "impaired" => Health::Impaired,
        _ => Health::Initializing,
    }
}

fn value<'a>(tags: &'a Tags, key: &str) -> Option<&'a str> {
    tags.get(key).map(String::as_str)
}

pub(super) fn owner(named: &Tags) -> Option<Owner> {
    tags::owner_in(|key| value(named, key))
}

pub(super) fn pod(named: &Tags) -> Option<PodRef> {
    tags::pod_in(|key| value(named, key))
}

fn reason(machine: &Machine) -> Option<StateReason> {
    let (code, message) = machine.reason.clone()?;
    let cause = match code.as_str() {
        "Client.UserInitiatedShutdown" => EndCause::ApiCall,
        "Client.InstanceInitiatedShutdown" => EndCause::Guest,
        "Server.SpotInstanceTermination" => EndCause::SpotInterruption,
        "Server.InternalError" => EndCause::Provider,
        _ => EndCause::Other,
    };
    Some(StateReason { cause, code, message })
}
