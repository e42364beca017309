//! The replica set of the template as it is now: made when there is none, else given the latest revision.

use serde_json::{Map, Value, json};

use super::super::super::error::ApiError;
use super::super::super::object::Object;
use super::super::super::resource::{DEPLOYMENTS, REPLICASETS};
use super::super::controller::Context;
use super::super::json::{self, Condition};
use super::super::pods;
use super::super::recorder::{Note, Source};
use super::limits::{self, Limits};
use super::sets::{DESIRED, HASH, HISTORY, MOST, REVISION, Set, Sets, annotate_size};
use super::{hash, rollout, status};

/// Annotations of the deployment that its replica sets do not get.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
];

impl Sets {
    fn next_revision(&self) -> i64 {
        self.old.iter().filter_map(|set| set.annotation(REVISION)).max().unwrap_or(0) + 1
    }

    /// Gives the set of the template, if there is one, the latest revision.
    pub(super) fn adopt_revision(
        &mut self,
        deployment: &Object,
        context: &mut Context<'_>,
    ) -> Result<(), ApiError> {
        let next = self.next_revision();
        let Some(new) = &mut self.new else { return Ok(()) };
        let revision = new.annotation(REVISION).unwrap_or(0);
        let changed = context.update(&new.object, |value| {
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
        number(deployment, now, context)?;
        let is_known = json::condition(deployment.value(), "Progressing").is_some();
        if limits::deadline(deployment).is_some() && !is_known {
            let text = format!("Found new replica set \"{}\"", new.object.name());
            status::tell(
                deployment,
                Condition::new("Progressing", "True", "FoundNewReplicaSet", &text),
                context,
            )?;
        }
        Ok(())
    }

    /// Makes the set of the template, when there is none.
    pub(super) fn ensure_new(
        &mut self,
        deployment: &Object,
        context: &mut Context<'_>,
    ) -> Result<(), ApiError> {
        if self.new.is_some() {
            return self.adopt_revision(deployment, context);
        }
        let replicas = rollout::size_of_new(Limits::of(deployment), limits::is_recreate(deployment), self);
        let collisions = deployment.number("/status/collisionCount").unwrap_or(0);
        let value = self.design(deployment, replicas, u64::try_from(collisions).unwrap_or(0));
        let created = match context.store.create(&REPLICASETS, value) {
            Ok(created) => created,
            Err(error) => {
                if error.reason == "AlreadyExists" {
                    // Another template has the same hash: count, and try with the count next time.
                    context.update(deployment, |value| {
                        json::set(value, &["status", "collisionCount"], collisions + 1);
                    })?;
                }
                return Err(error);
            }
        };
        if replicas > 0 {
            let text = format!("Scaled up replica set {} from 0 to {replicas}", created.name());
            context.note(deployment, &Note::normal(Source::Deployment, "ScalingReplicaSet", text));
        }
        number(deployment, self.next_revision(), context)?;
        if limits::deadline(deployment).is_some() {
            let text = format!("Created new replica set \"{}\"", created.name());
            status::tell(
                deployment,
                Condition::new("Progressing", "True", "NewReplicaSetCreated", &text),
                context,
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

fn copy_annotations(deployment: &Object, annotations: &mut Value) {
    let own = deployment.value()["metadata"]["annotations"].as_object();
    for (key, value) in own.into_iter().flatten().filter(|(key, _)| !NOT_COPIED.contains(&key.as_str())) {
        json::set(annotations, &[key], value.clone());
    }
}

/// Writes the revision of the deployment.
fn number(deployment: &Object, revision: i64, context: &Context<'_>) -> Result<(), ApiError> {
    debug_assert_eq!(deployment.resource(), &DEPLOYMENTS, "only deployments have revisions");
    context.update(deployment, |value| {
        json::set(value, &["metadata", "annotations", REVISION], revision.to_string());
    })?;
    Ok(())
}
