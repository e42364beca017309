//! Watching: from a revision on, every change that the selector is concerned with.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::list::select;
use super::read::metadata;
use crate::fake_kube::answer::Answer;
use crate::fake_kube::cluster::Cluster;
use crate::fake_kube::error::{ApiError, Cause};
use crate::fake_kube::fault::Weather;
use crate::fake_kube::object::Object;
use crate::fake_kube::request::{ApiRequest, Form};
use crate::fake_kube::resource::Resource;
use crate::fake_kube::route::Place;
use crate::fake_kube::selector::Selector;
use crate::fake_kube::store::{Change, ChangeKind, Subscription, line};
use crate::fake_kube::{table, view};
use crate::signal::Signal;

/// How often a quiet watch is told how far it is, as the real server does.
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);
/// A watch without a time of its own ends after this long; the real server takes 30 to 60 minutes.
const LONGEST: Duration = Duration::from_mins(45);

pub(super) fn watch(cluster: &Arc<Cluster>, request: &ApiRequest, place: &Place) -> Result<Answer, ApiError> {
    let selector = named(request.selector(place.resource)?, place)?;
    let (wants_initial, wants_bookmarks) =
        (request.is_on("sendInitialEvents"), request.is_on("allowWatchBookmarks"));
    check_options(request, wants_initial)?;
    let version = request.parameter("resourceVersion");
    let from = match version {
        "" | "0" => None,
        text => Some(text.parse::<u64>().map_err(|_| {
            ApiError::bad_request(format!("Invalid value: \"{text}\": invalid resource version"))
        })?),
    };
    let mut first = VecDeque::new();
    let starts_with_all =
        wants_initial || (from.is_none() && request.parameter("sendInitialEvents").is_empty());
    let cursor = if starts_with_all {
        let (objects, revision) = select(cluster, place, &selector);
        first.extend(objects);
        revision
    } else {
        from.unwrap_or_else(|| cluster.store.revision())
    };
    let seconds = request.parameter("timeoutSeconds").parse::<u64>().ok().filter(|seconds| *seconds > 0);
    let now = Instant::now();
    let weather = cluster.faults.weather();
    let cuts = weather.get().cuts;
    let watcher = Watcher {
        cluster: Arc::clone(cluster),
        resource: place.resource,
        namespace: place.namespace.clone(),
        selector,
        form: Shape {
            form: request.form(),
            include: request.parameter("includeObject").to_owned(),
            is_first: true,
        },
        first,
        ends_initial: wants_initial.then_some(cursor),
        changes: cluster.store.subscribe_after(&[place.resource], cursor),
        bookmarks: wants_bookmarks.then_some(now + BOOKMARK_INTERVAL),
        end: now + seconds.map_or(LONGEST, Duration::from_secs),
        weather,
        cuts,
        waited_for: 0,
        is_over: false,
    };
    let lines = stream::unfold(watcher, |mut watcher| async move {
        let line = watcher.next().await?;
        Some((line, watcher))
    });
    Ok(Answer::stream(lines.boxed()))
}

/// A watch of one object by its path is one with a selector.
fn named(selector: Selector, place: &Place) -> Result<Selector, ApiError> {
    match &place.name {
        Some(name) => Selector::parse(place.resource, "", &format!("metadata.name={name}")),
        None => Ok(selector),
    }
}

