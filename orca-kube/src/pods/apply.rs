//! Carries out one decision: write, then tell, then act. It chooses nothing.

use std::time::Duration;

use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use orca_core::launch::{self, LaunchRecord, LaunchWish, NewAttempt, TagSource};
use orca_core::lifecycle::{self, Action, Decision, Observation};
use orca_core::provider::Plan;
use orca_core::status::{self, Shown};

use super::Inner;
use super::lean::Lean;
use super::store::Entry;
use crate::call::{CallError, bounded};
use crate::metrics::Outcome;

/// The name under which our fields are listed in `managedFields`.
const FIELD_MANAGER: &str = "orca";

/// Performs a decision. Returns when to look again; None when nothing is left of the pod.
pub(super) async fn apply(
    inner: &Inner,
    entry: &Entry,
    seen: &Observation<'_>,
    decision: Decision,
) -> Result<Option<Duration>, CallError> {
    let record = decision.record.as_ref().or_else(|| seen.record.and_then(|record| record.as_ref().ok()));
    let is_write = decision.status.is_some() || decision.record.is_some();
    let written = match (&decision.status, &decision.record) {
        (Some(shown), _) => write(inner, entry, shown, record).await,
        (None, Some(record)) => write_record(inner, entry, record).await,
        (None, None) => Ok(false),
    };
    let written = match written {
        Ok(written) => written,
        // A status that the API server refuses is our mistake, and must not keep a machine or an object alive (B35).
        Err(CallError::Refused(text)) if matches!(decision.action, Action::Terminate | Action::Release) => {
            tracing::error!(error = text, "The API server refuses the pod's status; going on without it");
            false
        }
        Err(error) => return Err(error),
    };
    if let Some(send_at) = decision.settle {
        inner.parts.provider.settle(&entry.reference.uid, send_at);
    }
    if written || !is_write {
        decision.notes.iter().for_each(|note| inner.parts.events.publish(&entry.reference, note));
    }
    if let Some(lived) = decision.lived.filter(|_| written) {
        inner.owners.ended(&entry.pod, lived, inner.parts.clock.now());
    }
    let again = Some(decision.again);
    match decision.action {
        Action::None => Ok(again),
        Action::Refresh => {
            inner.parts.provider.refresh();
            Ok(again)
        }
        Action::Launch { attempt } => launch(inner, entry, seen, attempt).await,
        Action::Resend => resend(inner, entry, record, again).await,
        Action::Terminate => {
            inner.parts.provider.delete_pod(&entry.reference);
            Ok(again)
        }
        Action::Release => release(inner, entry).await.map(|()| again),
        Action::Forget => {
            inner.parts.provider.forget(&entry.reference.uid);
            inner.store.forget(&entry.reference.uid);
            inner.usage.release(&entry.reference.uid);
            Ok(None)
        }
    }
}

/// Opens an attempt: an offer and a permit, then the record, then the send. Nothing waits between record and send.
async fn launch(
    inner: &Inner,
    entry: &Entry,
    seen: &Observation<'_>,
    attempt: u32,
) -> Result<Option<Duration>, CallError> {
    let Ok(request) = seen.request else {
        return Ok(Some(Duration::ZERO));
    };
    let parts = &inner.parts;
    let pod = &entry.reference;
    let now = parts.clock.now();
    let tags = launch::tags(&TagSource {
        owner: &parts.owner,
        pod,
        attempt,
        instance_type: &request.instance_type,
        created_at: now,
        expires_at: None,
        user_tags: &parts.config.aws.tags,
    });
    let wish = LaunchWish {
        pod: pod.clone(),
        instance_type: request.instance_type.clone(),
        capacity_type: request.capacity_type,
        max_price: request.max_price,
        image: request.image.clone(),
        tags,
    };
    let offer = match parts.provider.plan_pod(&wish).await {
        Ok(Plan::Ready(offer)) => *offer,
        Ok(Plan::Wait(wait)) => {
            let decision = lifecycle::queued(seen, wait, parts.clock.now());
            return Box::pin(apply(inner, entry, seen, decision)).await;
        }
        Err(error) => {
            let decision = lifecycle::not_planned(seen, &error);
            return Box::pin(apply(inner, entry, seen, decision)).await;
        }
    };
    if !is_clear(inner, entry) {
        return Ok(Some(Duration::ZERO));
    }
    let new = NewAttempt {
        cluster: &parts.owner.cluster,
        pod: &pod.uid,
        attempt,
        offer,
        wish: request.fingerprint(),
    };
    let record = LaunchRecord::open(new, parts.clock.now());
    let shown = lifecycle::launching(&record.offer.instance_type);
    if write(inner, entry, &shown, Some(&record)).await? {
        parts.provider.create_pod(pod, &record);
    }
    Ok(Some(orca_core::limits::RESYNC))
}

