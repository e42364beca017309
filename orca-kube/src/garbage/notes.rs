//! What garbage collection tells people: what it did, why it does nothing, and what to do then.

use std::fmt::Display;

use orca_core::ids::{ClusterId, InstanceId, NodeName};
use orca_core::instance::{ForeignTag, Instance};
use orca_core::leftover::LeftoverId;
use orca_core::lifecycle::Note;
use orca_core::orphans::{Freeze, Standing};
use orca_core::well_known::{reason, tag};

use crate::identity::Mismatch;

/// The causes of standing still, as labels of the metric.
pub(crate) const CAUSES: [&str; 6] =
    [BRAKE, FOREIGN_WRITER, CLUSTER_CHANGED, CLUSTER_UNPROVEN, IDENTITY_CHANGED, SET_BACK];
const BRAKE: &str = "brake";
const FOREIGN_WRITER: &str = "foreign_writer";
pub(super) const CLUSTER_CHANGED: &str = "cluster_changed";
pub(super) const CLUSTER_UNPROVEN: &str = "cluster_unproven";
pub(super) const IDENTITY_CHANGED: &str = "identity_changed";
pub(super) const SET_BACK: &str = "set_back";

/// So many are named; the log and the cloud's console have the rest.
const NAMED: usize = 10;

pub(super) fn cause<K>(freeze: &Freeze<K>) -> &'static str {
    match freeze {
        Freeze::Brake { .. } => BRAKE,
        Freeze::ForeignWriter { .. } => FOREIGN_WRITER,
    }
}

pub(super) fn frozen<K: Display>(freeze: &Freeze<K>, suspects: &[K]) -> Note {
    match freeze {
        Freeze::Brake { orphans, limit } => Note::warning(
            reason::ORPHAN_BRAKE,
            format!(
                "nothing is ended: within an hour, {orphans} things with this node's tags had no pod, and up to {limit} \
                 are ordinary. Was the cluster restored, or are pods missing? If they are really orphans, set \
                 gc.releaseBrake: {orphans} in ORCA's config and restart it, or end them by hand: {}",
                named(suspects)
            ),
        ),
        Freeze::ForeignWriter { key } => Note::warning(
            reason::FOREIGN_WRITER,
            format!(
                "nothing is ended: {key} has this node's tags and no pod, and this ORCA did not launch it. Look for another \
                 ORCA with the same cluster and node name, then end what it launched by hand: {}",
                named(suspects)
            ),
        ),
    }
}

pub(super) fn cluster_changed(expected: &ClusterId, found: &ClusterId) -> Note {
    Note::warning(
        reason::CLUSTER_CHANGED,
        format!(
            "nothing is ended: namespace kube-system has the UID {found}, and ORCA started with {expected}. Point ORCA at the \
             right cluster; if the cluster was made anew, restart ORCA and end the instances of the old one by hand"
        ),
    )
}

pub(super) fn unproven(cluster: &ClusterId, suspects: &[InstanceId]) -> Note {
    Note::warning(
        reason::CLUSTER_CHANGED,
        format!(
            "nothing is ended: instances of cluster {cluster} have no pod here, and only cluster.id says that this is that \
             cluster. Does the kubeconfig name the right one? It is certain as soon as one of them has its pod here; if all \
             are orphans, end them by hand: {}",
            named(suspects)
        ),
    )
}

pub(super) fn identity_changed(mismatch: &Mismatch) -> Note {
    Note::warning(reason::CLOUD_IDENTITY_CHANGED, mismatch.to_string())
}

pub(super) fn terminated(instance: &Instance, standing: Standing) -> Note {
    let pod = instance.pod.as_ref().map(ToString::to_string).unwrap_or_default();
    let (id, kind) = (&instance.id, &instance.instance_type);
    if standing == Standing::Surplus {
        return Note::warning(
            reason::ORPHAN_INSTANCE_TERMINATED,
            format!("instance {id} ({kind}) is to be terminated: pod {pod} has another one, which stays"),
        );
    }
    Note::warning(
        reason::ORPHAN_INSTANCE_TERMINATED,
        format!("instance {id} ({kind}) is to be terminated: its pod {pod} no longer exists"),
    )
}

