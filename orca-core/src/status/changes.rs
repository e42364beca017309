//! Changes of a pod that has an instance already: which of them cannot be carried out.
//!
//! What an instance was launched for stands in its pod's container statuses, and the spec may have moved on since.

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};

/// The container's status of an instance that runs.
fn launched<'a>(live: &'a Pod, container: &Container) -> Option<&'a ContainerStatus> {
    let statuses = live.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == container.name && status.container_id.is_some())
}

/// Containers whose image is another one than at the launch: name, and the image that is asked for now.
pub(crate) fn images(live: &Pod) -> Vec<(&str, &str)> {
    let containers = live.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let changed = |container: &&Container| {
        launched(live, container).is_some_and(|status| Some(&status.image) != container.image.as_ref())
    };
    containers
        .iter()
        .filter(changed)
        .map(|container| (container.name.as_str(), container.image.as_deref().unwrap_or_default()))
        .collect()
}

/// Whether a resize is asked for: an instance's size is fixed by its instance type.
pub(crate) fn is_resized(live: &Pod) -> bool {
    let containers = live.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    containers.iter().any(|container| {
        launched(live, container)
            .and_then(|status| status.resources.as_ref())
            .is_some_and(|resources| *resources != container.resources.clone().unwrap_or_default())
    })
}