/// Rule 0 once more, at the last moment: making the offer may have taken longer than a sweep proves anything.
fn is_clear(inner: &Inner, entry: &Entry) -> bool {
    let machines = inner.parts.provider.get_pod(&entry.reference);
    machines.fresh && machines.seen.is_empty()
}

/// Announces one more send of the same attempt, then sends the same bytes under the same token.
async fn resend(
    inner: &Inner,
    entry: &Entry,
    record: Option<&LaunchRecord>,
    again: Option<Duration>,
) -> Result<Option<Duration>, CallError> {
    let Some(record) = record else {
        return Ok(again);
    };
    if let Some(wait) = inner.parts.provider.permit(&entry.reference.uid) {
        return Ok(Some(wait));
    }
    if !is_clear(inner, entry) {
        return Ok(Some(Duration::ZERO));
    }
    let next = record.resend(inner.parts.clock.now());
    if write_record(inner, entry, &next).await? {
        inner.parts.provider.create_pod(&entry.reference, &next);
    }
    Ok(Some(orca_core::limits::RESYNC))
}

async fn write(
    inner: &Inner,
    entry: &Entry,
    shown: &Shown,
    record: Option<&LaunchRecord>,
) -> Result<bool, CallError> {
    let now = inner.parts.clock.now();
    let status = status::render(&entry.pod, shown, record, now);
    match status::patch(&entry.pod, &status, &status::told(Some(shown), record)) {
        Some(patch) => send(inner, entry, patch).await.map(|()| true),
        None => Ok(false),
    }
}

async fn write_record(inner: &Inner, entry: &Entry, record: &LaunchRecord) -> Result<bool, CallError> {
    match status::record_patch(&entry.pod, record, inner.parts.clock.now()) {
        Some(patch) => send(inner, entry, patch).await.map(|()| true),
        None => Ok(false),
    }
}

/// Sends the patch, and takes the answer into the store, so that the next look does not wait for the watch.
async fn send(inner: &Inner, entry: &Entry, patch: serde_json::Value) -> Result<(), CallError> {
    let api: Api<Lean> = Api::namespaced(inner.parts.client.clone(), &entry.reference.namespace);
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    tracing::trace!(patch = %patch, "Writing pod status");
    let result = bounded(api.patch_status(&entry.reference.name, &params, &Patch::Strategic(patch))).await;
    inner.parts.metrics.writes.get_or_create(&Outcome::of(result.is_ok())).inc();
    let Lean(pod) = result?;
    tracing::debug!(
        phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()),
        "Pod status written"
    );
    inner.store.apply(pod);
    Ok(())
}

/// Removes the object: at once, and only if it is still this very pod (B43).
async fn release(inner: &Inner, entry: &Entry) -> Result<(), CallError> {
    let api: Api<Lean> = Api::namespaced(inner.parts.client.clone(), &entry.reference.namespace);
    let preconditions = Preconditions { uid: Some(entry.reference.uid.to_string()), resource_version: None };
    let params = DeleteParams {
        preconditions: Some(preconditions),
        grace_period_seconds: Some(0),
        ..DeleteParams::default()
    };
    match bounded(api.delete(&entry.reference.name, &params)).await {
        Ok(answer) => {
            tracing::info!("Pod object removed");
            // What is left of it, if finalizers keep it, is known without waiting for the watch.
            answer.left().into_iter().for_each(|Lean(pod)| drop(inner.store.apply(pod)));
            Ok(())
        }
        Err(CallError::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}