fn check_options(request: &ApiRequest, wants_initial: bool) -> Result<(), ApiError> {
    let refuse = |cause: Cause| {
        let text = format!("ListOptions.meta.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
        Err(ApiError::unprocessable(text))
    };
    let matched = request.parameter("resourceVersionMatch");
    if !request.parameter("sendInitialEvents").is_empty() && matched != "NotOlderThan" {
        let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return refuse(Cause::forbidden("resourceVersionMatch", detail));
    }
    if !wants_initial && request.parameter("sendInitialEvents").is_empty() && !matched.is_empty() {
        let detail = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        return refuse(Cause::forbidden("resourceVersionMatch", detail));
    }
    Ok(())
}

/// In which form the objects of events are sent.
struct Shape {
    form: Form,
    include: String,
    is_first: bool,
}

struct Watcher {
    cluster: Arc<Cluster>,
    resource: &'static Resource,
    namespace: Option<String>,
    selector: Selector,
    form: Shape,
    /// The objects that are there at the beginning.
    first: VecDeque<Arc<Object>>,
    /// The end of these is to be told, under this revision.
    ends_initial: Option<u64>,
    changes: Subscription,
    bookmarks: Option<Instant>,
    end: Instant,
    weather: Arc<Signal<Weather>>,
    cuts: u64,
    /// Events up to this revision have had their lag.
    waited_for: u64,
    is_over: bool,
}

impl Watcher {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(object) = self.first.pop_front() {
            let change = Change::new(ChangeKind::Added, object, None);
            return Some(self.show(&change));
        }
        if let Some(version) = self.ends_initial.take() {
            return Some(self.bookmark(version, true));
        }
        loop {
            if self.is_over {
                return None;
            }
            self.cluster.faults.thawed().await;
            let bookmark_at = self.bookmarks.unwrap_or(self.end);
            tokio::select! {
                biased;
                () = sleep_until(self.end) => return None,
                () = is_cut(&self.weather, self.cuts) => return None,
                () = sleep_until(bookmark_at), if self.bookmarks.is_some() => {
                    self.bookmarks = Some(Instant::now() + BOOKMARK_INTERVAL);
                    return Some(self.bookmark(self.changes.cursor(), false));
                }
                change = self.changes.next() => match change {
                    Ok(change) => {
                        if let Some(line) = self.tell(&change).await {
                            return Some(line);
                        }
                    }
                    Err(lagged) => {
                        self.is_over = true;
                        let error = ApiError::expired(format!(
                            "too old resource version: {} ({})",
                            self.changes.cursor(),
                            lagged.compacted
                        ));
                        return Some(line("ERROR", error.status().to_string().as_bytes()));
                    }
                },
            }
        }
    }

    /// What this watcher learns of a change; nothing when it is not concerned.
    async fn tell(&mut self, change: &Arc<Change>) -> Option<Bytes> {
        let is_here = |object: &Object| {
            self.namespace.as_deref().is_none_or(|namespace| object.namespace() == namespace)
        };
        if !is_here(&change.object) {
            return None;
        }
        let had = change.old.as_ref().is_some_and(|old| self.selector.matches(old));
        let has = change.kind != ChangeKind::Deleted && self.selector.matches(&change.object);
        let told = match (had, has) {
            (false, false) => return None,
            (true, true) => self.show(change),
            (false, true) if change.kind == ChangeKind::Added => self.show(change),
            (false, true) => {
                let added = Change::new(ChangeKind::Added, Arc::clone(&change.object), None);
                self.show(&added)
            }
            (true, false) if change.kind == ChangeKind::Deleted => self.show(change),
            (true, false) => {
                let farewell = view::farewell(change)?;
                self.show(&farewell)
            }
        };
        let lag = self.weather.get().lag;
        if !lag.is_zero() && change.version > self.waited_for {
            // Everything that was written before this pause has waited long enough after it.
            let revision = self.cluster.store.revision();
            tokio::time::sleep(lag).await;
            self.waited_for = revision;
        }
        self.cluster.faults.thawed().await;
        Some(told)
    }

    fn show(&mut self, change: &Change) -> Bytes {
        match self.form.form {
            Form::Whole => view::line(self.resource, change),
            Form::Metadata => line(change.kind.word(), metadata(&change.object).to_string().as_bytes()),
            Form::Table => {
                let row = table::row(&self.form.include, &change.object, self.cluster.store.now());
                let version = json!({ "resourceVersion": change.version.to_string() });
                let table = table::table(self.resource, &version, vec![row], self.form.is_first);
                self.form.is_first = false;
                line(change.kind.word(), table.to_string().as_bytes())
            }
        }
    }

    fn bookmark(&self, version: u64, ends_initial: bool) -> Bytes {
        let mut metadata =
            json!({ "resourceVersion": version.to_string(), "creationTimestamp": Value::Null });
        if ends_initial {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let object = json!({
            "kind": self.resource.kind,
            "apiVersion": self.resource.api_version(),
            "metadata": metadata,
        });
        line("BOOKMARK", object.to_string().as_bytes())
    }
}

/// Waits until watches are cut once more.
async fn is_cut(weather: &Signal<Weather>, cuts: u64) {
    weather.wait_for(|weather| weather.cuts != cuts).await;
}
