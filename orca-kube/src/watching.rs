//! A watch that begins with a new list whenever the API server says that the version to go on from is too old.

use std::fmt::Debug;

use futures::{Stream, StreamExt as _};
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

/// Watches for ever. Failures are items, and the next try follows with kube's own back-off.
///
/// kube starts over when a running watch is told 410, and not when that is the answer to its start: then it would repeat the
/// same question for ever.
pub(crate) fn watch<K>(
    api: Api<K>,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let begin = move || watcher::watcher(api.clone(), config.clone()).boxed();
    let events = futures::stream::unfold((begin(), begin), |(mut events, begin)| async move {
        let event = events.next().await?;
        if event.as_ref().is_err_and(has_expired) {
            events = begin();
        }
        Some((event, (events, begin)))
    });
    events.backoff(watcher::DefaultBackoff::default())
}

/// Whether the version is too old, or, after a restore, too new.
fn has_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}
