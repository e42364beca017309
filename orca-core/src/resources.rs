//! What a pod asks for and what the node offers: named amounts, added and compared exactly.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Wire;

use crate::pod;
use crate::quantity::Quantity;
use crate::well_known::pod_condition;

/// Amounts by resource name, such as `cpu`, `memory` or `nvidia.com/gpu`.
pub type Resources = BTreeMap<String, Quantity>;

/// What the scheduler and the kubelet count as the requests of this pod (B27).
///
/// The sum of the containers or the largest init step, whichever is more. Sidecars (init containers with restart policy
/// `Always`) keep running, so they count in the sum and in every later init step. Requests of the pod as a whole replace
/// those of its containers, and the overhead is added. For a pod that is being resized, the larger of its spec and its
/// status counts, and the status alone once the resize is infeasible.
///
/// The API server has already filled in requests from limits. It accepts no unreadable amounts; here they count as zero.
#[must_use]
pub fn requested(pod: &Pod) -> Resources {
    let status = PodLevel::of(pod);
    let is_infeasible = is_resize_infeasible(pod);
    let (allocated, actual) = match (status.allocated, status.requests) {
        (Some(allocated), Some(actual)) => (read(Some(allocated)), read(Some(actual))),
        _ => (
            total(pod, |container, status| {
                let known = status.and_then(|status| status.allocated_resources.as_ref());
                known.or_else(|| wanted(container, Half::Requests).filter(|_| !is_infeasible))
            }),
            total(pod, |container, status| {
                let known = status.and_then(|status| {
                    half(status.resources.as_ref(), Half::Requests).or(status.allocated_resources.as_ref())
                });
                known.or_else(|| wanted(container, Half::Requests).filter(|_| !is_infeasible))
            }),
        ),
    };
    let mut counted = raised(allocated, &actual);
    if !is_infeasible {
        raise(&mut counted, &total(pod, |container, _status| wanted(container, Half::Requests)));
    }
    let statuses = [status.requests, status.allocated];
    apply_pod_level(&mut counted, pod, Half::Requests, statuses.into_iter().flatten());
    add(&mut counted, &read(overhead(pod)));
    counted
}

/// What the kubelet counts as the limits of this pod. The same rules as for [`requested`], but the overhead is added only to
/// resources that have a limit.
#[must_use]
pub fn limited(pod: &Pod) -> Resources {
    let status = PodLevel::of(pod);
    let is_infeasible = is_resize_infeasible(pod);
    let mut counted = match status.limits {
        Some(actual) => read(Some(actual)),
        None => total(pod, |container, status| {
            let known = status.and_then(|status| half(status.resources.as_ref(), Half::Limits));
            known.or_else(|| wanted(container, Half::Limits).filter(|_| !is_infeasible))
        }),
    };
    if !is_infeasible {
        raise(&mut counted, &total(pod, |container, _status| wanted(container, Half::Limits)));
    }
    apply_pod_level(&mut counted, pod, Half::Limits, status.limits.into_iter());
    for (name, amount) in read(overhead(pod)) {
        if let Some(limit) = counted.get_mut(&name).filter(|limit| !limit.is_zero()) {
            *limit = *limit + amount;
        }
    }
    counted
}

/// Amounts as the API has them.
type Amounts = BTreeMap<String, Wire>;

/// The two halves of `resources`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Requests,
    Limits,
}

fn half(resources: Option<&ResourceRequirements>, half: Half) -> Option<&Amounts> {
    match half {
        Half::Requests => resources?.requests.as_ref(),
        Half::Limits => resources?.limits.as_ref(),
    }
}

fn wanted(container: &Container, which: Half) -> Option<&Amounts> {
    half(container.resources.as_ref(), which)
}

/// What the status says of the pod as a whole.
#[derive(Clone, Copy, Default)]
struct PodLevel<'a> {
    is_known: bool,
    requests: Option<&'a Amounts>,
    limits: Option<&'a Amounts>,
    allocated: Option<&'a Amounts>,
}

impl<'a> PodLevel<'a> {
    // An embedding program may have chosen an older version of the API, which does not have these fields.
    k8s_openapi::k8s_if_ge_1_35! {
        fn of(pod: &'a Pod) -> Self {
            let Some(status) = &pod.status else { return Self::default() };
            Self {
                is_known: status.resources.is_some(),
                requests: half(status.resources.as_ref(), Half::Requests),
                limits: half(status.resources.as_ref(), Half::Limits),
                allocated: status.allocated_resources.as_ref(),
            }
        }
    }
    k8s_openapi::k8s_if_le_1_34! {
        fn of(_pod: &'a Pod) -> Self {
            Self::default()
        }
    }
}

