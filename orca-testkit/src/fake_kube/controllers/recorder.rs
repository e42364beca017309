//! Events, as people see them in `kubectl describe`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::object::Object;
use super::super::resource::EVENTS;
use super::super::store::Store;
use super::json;

/// How many different events are remembered, to count repetitions instead of writing them anew.
const REMEMBERED: usize = 4096;

/// A controller, by the name that its events carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Scheduler,
    Job,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Deployment,
    Node,
    TaintEviction,
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::Scheduler => "default-scheduler",
            Self::Job => "job-controller",
            Self::ReplicaSet => "replicaset-controller",
            Self::StatefulSet => "statefulset-controller",
            Self::DaemonSet => "daemonset-controller",
            Self::Deployment => "deployment-controller",
            Self::Node => "node-controller",
            Self::TaintEviction => "taint-eviction-controller",
        }
    }
}

/// What an event says.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) source: Source,
    pub(super) is_warning: bool,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Note {
    pub(super) fn normal(source: Source, reason: &'static str, message: impl Into<String>) -> Self {
        Self { source, is_warning: false, reason, message: message.into() }
    }

    pub(super) fn warning(source: Source, reason: &'static str, message: impl Into<String>) -> Self {
        Self { source, is_warning: true, reason, message: message.into() }
    }
}

type Same = (String, Source, &'static str, String);

/// Writes events.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    written: u128,
    known: BTreeMap<Same, String>,
    order: std::collections::VecDeque<Same>,
}

impl Recorder {
    /// Writes an event about an object. One that could not be written is lost, as events may be.
    pub(super) fn write(&mut self, store: &Store, about: &Object, note: &Note, time: Timestamp) {
        if note.source == Source::Scheduler {
            let event = self.event(about, note, time);
            Self::create(store, event);
            return;
        }
        let namespace = namespace(about);
        let same = (about.uid().to_owned(), note.source, note.reason, note.message.clone());
        if let Some(name) = self.known.get(&same) {
            let counted = store.update(&EVENTS, namespace, name, |event| {
                let count = event["count"].as_i64().unwrap_or(1);
                json::set(event, &["count"], count + 1);
                json::set(event, &["lastTimestamp"], json::seconds(time));
                Ok(())
            });
            if counted.is_ok() {
                return;
            }
        }
        let event = self.event(about, note, time);
        if let Some(name) = Self::create(store, event) {
            self.remember(same, name);
        }
    }

    fn create(store: &Store, event: Value) -> Option<String> {
        match store.create(&EVENTS, event) {
            Ok(created) => Some(created.name().to_owned()),
            Err(error) => {
                tracing::debug!(%error, "an event could not be written");
                None
            }
        }
    }

    fn remember(&mut self, same: Same, name: String) {
        if self.known.insert(same.clone(), name).is_none() {
            self.order.push_back(same);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    fn event(&mut self, about: &Object, note: &Note, time: Timestamp) -> Value {
        self.written += 1;
        // The real name ends with the nanoseconds of the time; the count keeps two of one moment apart.
        let unique = u128::try_from(time.as_nanosecond()).unwrap_or_default() + self.written;
        let name = note.source.name();
        let mut event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": { "name": format!("{}.{unique:x}", about.name()), "namespace": namespace(about) },
            "involvedObject": {
                "apiVersion": about.resource().api_version(),
                "kind": about.resource().kind,
                "name": about.name(),
                "uid": about.uid(),
                "resourceVersion": about.version().to_string(),
            },
            "reason": note.reason,
            "message": note.message,
            "type": if note.is_warning { "Warning" } else { "Normal" },
            "reportingComponent": name,
        });
        if !about.namespace().is_empty() {
            json::set(&mut event, &["involvedObject", "namespace"], about.namespace());
        }
        if note.source == Source::Scheduler {
            // The scheduler writes through the newer API, which has no count and no first time.
            let action = if note.is_warning { "Scheduling" } else { "Binding" };
            let fields = json!({
                "action": action, "eventTime": json::micros(time), "source": {}, "firstTimestamp": null,
                "lastTimestamp": null, "reportingInstance": format!("{name}-control-plane"),
            });
            merge(&mut event, fields);
        } else {
            let fields = json!({
                "count": 1, "source": { "component": name }, "firstTimestamp": json::seconds(time),
                "lastTimestamp": json::seconds(time), "eventTime": null, "reportingInstance": "",
            });
            merge(&mut event, fields);
        }
        event
    }
}

/// Events about objects of the cluster stand in the default namespace.
fn namespace(about: &Object) -> &str {
    if about.namespace().is_empty() { "default" } else { about.namespace() }
}

fn merge(event: &mut Value, fields: Value) {
    if let (Value::Object(event), Value::Object(fields)) = (event, fields) {
        event.extend(fields);
    }
}
