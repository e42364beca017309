//! Carries out one decision: write the status, publish events, drop the facts that were used, perform the action. It makes no
//! choice of its own.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use orca_core::launch::LaunchRecord;
use orca_core::lifecycle::{Action, Decision, Write};
use orca_core::planted::{Bug, planted};
use orca_core::pod;
use orca_core::status::Shown;
use serde_json::Value;

use super::Inner;
use super::store::Entry;
use super::trimmed::TrimmedPod;
use crate::call::{CallError, bounded_on};
use crate::crash::{self, Effect};
use crate::metrics::Outcome;

/// The name under which our fields are listed in `managedFields`.
const FIELD_MANAGER: &str = "orca";

/// A decision, the patch that writes it, and the time that both were made for.
pub(super) struct Step {
    pub(super) decision: Decision,
    pub(super) patch: Option<Value>,
    pub(super) now: Timestamp,
}

/// Performs a decision. Returns when to look again; None when nothing is left of the pod.
pub(super) async fn apply(inner: &Inner, entry: &Entry, step: Step) -> Result<Option<Duration>, CallError> {
    let Step { decision, patch, now } = step;
    let effect = effect(&decision);
    act_early(inner, entry, &decision);
    let written = write(inner, entry, patch, (decision.write.as_ref(), effect)).await?;
    if written || decision.write.is_none() {
        decision.notes.iter().for_each(|note| inner.parts.events.publish(&entry.reference, note));
    }
    if let Some(lived) = decision.lived.filter(|_| written) {
        inner.launch_backoff.ended(&entry.pod, lived, now);
    }
    for key in &decision.consume {
        inner.tasks.consume(&entry.reference.uid, key);
    }
    let again = Some(decision.again);
    match decision.action {
        Action::None => Ok(again),
        Action::Refresh => {
            inner.parts.provider.refresh();
            Ok(again)
        }
        Action::Prepare(preparation) => {
            inner.tasks.prepare(&entry.reference, *preparation);
            Ok(again)
        }
        Action::Send => {
            // A launch without a written record is not sent.
            if let Some(record) = decision.write.and_then(|write| write.record).filter(|_| written)
                && !planted(Bug::RecordAfterSend)
            {
                inner.tasks.send(&entry.reference, record);
            }
            Ok(again)
        }
        Action::Terminate => {
            inner.parts.provider.delete_pod(&entry.reference);
            Ok(again)
        }
        Action::Release => release(inner, entry).await.map(|()| again),
        Action::Forget => {
            inner.forget(&entry.reference.uid);
            Ok(None)
        }
    }
}

/// What writing the status of this decision does.
fn effect(decision: &Decision) -> Effect {
    let shown = decision.write.as_ref().and_then(|write| write.shown.as_ref());
    match shown {
        _ if decision.action == Action::Send => Effect::Announce,
        Some(Shown::Ended { .. } | Shown::Deleted { .. }) => Effect::End,
        Some(Shown::Waiting { .. } | Shown::Running { .. } | Shown::Unconfirmed { .. }) | None => {
            Effect::Status
        }
    }
}

/// Planted bugs: an action is performed before the write that announces it.
fn act_early(inner: &Inner, entry: &Entry, decision: &Decision) {
    if planted(Bug::KillBeforeStatus) && matches!(decision.action, Action::Terminate) {
        inner.parts.provider.delete_pod(&entry.reference);
    }
    let record = decision.write.as_ref().and_then(|write| write.record.clone());
    if planted(Bug::RecordAfterSend)
        && matches!(decision.action, Action::Send)
        && let Some(record) = record
    {
        inner.tasks.send(&entry.reference, record);
    }
}

/// Sends the patch, if there is one, and stores the answer, so that the next look does not wait for the watch. Returns
/// whether anything was written.
async fn write(
    inner: &Inner,
    entry: &Entry,
    patch: Option<Value>,
    (write, effect): (Option<&Write>, Effect),
) -> Result<bool, CallError> {
    let Some(patch) = patch else { return Ok(false) };
    let api: Api<TrimmedPod> = Api::namespaced(inner.parts.client.clone(), &entry.reference.namespace);
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
    tracing::trace!(patch = %patch, "Writing pod status");
    let name = &entry.reference.name;
    let patch = Patch::Strategic(patch);
    let call = bounded_on(("pods", name), api.patch_status(name, &params, &patch));
    let result = crash::around(effect, call).await;
    inner.parts.metrics.writes.get_or_create(&Outcome::of(result.is_ok())).inc();
    match result {
        Ok(TrimmedPod(pod)) => {
            let record = write.and_then(|write| write.record.as_ref());
            if !is_answer(&pod, entry, record) {
                return Err(CallError::Incomplete("pod that was written"));
            }
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            tracing::debug!(phase, "Pod status written");
            inner.parts.metrics.wrote(&entry.pod, &pod, inner.parts.clock.now());
            inner.apply_object(pod);
            Ok(true)
        }
        Err(CallError::Refused(text)) if write.is_some_and(|write| !write.required) => {
            tracing::error!(error = text, "The API server refuses the pod's status; going on without it");
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether this answer is the pod that was written, with the record in it. A proxy's answer must not lead to a launch.
fn is_answer(answer: &Pod, entry: &Entry, record: Option<&LaunchRecord>) -> bool {
    let is_this = answer.metadata.uid.as_deref() == Some(entry.reference.uid.as_str());
    let holds =
        |record: &LaunchRecord| pod::launch_record(answer).is_some_and(|message| message == record.encode());
    is_this && record.is_none_or(holds)
}

/// Removes the object: at once, and only if it is still this very pod (B43).
async fn release(inner: &Inner, entry: &Entry) -> Result<(), CallError> {
    let api: Api<TrimmedPod> = Api::namespaced(inner.parts.client.clone(), &entry.reference.namespace);
    let preconditions = Preconditions { uid: Some(entry.reference.uid.to_string()), resource_version: None };
    let params = DeleteParams {
        preconditions: Some(preconditions),
        grace_period_seconds: Some(0),
        ..DeleteParams::default()
    };
    let name = &entry.reference.name;
    match crash::around(Effect::Release, bounded_on(("pods", name), api.delete(name, &params))).await {
        Ok(answer) => {
            tracing::info!("Pod object removed");
            // If finalizers keep the object, the answer has its new state, without waiting for the watch.
            let left = answer.left().into_iter().filter(|TrimmedPod(pod)| is_answer(pod, entry, None));
            left.for_each(|TrimmedPod(pod)| drop(inner.apply_object(pod)));
            Ok(())
        }
        Err(CallError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
    }
}
