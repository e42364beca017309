//! A watch that starts with a new list whenever the API server says that its version is too old, and that makes requests at
//! a bounded rate, whatever the answers are.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, StreamExt as _};
use http::{Request, Response};
use kube::client::Body;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::rate_limiter::RateLimiter;

/// How many watches may start at once, after cut connections and new lists …
const BURST: u32 = 10;
/// … and how many per second after that.
const PER_SECOND: f64 = 0.5;

/// Watches for ever. Failures are items, and the next try follows with kube's own back-off.
///
/// kube starts over when a running watch gets a 410, but not when the start of a watch does: it would repeat the same
/// request for ever.
pub(crate) fn watch<K>(
    client: &Client,
    config: watcher::Config,
) -> impl Stream<Item = watcher::Result<Event<K>>> + Send + use<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let api: Api<K> = Api::all(paced(client));
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

/// The same client, with a bounded rate of new watches. kube backs off after failures, but a watch that starts well and ends
/// at once is no failure, and would be started again without a pause.
fn paced(client: &Client) -> Client {
    let (namespace, client) = (client.default_namespace().to_owned(), client.clone());
    let limiter = Arc::new(Mutex::new(RateLimiter::new(BURST, PER_SECOND)));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, limiter) = (client.clone(), Arc::clone(&limiter));
        async move {
            if is_watch(&request) {
                let now = Instant::now();
                let at = limiter.lock().unwrap_or_else(PoisonError::into_inner).reserve(now);
                tokio::time::sleep_until(at).await;
            }
            let answer: kube::Result<Response<Body>> = client.send(request).await;
            answer
        }
    });
    Client::new(service, namespace)
}

fn is_watch(request: &Request<Body>) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|one| one == "watch=true"))
}

/// Whether the version is too old, or, after a restore, too new.
fn has_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}
