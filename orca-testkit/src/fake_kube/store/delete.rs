//! Deleting an object: at once, gracefully, or when its finalizers are gone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::update::{Write, count};
use super::{Store, meta};
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::{NAMESPACES, PODS, Resource};
use crate::fake_kube::time;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// What becomes of the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// The garbage collector deletes them afterwards.
    Background,
    /// The garbage collector deletes them first.
    Foreground,
    /// They stay, without the owner.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Seconds that a pod may take to end; the pod says it when absent.
    pub grace_period_seconds: Option<i64>,
    /// Only an object with this UID.
    pub uid: Option<String>,
    /// Only this state of the object.
    pub resource_version: Option<String>,
    /// What becomes of dependents; background when absent.
    pub propagation: Option<Propagation>,
    /// Only the answer is wanted.
    pub dry_run: bool,
}

/// What a deletion did.
#[derive(Clone, Debug)]
pub enum Deleted {
    /// The object is gone; its last state.
    Gone(Arc<Object>),
    /// The object is marked, and goes later.
    Pending(Arc<Object>),
}

impl Deleted {
    /// The object after the deletion.
    #[must_use]
    pub fn object(&self) -> &Arc<Object> {
        match self {
            Self::Gone(object) | Self::Pending(object) => object,
        }
    }
}

impl Store {
    /// Deletes an object by the rules of the API server.
    ///
    /// `Conflict` when a precondition does not hold. A pod that runs on a node is only marked, and its
    /// node deletes it with a grace of 0; finalizers keep any object.
    ///
    /// # Errors
    ///
    /// 404 or 409: there is none, or a precondition does not hold.
    pub fn delete(
        &self,
        resource: &Resource,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, ApiError> {
        let now = self.now();
        let mut inner = self.lock();
        let found = inner.table(resource).and_then(|table| table.get(namespace, name)).cloned();
        let old = found.ok_or_else(|| ApiError::not_found(resource, name))?;
        check(&old, options)?;
        let mut value = old.value().clone();
        let write = if options.dry_run { Write::DryRun } else { Write::Commit };
        propagate(&mut value, options.propagation);
        if resource == &PODS {
            mark_pod(&mut value, options, now);
        } else if meta::is_held(&value) {
            mark(&mut value, now, 0);
        }
        if resource == &NAMESPACES && meta::is_held(&value) {
            meta::object(value_map(&mut value), "status").insert("phase".to_owned(), "Terminating".into());
        }
        let is_gone = !meta::is_held(&value) && (resource != &PODS || meta::is_over(&value));
        if write == Write::DryRun {
            let object = Arc::new(Object::new(old.resource(), value, old.version()));
            return Ok(if is_gone { Deleted::Gone(object) } else { Deleted::Pending(object) });
        }
        if is_gone {
            let last = inner.remove(&old, value);
            self.announce(&inner);
            return Ok(Deleted::Gone(last));
        }
        if &value == old.value() {
            return Ok(Deleted::Pending(old));
        }
        let marked = inner.write(resource, value, Some(&old));
        self.announce(&inner);
        Ok(Deleted::Pending(marked))
    }
}

fn value_map(value: &mut Value) -> &mut serde_json::Map<String, Value> {
    meta::of(value);
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            unreachable!("stored objects are JSON objects")
        }
    }
}

fn check(old: &Object, options: &DeleteOptions) -> Result<(), ApiError> {
    let conflict = |what: &str, wanted: &str, found: &str, hint: &str| {
        let why = format!(
            "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). {hint}"
        );
        let mut error = ApiError::conflict(old.resource(), old.name(), &why);
        // The real server names the kind here, where it names the resource elsewhere.
        let kind = old.resource().qualified_kind();
        error.message = format!("Operation cannot be fulfilled on {kind} \"{}\": {why}", old.name());
        if let Some(details) = &mut error.details {
            details["kind"] = old.resource().kind.into();
        }
        error
    };
    if let Some(uid) = &options.uid
        && uid != old.uid()
    {
        let hint = "The object might have been deleted and then recreated";
        return Err(conflict("UID", uid, old.uid(), hint));
    }
    if let Some(version) = &options.resource_version
        && *version != old.version().to_string()
    {
        let hint = "The object might have been modified";
        return Err(conflict("ResourceVersion", version, &old.version().to_string(), hint));
    }
    Ok(())
}

/// Keeps the finalizers in step with the wish of this deletion.
fn propagate(value: &mut Value, propagation: Option<Propagation>) {
    let Some(propagation) = propagation else {
        return;
    };
    let metadata = meta::of(value);
    let mut finalizers = metadata.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    finalizers.retain(|name| name != FOREGROUND && name != ORPHAN);
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => finalizers.push(FOREGROUND.into()),
        Propagation::Orphan => finalizers.push(ORPHAN.into()),
    }
    if finalizers.is_empty() {
        metadata.remove("finalizers");
    } else {
        metadata.insert("finalizers".to_owned(), finalizers.into());
    }
}

fn mark(value: &mut Value, now: Timestamp, grace: i64) {
    let metadata = meta::of(value);
    if metadata.contains_key("deletionTimestamp") {
        return;
    }
    let end = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(Timestamp::MAX);
    metadata.insert("deletionTimestamp".to_owned(), time::seconds(end).into());
    metadata.insert("deletionGracePeriodSeconds".to_owned(), grace.into());
    count(value);
}

/// The grace of a pod; a second deletion may only shorten it.
fn mark_pod(value: &mut Value, options: &DeleteOptions, now: Timestamp) {
    let metadata = &value["metadata"];
    if let Some(end) = metadata["deletionTimestamp"].as_str() {
        let (end, old) = (end.to_owned(), metadata["deletionGracePeriodSeconds"].as_i64().unwrap_or(0));
        if let Some(grace) = options.grace_period_seconds.map(at_least_one)
            && grace < old
            && let Ok(end) = end.parse::<Timestamp>()
        {
            let shorter = end.checked_sub(SignedDuration::from_secs(old - grace)).unwrap_or(end);
            let metadata = meta::of(value);
            metadata.insert("deletionTimestamp".to_owned(), json!(time::seconds(shorter)));
            metadata.insert("deletionGracePeriodSeconds".to_owned(), grace.into());
        }
        return;
    }
    let phase = value["status"]["phase"].as_str();
    let runs_nowhere = value["spec"]["nodeName"].as_str().unwrap_or_default().is_empty();
    let grace = if runs_nowhere || matches!(phase, Some("Failed" | "Succeeded")) {
        0
    } else {
        let own = value["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
        at_least_one(options.grace_period_seconds.unwrap_or(own))
    };
    mark(value, now, grace);
}

/// A negative grace means the shortest one.
fn at_least_one(grace: i64) -> i64 {
    if grace < 0 { 1 } else { grace }
}
