//! The watch on the node's pods. It wakes pods, and after each complete list it marks those in doubt that the list did not
//! show.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Api;
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event};
use orca_core::ids::PodUid;

use super::Inner;
use super::trimmed::TrimmedPod;
use crate::absence::Absence;
use crate::call::{CallError, bounded, in_words};
use crate::watching;

/// A silent watch is renewed after this many seconds: a dead connection is noticed within a minute.
const WATCH_SECONDS: u32 = 60;
/// All pods are looked at after this time, even if nothing wakes them.
const RESYNC: Duration = Duration::from_mins(5);

/// How often a complete list is read, plus or minus a fifth, whatever the watch shows. A restored API server accepts a watch
/// from a version that it does not have, and then sends nothing for ever.
const LIST: Duration = Duration::from_mins(5);
const JITTER: f64 = 0.2;
/// Objects in a page of a list.
const PAGE: u32 = 500;

/// Lists for ever.
pub(super) async fn list(inner: &Inner) {
    loop {
        tokio::time::sleep(LIST.mul_f64(1.0 - JITTER + 2.0 * JITTER * inner.parts.random.fraction())).await;
        if let Err(error) = list_once(inner).await {
            tracing::warn!(error = %error, "Pods cannot be listed; it is tried again");
        }
    }
}

async fn list_once(inner: &Inner) -> Result<(), CallError> {
    let api: Api<TrimmedPod> = Api::all(inner.parts.client.clone());
    let mut params = ListParams::default().fields(&selector(inner)).limit(PAGE);
    let mut listed = HashSet::new();
    let mut changed = Vec::new();
    loop {
        let page = bounded(api.list(&params)).await?;
        if params.continue_token.is_none() {
            let version = page.metadata.resource_version.as_deref().and_then(|text| text.parse().ok());
            if inner.store.listed_at(version) {
                inner.parts.set_back.notice(inner.parts.clock.now());
            }
        }
        for TrimmedPod(object) in page.items {
            listed.extend(object.metadata.uid.as_deref().map(PodUid::new));
            changed.extend(inner.apply_listed(object));
        }
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => break,
        }
    }
    // A pod that was created while the pages were read may be missing from them. It is then read, and found.
    changed.extend(inner.store.not_listed(&listed));
    for uid in &changed {
        inner.queue.wake(uid);
    }
    Ok(())
}

fn selector(inner: &Inner) -> String {
    format!("spec.nodeName={}", inner.parts.owner.node)
}

/// Watches for ever. Errors are retried by the watcher's own back-off.
pub(super) async fn run(inner: &Inner) {
    let config = watcher::Config::default().fields(&selector(inner)).timeout(WATCH_SECONDS).page_size(PAGE);
    let begin = || watching::watch::<TrimmedPod>(&inner.parts.client, config.clone()).boxed();
    let mut events = begin();
    let mut listed = HashSet::new();
    let mut resync = tokio::time::interval(RESYNC);
    loop {
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(Ok(event)) => apply(inner, event, &mut listed),
                Some(Err(error)) => tracing::warn!(error = in_words(&error), "Watch on pods failed; it is taken up again"),
                None => return,
            },
            // The watch waits for versions that this API server does not have yet, and shows nothing until then.
            () = inner.parts.set_back.noticed() => {
                tracing::warn!("The API server lists less than it showed before; the watch on pods begins anew");
                events = begin();
            }
            _tick = resync.tick() => inner.store.uids().iter().for_each(|uid| inner.queue.wake(uid)),
        }
    }
}

fn apply(inner: &Inner, event: Event<TrimmedPod>, listed: &mut HashSet<PodUid>) {
    let changed = match event {
        Event::Init => {
            listed.clear();
            Vec::new()
        }
        Event::InitApply(TrimmedPod(object)) => {
            listed.extend(object.metadata.uid.as_deref().map(PodUid::new));
            inner.apply_listed(object)
        }
        Event::InitDone => {
            inner.store.mark_synced();
            inner.store.not_listed(listed)
        }
        Event::Apply(TrimmedPod(object)) => inner.apply_object(object),
        Event::Delete(TrimmedPod(object)) => Absence::by_watch(&object)
            .and_then(|absence| {
                inner.store.departed.insert(absence.uid());
                inner.apply_absence(&absence)
            })
            .into_iter()
            .collect(),
    };
    for uid in &changed {
        inner.queue.wake(uid);
    }
}
