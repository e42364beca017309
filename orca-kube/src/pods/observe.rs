//! Gathers what is known of one pod into an observation. It reads memory only: no call is made here.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::{self, Place, Rejection, Request};
use orca_core::config::DaemonSets;
use orca_core::ids::InstanceId;
use orca_core::instance::Health;
use orca_core::launch::{LaunchRecord, RecordError};
use orca_core::lifecycle::Observation;
use orca_core::pod::{self, Intent};
use orca_core::provider::{Claim, Machines};

use super::Inner;
use super::store::{Entry, Presence};

/// Everything that an observation borrows from.
pub(super) struct Observed<'a> {
    intent: Intent,
    pod: &'a Pod,
    record: Option<Result<LaunchRecord, RecordError>>,
    request: Result<Request, Rejection>,
    machines: Machines,
    ignore_daemons: bool,
    held_until: Option<Timestamp>,
}

pub(super) fn observe<'a>(inner: &Inner, entry: &'a Entry) -> Observed<'a> {
    let parts = &inner.parts;
    let pod = &*entry.pod;
    let intent = if entry.presence == Presence::Gone { Intent::Gone } else { pod::intent(pod) };
    let uid = &entry.reference.uid;
    let record =
        pod::launch_record(pod).map(|message| LaunchRecord::decode(message, &parts.owner.cluster, uid));
    // A finished pod's machine has ended, and its absence means nothing any more.
    let may_have_machine = matches!(intent, Intent::Wanted | Intent::Deleting { finished: false, .. });
    if may_have_machine && let Some(id) = recorded_instance(pod, record.as_ref()) {
        let health = pod::is_ready(pod).then_some(Health::Passed);
        parts.provider.adopt(&entry.reference, Claim { id, health });
    }
    let request = match (intent, &record) {
        (Intent::Wanted, None) if !is_ignored(inner, pod) => admit(inner, entry),
        _ => admission::admit(pod, &parts.config),
    };
    count(inner, entry, intent, record.is_some());
    Observed {
        intent,
        pod,
        record,
        request,
        machines: parts.provider.get_pod(&entry.reference),
        ignore_daemons: parts.config.pods.daemon_sets == DaemonSets::Ignore,
        held_until: inner.owners.held_until(pod),
    }
}

/// A pod of a `DaemonSet` buys nothing, and so takes no room.
fn is_ignored(inner: &Inner, pod: &Pod) -> bool {
    inner.parts.config.pods.daemon_sets == DaemonSets::Ignore && pod::is_daemon(pod)
}

/// Checks the pod's place and wish, and takes its room, before anything is launched for it.
fn admit(inner: &Inner, entry: &Entry) -> Result<Request, Rejection> {
    let config = &inner.parts.config;
    let node = inner.parts.node.borrow();
    let place = Place {
        name: config.node.name.clone(),
        labels: node.as_ref().map(|facts| facts.labels.clone()).unwrap_or_default(),
        taints: config.node.taints().into_owned(),
    };
    drop(node);
    admission::place(&entry.pod, &place)?;
    let request = admission::admit(&entry.pod, config)?;
    let room = inner.usage.admit(&entry.reference.uid, &entry.pod);
    room.map(|()| request).map_err(|shortage| shortage.rejection())
}

/// Keeps the room of a pod that was launched for, and gives back that of one that has ended.
fn count(inner: &Inner, entry: &Entry, intent: Intent, has_record: bool) {
    match intent {
        Intent::Gone | Intent::Finished(_) => inner.usage.release(&entry.reference.uid),
        Intent::Wanted | Intent::Deleting { .. } if has_record => {
            inner.usage.count(&entry.reference.uid, &entry.pod);
        }
        Intent::Wanted | Intent::Deleting { .. } => {}
    }
}

/// The instance that the record names, else the one that a container's id names: the record can be lost with a
/// restored API server.
pub(super) fn recorded_instance(
    pod: &Pod,
    record: Option<&Result<LaunchRecord, RecordError>>,
) -> Option<InstanceId> {
    let recorded =
        record.and_then(|record| record.as_ref().ok()).and_then(|record| record.instance_id.clone());
    recorded.or_else(|| {
        let (scheme, rest) = pod::container_id(pod)?.split_once("://")?;
        let (_place, id) = rest.rsplit_once('/')?;
        (!scheme.is_empty() && !id.is_empty()).then(|| InstanceId::new(id))
    })
}

impl Observed<'_> {
    pub(super) fn observation(&self) -> Observation<'_> {
        Observation {
            intent: self.intent,
            pod: (self.intent != Intent::Gone).then_some(self.pod),
            record: self.record.as_ref(),
            request: &self.request,
            ignore_daemons: self.ignore_daemons,
            held_until: self.held_until,
            machines: &self.machines,
        }
    }
}
