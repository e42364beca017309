//! When a world has come to rest: everything that is wanted runs, and nothing else does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Stage;
use crate::fake_kube::resource::{JOBS, PODS, REPLICASETS, Resource, STATEFULSETS};
use crate::simulation::history::PodVersion;
use crate::simulation::history::ledger::identity;

/// Whether nothing is on its way, as far as it will ever be.
pub(super) fn is_at_rest(stage: &Stage) -> bool {
    let (pods, _) = stage.kube.store().list(&PODS, None);
    let pods: Vec<PodVersion> = pods.iter().map(|pod| PodVersion::of(pod.value(), pod.version())).collect();
    let node = orca_core::config::Node::default().name;
    let home = identity(&stage.home);
    // Of what belongs to another config nothing is expected.
    let is_present = |pod: &&PodVersion| {
        (pod.node.is_empty() || pod.node == node)
            && pod.record.as_ref().is_none_or(|record| record.cloud == home)
    };
    let ours: Vec<&PodVersion> = pods.iter().filter(is_present).collect();
    let is_settled = ours.iter().all(|pod| {
        pod.is_terminal() && pod.deletion.is_none()
            || pod.phase == "Running" && pod.is_ready && pod.deletion.is_none()
    });
    let wanted: BTreeSet<&str> =
        ours.iter().filter(|pod| pod.is_wanted()).map(|pod| pod.uid.as_str()).collect();
    let instances = stage.home.instances();
    let has_extra = instances.iter().any(|instance| {
        use orca_core::well_known::tag;
        let is_ours = instance.tags.get(tag::NODE).is_some_and(|name| *name == node);
        instance.state.is_alive() && is_ours && !instance.pod().is_some_and(|pod| wanted.contains(pod))
    });
    let is_taken_back =
        instances.iter().any(|instance| instance.state.is_alive() && instance.taken_back_at.is_some());
    is_settled && !has_extra && !is_taken_back && owners_are_content(stage)
}

/// Every job is over or has its pods, and every set has its.
fn owners_are_content(stage: &Stage) -> bool {
    let all = |resource: &'static Resource, holds: fn(&Value) -> bool| {
        stage.kube.store().list(resource, None).0.iter().all(|object| holds(object.value()))
    };
    all(&JOBS, |job| {
        let is_over = job["status"]["conditions"].as_array().into_iter().flatten().any(|condition| {
            condition["status"] == "True"
                && (condition["type"] == "Failed" || condition["type"] == "Complete")
        });
        is_over || job["status"]["active"].as_i64() == job["spec"]["parallelism"].as_i64()
    }) && [&REPLICASETS, &STATEFULSETS].into_iter().all(|kind| {
        all(kind, |set| {
            set["status"]["readyReplicas"].as_i64().unwrap_or_default()
                == set["spec"]["replicas"].as_i64().unwrap_or(1)
        })
    })
}
