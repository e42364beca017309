//! Kubernetes events: published once, capped, and never in the way of a pod.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use orca_core::clock::Clock;
use orca_core::ids::{NodeName, PodRef};
use orca_core::lifecycle::{Note, NoteKind};
use orca_core::text;
use orca_core::well_known::REPORTER;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::call::bounded;
use crate::metrics::Outcome;
use crate::rate_limiter::RateLimiter;
use crate::spans;

/// Events that wait to be sent. Beyond it the newest is dropped: the pod's status says the same.
const QUEUE: usize = 1024;
/// The same event of the same pod is published again after this time at the earliest.
const QUIET: Duration = Duration::from_mins(5);
/// Remembered events; when they are too many, the oldest are forgotten and could be published again.
const REMEMBERED: usize = 8192;
/// Events in a burst, and per second from then on.
const BURST: u32 = 100;
const PER_SECOND: f64 = 10.0;
/// The API's limit on an event's note is 1 kB.
const NOTE_CHARS: usize = 900;

/// Where events are handed in. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    sender: mpsc::Sender<(Subject, Note)>,
    published: Arc<Mutex<HashMap<Published, Instant>>>,
    sent: Family<Outcome, Counter>,
}

/// What an event is about.
#[derive(Clone, Debug)]
enum Subject {
    Pod(PodRef),
    /// The node. It has no namespace; its events stand in `default`, as those of other nodes do.
    Node(NodeName),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Published {
    /// The UID of a pod, or the name of the node.
    subject: Arc<str>,
    reason: String,
    message: String,
}

/// The loop that sends events.
pub(crate) struct EventLoop {
    receiver: mpsc::Receiver<(Subject, Note)>,
    client: kube::Client,
    clock: Arc<dyn Clock>,
    instance: String,
    sent: Family<Outcome, Counter>,
    /// How many were sent: two of the same object and instant need two names.
    count: i128,
}

/// A place to hand events in, and the loop that sends them.
pub(crate) fn channel(
    client: kube::Client,
    clock: Arc<dyn Clock>,
    instance: String,
    sent: Family<Outcome, Counter>,
) -> (Events, EventLoop) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let events = Events { sender, published: Arc::default(), sent: sent.clone() };
    (events, EventLoop { receiver, client, clock, instance, sent, count: 0 })
}

impl Events {
    /// Hands an event in, unless it was published lately. Never waits.
    pub(crate) fn publish(&self, pod: &PodRef, note: &Note) {
        if !self.is_news(pod.uid.as_str(), note) {
            return;
        }
        spans::pod(pod).in_scope(|| match note.kind {
            NoteKind::Normal => tracing::info!(reason = note.reason, note = note.message, "Pod event"),
            NoteKind::Warning => tracing::warn!(reason = note.reason, note = note.message, "Pod event"),
        });
        self.send(Subject::Pod(pod.clone()), note);
    }

    /// The same for an event about the node.
    pub(crate) fn publish_on_node(&self, node: &NodeName, note: &Note) {
        if !self.is_news(node.as_str(), note) {
            return;
        }
        match note.kind {
            NoteKind::Normal => tracing::info!(reason = note.reason, note = note.message, "Node event"),
            NoteKind::Warning => tracing::warn!(reason = note.reason, note = note.message, "Node event"),
        }
        self.send(Subject::Node(node.clone()), note);
    }

    fn send(&self, subject: Subject, note: &Note) {
        if self.sender.try_send((subject, note.clone())).is_err() {
            self.sent.get_or_create(&Outcome { result: "dropped" }).inc();
        }
    }

    /// The messages that were published for this reason.
    #[cfg(test)]
    pub(crate) fn published(&self, reason: &str) -> Vec<String> {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.keys().filter(|one| &*one.reason == reason).map(|one| one.message.clone()).collect()
    }

    fn is_news(&self, subject: &str, note: &Note) -> bool {
        let now = Instant::now();
        let key =
            Published { subject: subject.into(), reason: note.reason.clone(), message: note.message.clone() };
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        if published.get(&key).is_some_and(|at| now.duration_since(*at) < QUIET) {
            return false;
        }
        if published.len() >= REMEMBERED {
            published.retain(|_, at| now.duration_since(*at) < QUIET);
        }
        if published.len() >= REMEMBERED {
            published.clear();
        }
        published.insert(key, now);
        true
    }
}

impl EventLoop {
    /// Sends events until the token is cancelled.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut limiter = RateLimiter::new(BURST, PER_SECOND);
        loop {
            let (subject, note) = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                received = self.receiver.recv() => match received {
                    Some(received) => received,
                    None => return,
                },
            };
            let now = Instant::now();
            let place = limiter.reserve(now);
            if place > now {
                tokio::time::sleep_until(place).await;
            }
            self.count += 1;
            self.send(&subject, &note).await;
        }
    }

    async fn send(&self, subject: &Subject, note: &Note) {
        let api: Api<Event> = Api::namespaced(self.client.clone(), subject.namespace());
        let result = bounded(api.create(&PostParams::default(), &self.event(subject, note))).await;
        self.sent.get_or_create(&Outcome::of(result.is_ok())).inc();
        if let Err(error) = result {
            tracing::debug!(error = %error, reason = note.reason, "Event not sent");
        }
    }

    fn event(&self, subject: &Subject, note: &Note) -> Event {
        let now = self.clock.now();
        let kind = match note.kind {
            NoteKind::Normal => "Normal",
            NoteKind::Warning => "Warning",
        };
        Event {
            metadata: ObjectMeta {
                name: Some(format!(
                    "{}.{:x}",
                    text::cut(subject.name(), 200).trim_end_matches('…'),
                    now.as_nanosecond().wrapping_add(self.count)
                )),
                namespace: Some(subject.namespace().to_owned()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            reporting_controller: Some(REPORTER.into()),
            reporting_instance: Some(self.instance.clone()),
            action: Some("Reconcile".into()),
            reason: Some(text::cut(&note.reason, 128)),
            note: Some(text::cut(&note.message, NOTE_CHARS)),
            type_: Some(kind.into()),
            regarding: Some(subject.reference()),
            ..Event::default()
        }
    }
}

impl Subject {
    fn namespace(&self) -> &str {
        match self {
            Self::Pod(pod) => &pod.namespace,
            Self::Node(_) => "default",
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Pod(pod) => &pod.name,
            Self::Node(node) => node.as_str(),
        }
    }

    fn reference(&self) -> ObjectReference {
        let (kind, namespace, uid) = match self {
            Self::Pod(pod) => ("Pod", Some(pod.namespace.to_string()), pod.uid.as_str()),
            // The kubelet gives the name for the UID, and `kubectl describe node` looks for that.
            Self::Node(node) => ("Node", None, node.as_str()),
        };
        ObjectReference {
            api_version: Some("v1".into()),
            kind: Some(kind.into()),
            namespace,
            name: Some(self.name().to_owned()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        }
    }
}
