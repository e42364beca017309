//! Creating an object.

use std::sync::Arc;

use serde_json::{Value, json};

use super::inner::Inner;
use super::update::Write;
use super::{Store, meta};
use crate::fake_kube::error::ApiError;
use crate::fake_kube::object::Object;
use crate::fake_kube::resource::{NAMESPACES, Resource, SERVICEACCOUNTS};
use crate::fake_kube::time;

/// How many letters a generated name gets.
const SUFFIX: usize = 5;
/// The longest part of a generated name that the client gives.
const PREFIX_LIMIT: usize = 63 - SUFFIX;
/// How often a generated name that is taken is drawn anew.
const DRAWS: usize = 8;

impl Store {
    /// Creates an object. Its namespace is in its metadata; what only the server writes is filled in.
    ///
    /// `AlreadyExists` when the name is taken, `NotFound` when its namespace does not exist, `Forbidden`
    /// when the namespace is ending. A namespace gets its default service account at once.
    ///
    /// # Errors
    ///
    /// What the API server answers: the object is invalid, there already, or its namespace is not there.
    pub fn create(&self, resource: &Resource, value: Value) -> Result<Arc<Object>, ApiError> {
        self.create_with(resource, value, Write::Commit)
    }

    /// The same, or only the answer that it would give.
    ///
    /// # Errors
    ///
    /// What the API server answers: the object is invalid, there already, or its namespace is not there.
    pub fn create_with(
        &self,
        resource: &Resource,
        mut value: Value,
        write: Write,
    ) -> Result<Arc<Object>, ApiError> {
        let now = self.now();
        let mut inner = self.lock();
        let (namespace, name) = resolve_name(&mut inner, resource, &mut value)?;
        check_namespace(&inner, resource, &namespace, &name)?;
        meta::strip(&mut value);
        let metadata = meta::of(&mut value);
        for key in
            ["selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion"]
        {
            metadata.remove(key);
        }
        metadata.insert("creationTimestamp".to_owned(), time::seconds(now).into());
        if resource.counts {
            metadata.insert("generation".to_owned(), 1.into());
        }
        // Only admission gives a UID before this, to objects that carry it in their labels.
        if value["metadata"]["uid"].as_str().is_none_or(str::is_empty) {
            let uid = meta::uid(&mut inner.random);
            meta::of(&mut value).insert("uid".to_owned(), uid.into());
        }
        if write == Write::DryRun {
            return Ok(Arc::new(Object::new(resource.stored(), value, inner.revision)));
        }
        let created = inner.write(resource, value, None);
        if resource == &NAMESPACES {
            let account = default_account(&mut inner, created.name(), now);
            inner.write(&SERVICEACCOUNTS, account, None);
        }
        self.announce(&inner);
        Ok(created)
    }
}

/// Decides the name and checks that it is free.
fn resolve_name(
    inner: &mut Inner,
    resource: &Resource,
    value: &mut Value,
) -> Result<(String, String), ApiError> {
    let metadata = meta::of(value);
    if !resource.namespaced {
        metadata.remove("namespace");
    }
    let text = |key: &str| metadata.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (namespace, mut name, prefix) = (text("namespace"), text("name"), text("generateName"));
    let is_taken = |inner: &Inner, name: &str| {
        inner.table(resource).is_some_and(|table| table.get(&namespace, name).is_some())
    };
    if name.is_empty() && !prefix.is_empty() {
        let base: String = prefix.chars().take(PREFIX_LIMIT).collect();
        for _ in 0..DRAWS {
            name = format!("{base}{}", meta::suffix(&mut inner.random, SUFFIX));
            if !is_taken(inner, &name) {
                break;
            }
        }
        metadata.insert("name".to_owned(), name.clone().into());
    }
    if is_taken(inner, &name) {
        return Err(ApiError::already_exists(resource, &name));
    }
    Ok((namespace, name))
}

fn check_namespace(inner: &Inner, resource: &Resource, namespace: &str, name: &str) -> Result<(), ApiError> {
    if !resource.namespaced {
        return Ok(());
    }
    let Some(found) = inner.table(&NAMESPACES).and_then(|table| table.get("", namespace)) else {
        return Err(ApiError::not_found(&NAMESPACES, namespace));
    };
    if found.is_deleting() && resource.qualified() != "events" {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut error = ApiError::forbidden(resource, name, &why);
        if let Some(details) = &mut error.details {
            details["causes"] = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace",
            }]);
        }
        return Err(error);
    }
    Ok(())
}

/// The real server leaves it to a controller, some milliseconds later.
fn default_account(inner: &mut Inner, namespace: &str, now: jiff::Timestamp) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "default",
            "namespace": namespace,
            "uid": meta::uid(&mut inner.random),
            "creationTimestamp": time::seconds(now),
        },
    })
}
