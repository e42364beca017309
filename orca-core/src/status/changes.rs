//! Which changes of a pod cannot be carried out, because it has an instance already.
//!
//! The container statuses and the launch record say what the instance was launched for; the pod may have changed since.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};

use super::NOT_RUN;
use crate::launch::LaunchRecord;
use crate::pod;
use crate::text;
use crate::well_known::{PREFIX, annotation};

/// How much of a value is repeated to people.
const SHOWN_CHARS: usize = 60;
/// What every sentence about a change ends with.
const KEPT: &str = "and the running instance keeps what it was launched with; make a new pod";
/// How the keys of resource requests and limits end.
const RESOURCES: &str = "resources";

/// What this pod asks for that no container status will show. The launch record keeps it, so that later changes can be
/// reported. The key of an annotation is its name, that of a field of the spec its path.
#[must_use]
pub fn asked(pod: &Pod) -> BTreeMap<String, String> {
    let is_ours = |key: &str| matches!(key, annotation::INSTANCE_ID | annotation::PUBLIC_IP);
    let annotations = pod::annotations(pod).into_iter().flatten();
    let mut asked: BTreeMap<String, String> = annotations
        .filter(|(key, _)| key.starts_with(PREFIX) && !is_ours(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let Some(spec) = &pod.spec else { return asked };
    let text = |value| serde_json::to_string(value).unwrap_or_default();
    asked.extend(spec.resources.as_ref().map(|whole| (format!("spec.{RESOURCES}"), text(whole))));
    for container in spec.init_containers.iter().flatten() {
        let path = |field: &str| format!("spec.initContainers[{}].{field}", container.name);
        asked.extend(container.image.as_ref().map(|image| (path("image"), image.clone())));
        asked.extend(container.resources.as_ref().map(|amounts| (path(RESOURCES), text(amounts))));
    }
    asked
}

/// Every change of this pod that is not carried out, a sentence each.
pub(crate) fn not_applied(live: &Pod, record: Option<&LaunchRecord>) -> Vec<String> {
    let images = images(live).into_iter().map(|(name, image)| {
        format!("the image of container {name} was changed to {}, {KEPT}", text::cut(image, SHOWN_CHARS))
    });
    let size =
        "the instance's size is fixed by its instance type, so the resize is not carried out; make a new pod";
    let resize = is_resized(live, record).then(|| size.to_owned());
    let others = since_launch(live, record)
        .into_iter()
        .filter(|(key, _, _)| !key.ends_with(RESOURCES))
        .map(|(key, before, now)| sentence(&key, before.as_deref(), now.as_deref()));
    let ephemeral = live.spec.iter().flat_map(|spec| spec.ephemeral_containers.iter().flatten());
    let ephemeral =
        ephemeral.map(|container| format!("ephemeral container {} is not run: {NOT_RUN}", container.name));
    images.chain(resize).chain(others).chain(ephemeral).collect()
}

/// Whether a resize is asked for: an instance's size is fixed by its instance type.
pub(crate) fn is_resized(live: &Pod, record: Option<&LaunchRecord>) -> bool {
    let containers = live.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let is_changed = |container: &Container| {
        launched(live, container)
            .and_then(|status| status.resources.as_ref())
            .is_some_and(|resources| *resources != container.resources.clone().unwrap_or_default())
    };
    containers.iter().any(is_changed)
        || since_launch(live, record).iter().any(|(key, _, _)| key.ends_with(RESOURCES))
}

/// What has changed since the record was written: the key, the old value and the new one.
fn since_launch(live: &Pod, record: Option<&LaunchRecord>) -> Vec<(String, Option<String>, Option<String>)> {
    let Some(before) = record.and_then(|record| record.asked.as_ref()) else { return Vec::new() };
    let now = asked(live);
    let mut keys: Vec<&String> = before.keys().chain(now.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .filter(|key| before.get(*key) != now.get(*key))
        .map(|key| (key.clone(), before.get(key).cloned(), now.get(key).cloned()))
        .collect()
}

fn sentence(key: &str, before: Option<&str>, now: Option<&str>) -> String {
    let what = if key.starts_with(PREFIX) { "annotation" } else { "field" };
    let cut = |value: &str| text::cut(value, SHOWN_CHARS);
    match (before, now) {
        (Some(before), Some(now)) => {
            format!("{what} {key} was changed from {} to {}, {KEPT}", cut(before), cut(now))
        }
        (None, Some(now)) => format!("{what} {key} was set to {}, {KEPT}", cut(now)),
        (Some(before), None) => format!("{what} {key} was taken away (it was {}), {KEPT}", cut(before)),
        (None, None) => String::new(),
    }
}

/// The container's status, if it has an instance's id.
fn launched<'a>(live: &'a Pod, container: &Container) -> Option<&'a ContainerStatus> {
    let statuses = live.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == container.name && status.container_id.is_some())
}

/// Containers whose image has changed since the launch: the name, and the new image.
fn images(live: &Pod) -> Vec<(&str, &str)> {
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
