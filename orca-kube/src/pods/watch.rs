//! The watch on the node's pods: it wakes, and after each complete list it doubts what the list did not show.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Api;
use kube::runtime::watcher::{self, Event};
use orca_core::ids::PodUid;

use super::Inner;
use super::lean::Lean;

/// A silent watch is renewed after this many seconds: a dead connection is noticed within a minute.
const WATCH_SECONDS: u32 = 60;
/// All pods are looked at after this time although nothing woke them.
const RESYNC: Duration = Duration::from_mins(5);

/// Watches for ever. Errors are retried by the watcher's own back-off.
pub(super) async fn run(inner: &Inner) {
    let api: Api<Lean> = Api::all(inner.parts.client.clone());
    let selector = format!("spec.nodeName={}", inner.parts.owner.node);
    let config = watcher::Config::default().fields(&selector).timeout(WATCH_SECONDS).page_size(500);
    let backoff = watcher::DefaultBackoff::default();
    let events = kube::runtime::WatchStreamExt::backoff(watcher::watcher(api, config), backoff);
    let mut events = std::pin::pin!(events);
    let mut listed = HashSet::new();
    let mut resync = tokio::time::interval(RESYNC);
    loop {
        tokio::select! {
            biased;
            event = events.next() => match event {
                Some(Ok(event)) => take(inner, event, &mut listed),
                Some(Err(error)) => tracing::warn!(error = %error, "Watch on pods failed; it is taken up again"),
                None => return,
            },
            _tick = resync.tick() => inner.store.uids().iter().for_each(|uid| inner.queue.wake(uid)),
        }
        inner.parts.metrics.known.set(i64::try_from(inner.store.len()).unwrap_or(i64::MAX));
    }
}

fn take(inner: &Inner, event: Event<Lean>, listed: &mut HashSet<PodUid>) {
    let changed = match event {
        Event::Init => {
            listed.clear();
            Vec::new()
        }
        Event::InitApply(Lean(object)) => {
            listed.extend(object.metadata.uid.as_deref().map(PodUid::new));
            inner.take_in(object)
        }
        Event::InitDone => {
            inner.store.mark_synced();
            inner.store.not_listed(listed)
        }
        Event::Apply(Lean(object)) => inner.take_in(object),
        Event::Delete(Lean(object)) => inner.take_deletion(&object).into_iter().collect(),
    };
    for uid in &changed {
        inner.queue.wake(uid);
    }
}
