//! Gathers what is known about one pod into an observation. It reads memory only, and changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use orca_core::admission::{Rejection, Request};
use orca_core::config::DaemonSets;
use orca_core::ids::{CloudIdentity, Owner, PodRef};
use orca_core::launch::{LaunchRecord, RecordError};
use orca_core::lifecycle::{Facts, Observation};
use orca_core::pod::Intent;
use orca_core::provider::KnownInstances;

use super::store::Entry;
use super::{Inner, intake};

/// The data that an observation borrows.
pub(super) struct Observed<'a> {
    reference: &'a PodRef,
    owner: &'a Owner,
    user_tags: &'a BTreeMap<String, String>,
    intent: Intent,
    pod: &'a Pod,
    record: Option<Result<LaunchRecord, RecordError>>,
    request: Result<Request, Rejection>,
    ignore_daemons: bool,
    held_until: Option<Timestamp>,
    instances: KnownInstances,
    facts: Facts,
    ready_unknown_after: Option<Duration>,
    capacity_memory: Duration,
    abandoned: &'a [CloudIdentity],
    check_fit: bool,
}

/// What is known of this pod at this time, and whether it was admitted.
pub(super) fn observe<'a>(
    inner: &'a Inner,
    entry: &'a Entry,
    request: Result<Request, Rejection>,
    now: Timestamp,
) -> Observed<'a> {
    let parts = &inner.parts;
    let uid = &entry.reference.uid;
    // Facts come first: an answer that arrives in between then shows together with its instance, or not at all.
    let facts = inner.tasks.facts(uid);
    let mut instances = parts.provider.get_pod(&entry.reference, now);
    let family = parts.config.pods.first_ip_family;
    instances.seen = instances.seen.into_iter().map(|instance| instance.with_first(family)).collect();
    Observed {
        reference: &entry.reference,
        owner: &parts.owner,
        user_tags: &parts.user_tags,
        intent: intake::intent(entry),
        pod: &entry.pod,
        record: inner.record(&entry.pod, uid),
        request,
        ignore_daemons: parts.config.pods.daemon_sets == DaemonSets::Ignore,
        held_until: inner.launch_backoff.held_until(&entry.pod),
        facts,
        instances,
        ready_unknown_after: parts.config.pods.ready_unknown_after(),
        capacity_memory: parts.config.controller.capacity_memory(),
        abandoned: parts.identity.abandoned(),
        check_fit: parts.config.instances.check_fit,
    }
}

impl Observed<'_> {
    pub(super) fn observation(&self) -> Observation<'_> {
        Observation {
            reference: self.reference,
            owner: self.owner,
            user_tags: self.user_tags,
            intent: self.intent,
            pod: (self.intent != Intent::Gone).then_some(self.pod),
            record: self.record.as_ref(),
            request: &self.request,
            ignore_daemons: self.ignore_daemons,
            held_until: self.held_until,
            instances: &self.instances,
            facts: &self.facts,
            ready_unknown_after: self.ready_unknown_after,
            capacity_memory: self.capacity_memory,
            abandoned: self.abandoned,
            check_fit: self.check_fit,
        }
    }
}