pub(super) fn surplus(pod: &impl Display, alive: &[&Instance], surplus: &[InstanceId]) -> Note {
    let all: Vec<&InstanceId> = alive.iter().map(|instance| &instance.id).collect();
    Note::warning(
        reason::SURPLUS_INSTANCE,
        format!(
            "pod {pod} has {} instances, which must never be ({}); {} will be ended. Please report this with ORCA's log",
            alive.len(),
            named(&all),
            named(surplus)
        ),
    )
}

/// The API server was set back since they were launched: that it has no pod of theirs is no deletion.
pub(super) fn forgotten(instances: &[InstanceId]) -> Note {
    Note::warning(
        reason::VANISHED_PODS,
        format!(
            "the API server was set back to an older state and has no pod of {} instances, which keep running: {}. If nobody \
             needs them, set gc.releaseBrake: {} in ORCA's config and restart it, or end them by hand",
            instances.len(),
            named(instances),
            instances.len()
        ),
    )
}

/// Too many are missing: it is more likely that the cloud's lists are wrong.
pub(super) fn missing(instances: &[InstanceId]) -> Note {
    Note::warning(
        reason::MISSING_INSTANCES,
        format!(
            "the cloud no longer knows {} instances that should run, which is more than accidents explain: nothing is \
             concluded, and their pods show that nothing confirms them ({}). If they are really gone, set gc.releaseBrake: {} \
             in ORCA's config and restart it",
            instances.len(),
            named(instances),
            instances.len()
        ),
    )
}

/// Instances of the cluster that this node may not touch: those of an earlier name of it cost money without end.
pub(super) fn foreign(node: Option<&NodeName>, ours: &NodeName, instances: &[InstanceId]) -> Note {
    let (count, named) = (counted(instances.len(), "instance"), named(instances));
    let text = match node {
        Some(node) => format!(
            "this ORCA does not touch {count} of this cluster with the tag {} \"{node}\", because this node's is \"{ours}\": {named}. \
             If another ORCA runs as {node}, all is well; if this node had that name before, run ORCA as {node} until its pods are \
             gone, or end them by hand",
            tag::NODE
        ),
        None => format!(
            "this ORCA does not touch {count} of this cluster without the tag {}, which is \"{ours}\" on this node's: {named}. Set \
             it, or end by hand what nobody uses",
            tag::NODE
        ),
    };
    Note::normal(reason::FOREIGN_INSTANCES, text)
}

/// Such as `1 instance` or `3 instances`.
fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// This node's by their tags, and nobody can tell for which pod: they cost money, and are not ended.
pub(super) fn without_pod(instances: &[InstanceId]) -> Note {
    Note::warning(
        reason::INSTANCE_NOT_OWNED,
        format!(
            "nothing ends {} with this node's tags: {}. The tag {} is missing, which has to be the UID of the pod. Set it, or end \
             by hand what nobody uses",
            counted(instances.len(), "instance"),
            named(instances),
            tag::POD_UID
        ),
    )
}

/// One of several instances of a pod, which would be ended if its tags did not name another pod as well.
pub(super) fn contradicting(instance: &InstanceId, tag: &ForeignTag) -> Note {
    Note::warning(
        reason::INSTANCE_NOT_OWNED,
        format!(
            "instance {instance} runs on and is not ended: {tag}, because its tag {} names that pod. Set the tag that is wrong, or \
             end the instance by hand",
            tag::POD_UID
        ),
    )
}

/// The same as [`without_pod`] for what instances leave behind.
pub(super) fn leftovers_without_pod(leftovers: &[&LeftoverId]) -> Note {
    Note::warning(
        reason::LEFTOVER_NOT_OWNED,
        format!(
            "nothing removes {} with this node's tags: {}. The tag {} is missing, which has to be the UID of the pod. Set it, or \
             delete by hand what nobody uses",
            counted(leftovers.len(), "leftover"),
            named(leftovers),
            tag::POD_UID
        ),
    )
}

pub(super) fn removed(leftover: &LeftoverId) -> Note {
    Note::normal(
        reason::LEFTOVER_REMOVED,
        format!("{leftover} is removed: no instance uses it, and its pod no longer exists"),
    )
}

/// The first few, and how many more.
pub(super) fn named<K: Display>(keys: &[K]) -> String {
    let first: Vec<String> = keys.iter().take(NAMED).map(ToString::to_string).collect();
    let more = keys.len().saturating_sub(NAMED);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", first.join(", "))
}
