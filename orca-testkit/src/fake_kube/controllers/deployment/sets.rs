//! The replica sets of a deployment: the one of its template, and the older ones.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::super::resource::{DEPLOYMENTS, REPLICASETS};
use super::super::json::{self, Condition};
use super::super::pods;
use super::super::recorder::{Note, Source};
use super::super::replica_set::wished;
use super::super::view::View;
use super::super::world::World;
use super::limits::{self, Limits};
use super::{hash, rollout, status};

const HASH: &str = "pod-template-hash";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of the deployment that its replica sets do not get.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
];

/// A replica set, with the number of pods that this look has wished for it.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) object: Arc<Object>,
    pub(super) wished: i64,
}

impl Set {
    fn of(object: &Arc<Object>) -> Self {
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

    fn next_revision(&self) -> i64 {
        self.old.iter().filter_map(|set| set.annotation(REVISION)).max().unwrap_or(0) + 1
    }

    /// Gives the set of the template, if there is one, the latest revision.
    pub(super) fn adopt_revision(
        &mut self,
        deployment: &Object,
        world: &mut World<'_>,
    ) -> Result<(), ApiError> {
        let next = self.next_revision();
        let Some(new) = &mut self.new else { return Ok(()) };
        let revision = new.annotation(REVISION).unwrap_or(0);
        let changed = world.update(&new.object, |value| {
            let annotations = json::place(value, &["metadata", "annotations"]);
            copy_annotations(deployment, annotations);
            annotate_size(deployment, annotations);
            if revision < next {
                if revision > 0 {
                    let past = annotations[HISTORY].as_str().unwrap_or_default();
                    let past = if past.is_empty() { String::new() } else { format!("{past},") };
                    json::set(annotations, &[HISTORY], format!("{past}{revision}"));
                }
                json::set(annotations, &[REVISION], next.to_string());
            }
            let ready = &deployment.value()["spec"]["minReadySeconds"];
            if !ready.is_null() {
                json::set(value, &["spec", "minReadySeconds"], ready.clone());
            }
        })?;
        new.object = changed;
        let now = new.annotation(REVISION).unwrap_or(next);
        number(deployment, now, world)?;
        let is_known = json::condition(deployment.value(), "Progressing").is_some();
        if limits::deadline(deployment).is_some() && !is_known {
            let text = format!("Found new replica set \"{}\"", new.object.name());
            status::tell(
                deployment,
                Condition::new("Progressing", "True", "FoundNewReplicaSet", &text),
                world,
            )?;
        }
        Ok(())
    }

    /// Makes the set of the template, when there is none.
    pub(super) fn ensure_new(&mut self, deployment: &Object, world: &mut World<'_>) -> Result<(), ApiError> {
        if self.new.is_some() {
            return self.adopt_revision(deployment, world);
        }
        let replicas = rollout::size_of_new(Limits::of(deployment), limits::is_recreate(deployment), self);
        let collisions = deployment.number("/status/collisionCount").unwrap_or(0);
        let value = self.design(deployment, replicas, u64::try_from(collisions).unwrap_or(0));
        let created = match world.store.create(&REPLICASETS, value) {
            Ok(created) => created,
            Err(error) => {
                if error.reason == "AlreadyExists" {
                    // Another template has the same hash: count, and try with the count next time.
                    world.update(deployment, |value| {
                        json::set(value, &["status", "collisionCount"], collisions + 1);
                    })?;
                }
                return Err(error);
            }
        };
        if replicas > 0 {
            let text = format!("Scaled up replica set {} from 0 to {replicas}", created.name());
            world.note(deployment, &Note::normal(Source::Deployment, "ScalingReplicaSet", text));
        }
        number(deployment, self.next_revision(), world)?;
        if limits::deadline(deployment).is_some() {
            let text = format!("Created new replica set \"{}\"", created.name());
            status::tell(
                deployment,
                Condition::new("Progressing", "True", "NewReplicaSetCreated", &text),
                world,
            )?;
        }
        self.new = Some(Set::of(&created));
        Ok(())
    }

    fn design(&self, deployment: &Object, replicas: i64, collisions: u64) -> Value {
        let spec = &deployment.value()["spec"];
        let hash = hash::of(&spec["template"], collisions);
        let mut template = spec["template"].clone();
        json::set(&mut template, &["metadata", "labels", HASH], hash.as_str());
        let mut selector = spec["selector"].clone();
        json::set(&mut selector, &["matchLabels", HASH], hash.as_str());
        let mut annotations = Value::Object(Map::new());
        copy_annotations(deployment, &mut annotations);
        annotate_size(deployment, &mut annotations);
        json::set(&mut annotations, &[REVISION], self.next_revision().to_string());
        let mut set = json!({
            "apiVersion": REPLICASETS.api_version(),
            "kind": REPLICASETS.kind,
            "metadata": {
                "name": format!("{}-{hash}", deployment.name()),
                "namespace": deployment.namespace(),
                "labels": template["metadata"]["labels"],
                "annotations": annotations,
                "ownerReferences": [pods::controller_reference(deployment)],
            },
            "spec": { "replicas": replicas, "selector": selector, "template": template },
            "status": { "replicas": 0 },
        });
        if !spec["minReadySeconds"].is_null() {
            json::set(&mut set, &["spec", "minReadySeconds"], spec["minReadySeconds"].clone());
        }
        set
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

fn copy_annotations(deployment: &Object, annotations: &mut Value) {
    let own = deployment.value()["metadata"]["annotations"].as_object();
    for (key, value) in own.into_iter().flatten().filter(|(key, _)| !NOT_COPIED.contains(&key.as_str())) {
        json::set(annotations, &[key], value.clone());
    }
}

/// Writes down for which size of the deployment the set was scaled.
pub(super) fn annotate_size(deployment: &Object, annotations: &mut Value) {
    let limits = Limits::of(deployment);
    json::set(annotations, &[DESIRED], limits.wished.to_string());
    json::set(annotations, &[MOST], limits.most().to_string());
}

/// Writes the revision of the deployment.
fn number(deployment: &Object, revision: i64, world: &World<'_>) -> Result<(), ApiError> {
    debug_assert_eq!(deployment.resource(), &DEPLOYMENTS, "only deployments have revisions");
    world.update(deployment, |value| {
        json::set(value, &["metadata", "annotations", REVISION], revision.to_string());
    })?;
    Ok(())
}
