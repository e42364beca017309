//! The statuses of ephemeral containers: each is waiting, with a reason that `kubectl debug` prints.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStateWaiting, ContainerStatus, Pod};

use super::NOT_RUN;
use crate::well_known::reason;

/// One entry for each ephemeral container. None: there is none.
pub(super) fn statuses(live: &Pod) -> Option<Vec<ContainerStatus>> {
    let containers = live.spec.as_ref()?.ephemeral_containers.as_deref().filter(|list| !list.is_empty())?;
    let waiting = || ContainerStateWaiting {
        reason: Some(reason::CONTAINERS_NOT_RUN.into()),
        message: Some(NOT_RUN.to_owned()),
    };
    let status = |name: &str, image: Option<&String>| ContainerStatus {
        name: name.to_owned(),
        image: image.cloned().unwrap_or_default(),
        state: Some(ContainerState { waiting: Some(waiting()), ..ContainerState::default() }),
        // The API server always answers with it, and its absence would look like a change (B79).
        last_state: Some(ContainerState::default()),
        ..ContainerStatus::default()
    };
    Some(containers.iter().map(|container| status(&container.name, container.image.as_ref())).collect())
}
