//! From the model's instance to the domain's instance.

use std::net::IpAddr;
use std::sync::Arc;

use orca_core::ids::{CloudIdentity, InstanceId, Owner, PodRef};
use orca_core::instance::{EndCause, Health, Instance, StateReason};
use orca_core::tags;

use crate::fake_ec2::instance::{Ec2Instance, Tags};

pub(super) fn instance(identity: &CloudIdentity, instance: &Ec2Instance) -> Instance {
    Instance {
        id: InstanceId::new(&instance.id),
        reference: format!("ec2://{identity}/{}", instance.id).into(),
        state: instance.state,
        cloud: Some(identity.clone()),
        state_reason: reason(instance),
        owner: owner(&instance.tags),
        pod: pod(&instance.tags),
        instance_type: Arc::from(instance.kind.name),
        capacity_type: instance.market,
        zone: Some(Arc::from(instance.zone.as_str())),
        private_ip: instance.private_ip.map(IpAddr::V4).or(instance.ipv6.map(IpAddr::V6)),
        other_ip: instance.ipv6.map(IpAddr::V6).filter(|_| instance.private_ip.is_some()),
        public_ip: instance.public_ip.map(IpAddr::V4),
        launched_at: Some(instance.launched_at),
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

fn reason(instance: &Ec2Instance) -> Option<StateReason> {
    let (code, message) = instance.reason.clone()?;
    let cause = match code.as_str() {
        "Client.UserInitiatedShutdown" => EndCause::ApiCall,
        "Client.InstanceInitiatedShutdown" => EndCause::Guest,
        "Server.SpotInstanceTermination" => EndCause::SpotInterruption,
        "Server.InternalError" => EndCause::Provider,
        "Client.InternalError" => EndCause::LaunchInvalid,
        _ => EndCause::Other,
    };
    Some(StateReason { cause, code, message })
}
