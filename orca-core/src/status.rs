//! What a pod's status shows, by the kubelet's rules (B61 to B80), and the patch that writes it.
//!
//! Only fields that a node agent owns are written. A pod whose phase is terminal is never patched again.

pub(crate) mod changes;
mod conditions;
mod containers;
mod ephemeral;
mod patch;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{HostIP, Pod, PodIP, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::instance::Instance;
use crate::launch::LaunchRecord;

pub use changes::asked;
pub use patch::{annotations, patch, record_patch};

/// What the condition and the event `ContainersNotRun` say.
pub(crate) const NOT_RUN: &str = "the machine image is the workload: image, command, environment, volumes and probes of the containers are not used";

/// What a pod should show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Pending, and why.
    Waiting {
        /// The container states' waiting reason.
        reason: String,
        /// The cause, for people.
        message: String,
    },
    /// The instance runs.
    Running {
        /// The instance.
        instance: Box<Instance>,
        /// Whether it passed its checks.
        ready: Ready,
    },
    /// Unchanged, but nothing has confirmed the instance for a while.
    Unconfirmed {
        /// Since when, for people.
        message: String,
        /// Whether that is so long that Ready becomes Unknown.
        is_ready_unknown: bool,
    },
    /// Failed: the instance is gone, or there will be none.
    Ended {
        /// The status' reason.
        reason: String,
        /// What happened, for people.
        message: String,
        /// Whether an instance was lost: `DisruptionTarget` lets a Job's policy ignore it (B71).
        disruption: bool,
    },
    /// Terminal because the pod was deleted.
    Deleted {
        /// What happened, for people.
        message: String,
    },
}

/// Whether a running pod is ready, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It is ready.
    Yes,
    /// It is not, for this reason.
    No(String),
}

/// The status that shows this, in the fields that ORCA owns.
///
/// What must not change comes from `live`: start times, addresses, and the times of conditions that stay as they are.
#[must_use]
pub fn render(live: &Pod, shown: &Shown, record: Option<&LaunchRecord>, now: Timestamp) -> PodStatus {
    let old = live.status.clone().unwrap_or_default();
    let phase = match shown {
        Shown::Waiting { .. } => "Pending",
        Shown::Running { .. } => "Running",
        Shown::Ended { .. } | Shown::Deleted { .. } => "Failed",
        Shown::Unconfirmed { message, is_ready_unknown } => {
            return unconfirmed(live, message, *is_ready_unknown, record, now);
        }
    };
    let mut status = PodStatus {
        // All containers share one instance, so the phase follows from it (B61).
        phase: Some(phase.to_owned()),
        observed_generation: live.metadata.generation,
        start_time: old.start_time.clone().or_else(|| Some(Time(to_second(now)))),
        container_statuses: Some(containers::regular(live, shown, now)),
        init_container_statuses: containers::init(live, shown, now),
        ephemeral_container_statuses: ephemeral::statuses(live),
        pod_ip: old.pod_ip.clone(),
        pod_ips: old.pod_ips.clone(),
        host_ip: old.host_ip.clone(),
        host_ips: old.host_ips.clone(),
        ..PodStatus::default()
    };
    match shown {
        Shown::Waiting { message, .. } | Shown::Deleted { message } => status.message = Some(message.clone()),
        Shown::Running { instance, .. } => addresses(&mut status, instance),
        Shown::Unconfirmed { .. } => {}
        Shown::Ended { reason, message, .. } => {
            status.reason = Some(reason.clone());
            status.message = Some(message.clone());
        }
    }
    status.conditions = Some(conditions::render(live, shown, record, to_second(now)));
    status
}

/// The live status with a condition that says it could not be confirmed. When Ready is Unknown, containers are shown as not
/// ready: a container status has no "unknown".
fn unconfirmed(
    live: &Pod,
    message: &str,
    is_ready_unknown: bool,
    record: Option<&LaunchRecord>,
    now: Timestamp,
) -> PodStatus {
    let mut status = live.status.clone().unwrap_or_default();
    status.observed_generation = live.metadata.generation;
    for container in status.container_statuses.iter_mut().flatten().filter(|_| is_ready_unknown) {
        container.ready = false;
    }
    let said = conditions::unconfirmed(live, message, is_ready_unknown, record, to_second(now));
    let mut conditions = status.conditions.take().unwrap_or_default();
    conditions.retain(|old| said.iter().all(|new| new.type_ != old.type_));
    conditions.extend(said);
    status.conditions = Some(conditions);
    status
}

/// The private addresses are those of the pod and of its host, because every pod has its own instance.
fn addresses(status: &mut PodStatus, instance: &Instance) {
    let all = instance.private_ip.into_iter().chain(instance.other_ip).map(|ip| ip.to_string());
    let all: Vec<String> = all.collect();
    let Some(first) = all.first().cloned() else {
        return;
    };
    status.pod_ip = Some(first.clone());
    status.host_ip = Some(first);
    status.pod_ips = Some(all.iter().cloned().map(|ip| PodIP { ip }).collect());
    status.host_ips = Some(all.into_iter().map(|ip| HostIP { ip }).collect());
}

/// The API server stores whole seconds. Anything finer would look like a change every time (B79).
fn to_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

#[cfg(test)]
mod tests;
