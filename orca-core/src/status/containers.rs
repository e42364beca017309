//! Container statuses: one entry for each container of the spec, in exactly one state.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    Container, ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, Pod,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Ready, Shown, to_second};
use crate::well_known::reason;

/// No exit code is known: the kubelet's code for a container that was lost (B77).
const LOST: i32 = 137;

/// The regular containers, sorted by name as the kubelet does (B74).
pub(super) fn regular(live: &Pod, shown: &Shown, now: Timestamp) -> Vec<ContainerStatus> {
    let containers = live.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let old =
        live.status.as_ref().and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let mut statuses: Vec<_> = containers.iter().map(|container| one(container, old, shown, now)).collect();
    statuses.sort_by(|a, b| a.name.cmp(&b.name));
    statuses
}

/// The init containers, in the spec's order. None until an instance runs: kubectl would put `Init:` before every reason.
///
/// They are not run. But everything that reads a status (kubectl, for example) waits for init containers unless they ended
/// with exit code 0, so that is what is shown. The reason, the message, and the missing times and container id say that
/// they never ran. Sidecars are shown like regular containers.
pub(super) fn init(live: &Pod, shown: &Shown, now: Timestamp) -> Option<Vec<ContainerStatus>> {
    let containers = live.spec.as_ref()?.init_containers.as_ref()?;
    let old = live.status.as_ref().and_then(|status| status.init_container_statuses.as_deref());
    let has_run = live
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten())
        .any(|status| status.container_id.is_some());
    match shown {
        Shown::Waiting { .. } => return None,
        Shown::Ended { .. } | Shown::Deleted { .. } if !has_run => return None,
        Shown::Running { .. } | Shown::Unconfirmed { .. } | Shown::Ended { .. } | Shown::Deleted { .. } => {}
    }
    let old = old.unwrap_or_default();
    let is_sidecar = |container: &Container| container.restart_policy.as_deref() == Some("Always");
    let render = |container: &Container| {
        if is_sidecar(container) { one(container, old, shown, now) } else { not_run(container) }
    };
    Some(containers.iter().map(render).collect())
}

/// An init container of a pod whose instance runs or has run.
fn not_run(container: &Container) -> ContainerStatus {
    let terminated = ContainerStateTerminated {
        exit_code: 0,
        reason: Some(reason::CONTAINERS_NOT_RUN.into()),
        message: Some("not run: the machine image is the workload".to_owned()),
        ..ContainerStateTerminated::default()
    };
    ContainerStatus {
        // As the kubelet shows an init container that has ended; conditions depend on it.
        ready: true,
        ..status(container, ContainerState { terminated: Some(terminated), ..ContainerState::default() })
    }
}

fn one(container: &Container, old: &[ContainerStatus], shown: &Shown, now: Timestamp) -> ContainerStatus {
    let before = old.iter().find(|status| status.name == container.name);
    match shown {
        Shown::Waiting { reason, message } => {
            let waiting =
                ContainerStateWaiting { reason: Some(reason.clone()), message: Some(message.clone()) };
            status(container, ContainerState { waiting: Some(waiting), ..ContainerState::default() })
        }
        Shown::Running { instance, ready } => {
            let started = before.and_then(started_at).unwrap_or_else(|| Time(to_second(now)));
            let running = ContainerStateRunning { started_at: Some(started) };
            // The image that the instance was launched for, even if the spec has changed since.
            let launched = before.filter(|status| status.container_id.is_some());
            let image = launched.map(|status| status.image.clone());
            let resources = launched.and_then(|status| status.resources.clone());
            ContainerStatus {
                image: image.or_else(|| container.image.clone()).unwrap_or_default(),
                resources: resources.or_else(|| Some(container.resources.clone().unwrap_or_default())),
                ready: *ready == Ready::Yes,
                started: Some(true),
                container_id: Some(instance.reference.to_string()),
                ..status(container, ContainerState { running: Some(running), ..ContainerState::default() })
            }
        }
        Shown::Unconfirmed { .. } => {
            before.cloned().unwrap_or_else(|| status(container, ContainerState::default()))
        }
        // Nothing ever ran. The kubelet, too, shows no ended containers for a pod that it rejected.
        Shown::Ended { reason, message, disruption: false }
            if before.is_none_or(|status| status.container_id.is_none()) =>
        {
            let waiting =
                ContainerStateWaiting { reason: Some(reason.clone()), message: Some(message.clone()) };
            status(container, ContainerState { waiting: Some(waiting), ..ContainerState::default() })
        }
        // kubectl prints the reason of a container rather than that of the pod, so it is the same.
        Shown::Ended { reason, message, .. } => terminated(container, before, (reason, message), now),
        Shown::Deleted { message } => terminated(container, before, (reason::POD_DELETED, message), now),
    }
}

fn terminated(
    container: &Container,
    before: Option<&ContainerStatus>,
    (reason, message): (&str, &str),
    now: Timestamp,
) -> ContainerStatus {
    if let Some(done) =
        before.filter(|status| status.state.as_ref().is_some_and(|state| state.terminated.is_some()))
    {
        return done.clone();
    }
    let container_id = before.and_then(|status| status.container_id.clone());
    let terminated = ContainerStateTerminated {
        exit_code: LOST,
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        started_at: before.and_then(started_at),
        finished_at: Some(Time(to_second(now))),
        container_id: container_id.clone(),
        ..ContainerStateTerminated::default()
    };
    ContainerStatus {
        container_id,
        ..status(container, ContainerState { terminated: Some(terminated), ..ContainerState::default() })
    }
}

fn started_at(status: &ContainerStatus) -> Option<Time> {
    status.state.as_ref()?.running.as_ref()?.started_at.clone()
}

/// What every entry has, whatever its state.
fn status(container: &Container, state: ContainerState) -> ContainerStatus {
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone().unwrap_or_default(),
        started: Some(false),
        state: Some(state),
        // The API server always answers with it, and its absence would look like a change (B79).
        last_state: Some(ContainerState::default()),
        ..ContainerStatus::default()
    }
}
