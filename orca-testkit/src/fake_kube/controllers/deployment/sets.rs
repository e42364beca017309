//! The replica sets of a deployment: the one of its template, and the older ones.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::super::object::Object;
use super::super::super::resource::REPLICASETS;
use super::super::json;
use super::super::replica_set::wished;
use super::super::view::View;
use super::limits::Limits;

pub(super) const HASH: &str = "pod-template-hash";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// A replica set, with the number of pods that this look has wished for it.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) object: Arc<Object>,
    pub(super) wished: i64,
}

impl Set {
    pub(super) fn of(object: &Arc<Object>) -> Self {
        Self { object: Arc::clone(object), wished: wished(object.value()) }
    }

    pub(super) fn status(&self, name: &str) -> i64 {
        self.object.value()["status"][name].as_i64().unwrap_or(0)
    }

    pub(super) fn annotation(&self, name: &str) -> Option<i64> {
        self.object.value()["metadata"]["annotations"][name].as_str()?.parse().ok()
    }
}

/// All replica sets of one deployment.
#[derive(Debug)]
pub(super) struct Sets {
    pub(super) new: Option<Set>,
    /// From the oldest to the youngest.
    pub(super) old: Vec<Set>,
}

impl Sets {
    pub(super) fn of(deployment: &Object, view: &View) -> Self {
        let mut old: Vec<Set> = view.controlled(&REPLICASETS, deployment.uid()).map(Set::of).collect();
        old.sort_by(|a, b| {
            let age = |set: &Set| set.object.text("/metadata/creationTimestamp").to_owned();
            (age(a), a.object.name()).cmp(&(age(b), b.object.name()))
        });
        let template = &deployment.value()["spec"]["template"];
        let is_new = |set: &Set| same_template(&set.object.value()["spec"]["template"], template);
        let new = old.iter().position(is_new).map(|place| old.remove(place));
        Self { new, old }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Set> {
        self.old.iter().chain(&self.new)
    }

    pub(super) fn wished(&self) -> i64 {
        self.all().map(|set| set.wished).sum()
    }

    /// Whether the wished number became another one since the sets were scaled.
    pub(super) fn were_resized(&self, deployment: &Object) -> bool {
        let now = wished(deployment.value());
        let mut active = self.all().filter(|set| set.wished > 0);
        active.any(|set| set.annotation(DESIRED).is_some_and(|desired| desired != now))
    }
}

/// Whether two templates are the same but for the label with the hash.
fn same_template(of_set: &Value, of_deployment: &Value) -> bool {
    if of_set["spec"] != of_deployment["spec"] {
        return false;
    }
    let metadata = |template: &Value| {
        let mut metadata = template["metadata"].clone();
        json::remove(&mut metadata, &["labels"], HASH);
        for name in ["labels", "annotations"] {
            if metadata[name].as_object().is_some_and(Map::is_empty) {
                json::remove(&mut metadata, &[], name);
            }
        }
        metadata
    };
    metadata(of_set) == metadata(of_deployment)
}

/// Writes down for which size of the deployment the set was scaled.
pub(super) fn annotate_size(deployment: &Object, annotations: &mut Value) {
    let limits = Limits::of(deployment);
    json::set(annotations, &[DESIRED], limits.wished.to_string());
    json::set(annotations, &[MOST], limits.most().to_string());
}
