//! When each pod was made, seen running and seen gone, as a watch of the driver's shows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::TryStreamExt as _;
use hyper::Request;
use kube::Client;
use kube::api::WatchEvent;
use serde::Deserialize;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::pods::{LABEL, NAMESPACE, Slim};
use crate::load::error::Error;
use crate::load::moment::Moment;

/// Before a broken watch is taken up again.
const PAUSE: Duration = Duration::from_millis(20);
/// The API server ends a watch after this time, and it is taken up again.
const WATCH_SECONDS: u32 = 3600;

/// The pods of a turn, by number.
pub(in crate::load) type Pods = Vec<Times>;

/// The life of one pod.
#[derive(Clone, Debug, Default)]
pub(in crate::load) struct Times {
    pub(in crate::load) uid: String,
    /// When its creation was answered or the watch showed it, whichever came first.
    pub(in crate::load) created: Option<Moment>,
    pub(in crate::load) running: Option<Moment>,
    pub(in crate::load) gone: Option<Moment>,
    /// When it was in a phase that nothing leaves: some contestants show one before a deleted pod goes.
    pub(in crate::load) ended: Option<Moment>,
}

/// How many pods have come how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) running: u32,
    pub(super) gone: u32,
    pub(super) ended: u32,
}

/// A watch at work.
#[derive(Debug)]
pub(super) struct Sightings {
    shared: Arc<Shared>,
    counts: watch::Receiver<Counts>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    prefix: String,
    pods: Mutex<Pods>,
    counts: watch::Sender<Counts>,
}

#[derive(Deserialize)]
struct List {
    metadata: ListMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    resource_version: String,
}

impl Sightings {
    /// Watches the pods of this node that are named after this kind.
    pub(super) async fn watch(client: &Client, node: &str, kind: &str, pods: u32) -> Result<Self, Error> {
        let size = usize::try_from(pods).unwrap_or_default();
        let (sender, counts) = watch::channel(Counts::default());
        let prefix = name_prefix(node, kind);
        let shared =
            Arc::new(Shared { prefix, pods: Mutex::new(vec![Times::default(); size]), counts: sender });
        // Not by node: the API server keeps ten events for a watch that names one, and closes it in a burst.
        let path = format!("/api/v1/namespaces/{NAMESPACE}/pods?labelSelector={LABEL}%3D{node}");
        let request = Request::get(format!("{path}&limit=1")).body(Vec::new());
        let request = request.map_err(|error| Error::api("listing pods")(kube::Error::HttpError(error)))?;
        let list: List = client.request(request).await.map_err(Error::api("listing pods"))?;
        let (client, watcher) = (client.clone(), Arc::clone(&shared));
        let task = tokio::spawn(async move {
            let mut version = list.metadata.resource_version;
            loop {
                if let Err(error) = watcher.follow(&client, &path, &mut version).await {
                    tracing::debug!(%error, "The watch on pods broke");
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
        Ok(Self { shared, counts, _task: AbortOnDropHandle::new(task) })
    }

    /// The creation of this pod was answered.
    pub(super) fn created(&self, number: u32, answered: Moment) {
        if let Some(times) = self.shared.pods().get_mut(usize::try_from(number).unwrap_or(usize::MAX)) {
            times.created = Some(times.created.map_or(answered, |seen| seen.min(answered)));
        }
    }

    /// How many pods there are or were.
    pub(super) fn known(&self) -> u32 {
        let known = self.shared.pods().iter().filter(|times| times.created.is_some()).count();
        u32::try_from(known).unwrap_or(u32::MAX)
    }

    pub(super) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until enough pods have come far enough.
    pub(super) async fn reach(&self, is_enough: impl FnMut(&Counts) -> bool) {
        let mut counts = self.counts.clone();
        // The sender lives as long as this does.
        drop(counts.wait_for(is_enough).await);
    }

    pub(super) fn finish(self) -> Pods {
        self.shared.pods().clone()
    }
}

/// What the names of a turn's pods begin with.
pub(super) fn name_prefix(node: &str, kind: &str) -> String {
    format!("{node}-{kind}-")
}

impl Shared {
    fn pods(&self) -> MutexGuard<'_, Pods> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn follow(&self, client: &Client, path: &str, version: &mut String) -> kube::Result<()> {
        let path = format!("{path}&watch=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}");
        let request = Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?;
        let events = client.request_events::<Slim>(request).await?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await? {
            match event {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => self.record(pod, false, version),
                WatchEvent::Deleted(pod) => self.record(pod, true, version),
                WatchEvent::Bookmark(_) => {}
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            }
        }
        Ok(())
    }

    fn record(&self, pod: Slim, is_gone: bool, version: &mut String) {
        let now = Moment::now();
        *version = pod.metadata.resource_version;
        let Some(number) = pod.metadata.name.strip_prefix(&self.prefix).and_then(|text| text.parse().ok())
        else {
            return;
        };
        let number: usize = number;
        let mut pods = self.pods();
        let Some(times) = pods.get_mut(number) else { return };
        times.created.get_or_insert(now);
        times.uid = pod.metadata.uid;
        let phase = pod.status.phase.as_str();
        let runs_now = phase == "Running" && times.running.is_none() && !is_gone;
        let goes_now = is_gone && times.gone.is_none();
        let ends_now = matches!(phase, "Failed" | "Succeeded") && times.ended.is_none();
        if runs_now {
            times.running = Some(now);
        }
        if goes_now {
            times.gone = Some(now);
        }
        if ends_now {
            times.ended = Some(now);
        }
        drop(pods);
        if runs_now || goes_now || ends_now {
            self.counts.send_modify(|counts| {
                counts.running += u32::from(runs_now);
                counts.gone += u32::from(goes_now);
                counts.ended += u32::from(ends_now);
            });
        }
    }
}
