//! From EC2's description of an instance to an [`Instance`](orca_core::instance::Instance).

use std::net::IpAddr;
use std::sync::Arc;

use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types;
use jiff::Timestamp;
use orca_core::error::{CloudError, Kind};
use orca_core::ids::{CloudIdentity, InstanceId, Owner, PodRef};
use orca_core::instance::{CapacityType, EndCause, Instance, InstanceState, StateReason};
use orca_core::tags;

/// One instance of a reply.
///
/// A reply without an id, or with a state that this version does not know, is an error and never an absence.
///
/// `place` is the account, if the reply names it, and the region.
pub(crate) fn instance(
    place: (Option<&str>, &str),
    source: &types::Instance,
) -> Result<Instance, CloudError> {
    let id = source
        .instance_id()
        .filter(|id| !id.is_empty())
        .ok_or_else(|| unreadable("an instance without an id"))?;
    let (account, region) = place;
    let cloud = account.filter(|account| !account.is_empty()).map(|account| identity(account, region));
    let place = cloud.as_ref().map_or(region, CloudIdentity::as_str);
    let (private_ip, other_ip) = private_addresses(source);
    Ok(Instance {
        id: InstanceId::new(id),
        reference: format!("ec2://{place}/{id}").into(),
        state: state(source.state())?,
        cloud,
        state_reason: source.state_reason().and_then(reason),
        owner: owner(source.tags()),
        pod: pod(source.tags()),
        instance_type: source.instance_type().map_or_else(|| Arc::from(""), |kind| Arc::from(kind.as_str())),
        capacity_type: capacity_type(source.instance_lifecycle()),
        zone: source
            .placement()
            .and_then(types::Placement::availability_zone)
            .filter(|zone| !zone.is_empty())
            .map(Arc::from),
        private_ip,
        other_ip,
        public_ip: address(source.public_ip_address()),
        launched_at: source.launch_time().and_then(timestamp),
    })
}

/// This account in this region, as in launch records and references.
pub(crate) fn identity(account: &str, region: &str) -> CloudIdentity {
    CloudIdentity::new(format!("{account}/{region}"))
}

/// The state of a reply.
pub(crate) fn state(source: Option<&types::InstanceState>) -> Result<InstanceState, CloudError> {
    use types::InstanceStateName as Name;
    let name = source
        .and_then(types::InstanceState::name)
        .ok_or_else(|| unreadable("an instance without a state"))?;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only states that EC2 invents later reach the last arm"
    )]
    match name {
        Name::Pending => Ok(InstanceState::Pending),
        Name::Running => Ok(InstanceState::Running),
        Name::Stopping => Ok(InstanceState::Stopping),
        Name::Stopped => Ok(InstanceState::Stopped),
        Name::ShuttingDown => Ok(InstanceState::ShuttingDown),
        Name::Terminated => Ok(InstanceState::Terminated),
        unknown => Err(unreadable(&format!("the instance state {}", unknown.as_str()))),
    }
}

fn unreadable(what: &str) -> CloudError {
    CloudError::new(Kind::Unknown, "UnreadableAnswer", format!("EC2 answered with {what}"))
}

/// A capacity block or a scheduled instance counts as on-demand: the spot market cannot take it back.
fn capacity_type(lifecycle: Option<&types::InstanceLifecycleType>) -> CapacityType {
    match lifecycle {
        Some(types::InstanceLifecycleType::Spot) => CapacityType::Spot,
        Some(_) | None => CapacityType::OnDemand,
    }
}

fn address(text: Option<&str>) -> Option<IpAddr> {
    text.and_then(|text| text.parse().ok())
}

/// The private address, and the one of the other family. In a subnet without IPv4 the IPv6 address is the only one.
///
/// EC2 returns an instance's IPv6 addresses with its interfaces, and the first of them also with the instance.
fn private_addresses(source: &types::Instance) -> (Option<IpAddr>, Option<IpAddr>) {
    let is_primary = |interface: &&types::InstanceNetworkInterface| {
        interface.attachment().and_then(types::InstanceNetworkInterfaceAttachment::device_index).unwrap_or(0)
            == 0
    };
    let of_primary = || {
        let interface = source.network_interfaces().iter().find(is_primary)?;
        let all = interface.ipv6_addresses();
        let first = all.iter().find(|one| one.is_primary_ipv6() == Some(true)).or_else(|| all.first())?;
        address(first.ipv6_address())
    };
    let v4 = address(source.private_ip_address());
    let v6 = of_primary().or_else(|| address(source.ipv6_address()));
    if v4.is_some() { (v4, v6) } else { (v6, None) }
}

/// A time of a reply. None: it is out of range.
pub(crate) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    let nanos = i32::try_from(time.subsec_nanos()).ok()?;
    Timestamp::new(time.secs(), nanos).ok()
}

fn value<'a>(tags: &'a [types::Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key() == Some(key)).and_then(types::Tag::value)
}

/// The owner that tags name.
pub(crate) fn owner(named: &[types::Tag]) -> Option<Owner> {
    tags::owner_in(|key| value(named, key))
}

/// The pod that tags name.
pub(crate) fn pod(named: &[types::Tag]) -> Option<PodRef> {
    tags::pod_in(|key| value(named, key))
}

/// None when EC2 gives no reason, as for every healthy instance.
fn reason(source: &types::StateReason) -> Option<StateReason> {
    let (code, message) = (source.code().unwrap_or_default(), source.message().unwrap_or_default());
    if code.is_empty() && message.is_empty() {
        return None;
    }
    // Code and message can disagree, and then the message is right: EC2's own example has the code
    // `Server.InternalError` with the message `Client.VolumeLimitExceeded: …`.
    let said = message.split(':').next().unwrap_or_default().trim();
    let cause = cause(said).or_else(|| cause(code)).unwrap_or(EndCause::Other);
    Some(StateReason { cause, code: code.to_owned(), message: message.to_owned() })
}

/// The codes of `StateReason` (EC2 API reference) that mean something to a pod.
fn cause(code: &str) -> Option<EndCause> {
    match code {
        "Client.UserInitiatedShutdown" | "Client.UserInitiatedHibernate" => Some(EndCause::ApiCall),
        "Client.InstanceInitiatedShutdown" => Some(EndCause::Guest),
        "Server.SpotInstanceTermination" | "Server.SpotInstanceShutdown" => Some(EndCause::SpotInterruption),
        "Server.InternalError" | "Server.ScheduledStop" => Some(EndCause::Provider),
        "Server.InsufficientInstanceCapacity" => Some(EndCause::LaunchFailed),
        "Client.InstanceTerminated" => Some(EndCause::Other),
        // A key, a snapshot, a limit of volumes, and what EC2 may add. The prefix says that the caller is at fault.
        _ if code.starts_with("Client.") => Some(EndCause::LaunchInvalid),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