/// Replaces the sum of the containers with what is set for the pod as a whole: the larger of spec and status, if the
/// status says something.
fn apply_pod_level<'a>(
    counted: &mut Resources,
    pod: &'a Pod,
    which: Half,
    statuses: impl Iterator<Item = &'a Amounts>,
) {
    let resources = pod.spec.as_ref().and_then(|spec| spec.resources.as_ref());
    let is_set = |which| half(resources, which).into_iter().flatten().any(|(name, _)| is_pod_level(name));
    if !(is_set(which) || (which == Half::Limits && is_set(Half::Requests))) {
        return;
    }
    let is_known = PodLevel::of(pod).is_known;
    let mut effective =
        if is_known && is_resize_infeasible(pod) { Resources::new() } else { read(half(resources, which)) };
    statuses.filter(|_| is_known).for_each(|amounts| raise(&mut effective, &read(Some(amounts))));
    counted.extend(effective.into_iter().filter(|(name, _)| is_pod_level(name)));
}

/// Whether a resource can be set for a pod as a whole.
fn is_pod_level(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

fn is_resize_infeasible(pod: &Pod) -> bool {
    let pending = pod::condition(pod, pod_condition::RESIZE_PENDING);
    pending.is_some_and(|pending| pending.reason.as_deref() == Some("Infeasible"))
}

fn overhead(pod: &Pod) -> Option<&Amounts> {
    pod.spec.as_ref()?.overhead.as_ref()
}

/// What the containers need together, at the moment at which they need most.
fn total<'a>(
    pod: &'a Pod,
    of: impl Fn(&'a Container, Option<&'a ContainerStatus>) -> Option<&'a Amounts>,
) -> Resources {
    let Some(spec) = &pod.spec else { return Resources::new() };
    let amounts = |container: &'a Container| read(of(container, status(pod, &container.name)));
    let mut running = Resources::new();
    spec.containers.iter().for_each(|container| add(&mut running, &amounts(container)));
    let (mut sidecars, mut peak) = (Resources::new(), Resources::new());
    for container in spec.init_containers.iter().flatten() {
        let own = amounts(container);
        if container.restart_policy.as_deref() == Some("Always") {
            add(&mut running, &own);
            add(&mut sidecars, &own);
            raise(&mut peak, &sidecars);
        } else {
            let mut step = sidecars.clone();
            add(&mut step, &own);
            raise(&mut peak, &step);
        }
    }
    raised(running, &peak)
}

/// The status of a container, whichever kind it is.
fn status<'a>(pod: &'a Pod, name: &str) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    let regular = status.container_statuses.iter().flatten();
    regular.chain(status.init_container_statuses.iter().flatten()).find(|status| status.name == name)
}

fn read(amounts: Option<&Amounts>) -> Resources {
    let amount =
        |(name, amount): (&String, &Wire)| (name.clone(), Quantity::try_from(amount).unwrap_or_default());
    amounts.into_iter().flatten().map(amount).collect()
}

fn add(total: &mut Resources, more: &Resources) {
    for (name, amount) in more {
        let entry = total.entry(name.clone()).or_default();
        *entry = *entry + *amount;
    }
}

fn raise(peak: &mut Resources, to: &Resources) {
    for (name, amount) in to {
        let entry = peak.entry(name.clone()).or_insert(*amount);
        *entry = (*entry).max(*amount);
    }
}

fn raised(mut amounts: Resources, to: &Resources) -> Resources {
    raise(&mut amounts, to);
    amounts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(spec: serde_json::Value) -> Pod {
        serde_json::from_value(serde_json::json!({ "spec": spec })).expect("a pod")
    }

    #[test]
    fn containers_add_up_and_the_largest_init_step_counts() {
        let asked = requested(&pod(serde_json::json!({
            "initContainers": [
                { "name": "big", "resources": { "requests": { "cpu": "8" } } },
                { "name": "side", "restartPolicy": "Always", "resources": { "requests": { "cpu": "1" } } },
                { "name": "late", "resources": { "requests": { "cpu": "2", "memory": "1Gi" } } },
            ],
            "containers": [
                { "name": "a", "resources": { "requests": { "cpu": "500m", "nvidia.com/gpu": "8" } } },
                { "name": "b", "resources": { "requests": { "cpu": "1" }, "limits": { "cpu": "4" } } },
            ],
            "overhead": { "memory": "64Mi" },
        })));
        assert_eq!(asked["cpu"], Quantity::from_units(8));
        assert_eq!(asked["memory"].units(), (1 << 30) + (64 << 20));
        assert_eq!(asked["nvidia.com/gpu"], Quantity::from_units(8));
    }

    #[test]
    fn what_the_pod_as_a_whole_asks_for_takes_the_place_of_its_containers() {
        let asked = requested(&pod(serde_json::json!({
            "resources": { "requests": { "cpu": "64" } },
            "containers": [{ "name": "a", "resources": { "requests": { "cpu": "1", "memory": "1Gi" } } }],
        })));
        assert_eq!((asked["cpu"], asked["memory"].units()), (Quantity::from_units(64), 1 << 30), "B27");
    }

    #[test]
    fn a_pod_without_requests_asks_for_nothing() {
        assert!(requested(&pod(serde_json::json!({ "containers": [{ "name": "a" }] }))).is_empty());
    }
}
