//! The namespace controller: what is in an ending namespace goes first, then the namespace itself.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{ALL, NAMESPACES, Resource, SERVICEACCOUNTS};
use super::super::store::DeleteOptions;
use super::controller::{Context, Controller, RETRY};
use super::json::{self, Condition};
use super::queue::{Queue, earlier};
use super::view::{Delta, Key};

/// Deletions of many objects within this time are looked at together.
const GATHER: Duration = Duration::from_millis(100);
/// A look without any news, as the real one repeats it.
const RESYNC: Duration = Duration::from_secs(5);
const FINALIZER: &str = "kubernetes";
const ACCOUNT: &str = "default";

/// Ends namespaces, and keeps the default account of the others.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    ending: Queue<String>,
    accounts: Queue<String>,
}

impl Controller for Namespaces {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        let Some(object) = delta.object() else { return };
        if object.resource() == &NAMESPACES {
            if let Some(new) = &delta.new {
                let queue = if new.is_deleting() { &mut self.ending } else { &mut self.accounts };
                queue.add(new.name().to_owned(), context.now);
            }
            return;
        }
        if delta.new.is_some() || object.namespace().is_empty() {
            return;
        }
        let namespace = object.namespace().to_owned();
        let is_ending = context
            .view
            .get(&NAMESPACES, &Key::new("", &namespace))
            .is_some_and(|namespace| namespace.is_deleting());
        if is_ending {
            self.ending.add(namespace, context.now + GATHER);
        } else if object.resource() == &SERVICEACCOUNTS && object.name() == ACCOUNT {
            self.accounts.add(namespace, context.now);
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        while let Some(name) = self.accounts.pop(context.now) {
            if ensure_account(&name, context).is_err() {
                self.accounts.add(name, context.now + RETRY);
            }
        }
        while let Some(name) = self.ending.pop(context.now) {
            match end(&name, context) {
                Ok(true) => {}
                Ok(false) => self.ending.add(name, context.now + RESYNC),
                Err(error) => {
                    tracing::debug!(%error, namespace = name, "a namespace ends later");
                    self.ending.add(name, context.now + RETRY);
                }
            }
        }
        earlier(self.accounts.next(), self.ending.next())
    }
}

fn ensure_account(namespace: &str, context: &Context<'_>) -> Result<(), ApiError> {
    let is_active = context
        .view
        .get(&NAMESPACES, &Key::new("", namespace))
        .is_some_and(|namespace| !namespace.is_deleting());
    if !is_active || context.store.get(&SERVICEACCOUNTS, namespace, ACCOUNT).is_ok() {
        return Ok(());
    }
    let account = json!({
        "apiVersion": "v1",
        "kind": SERVICEACCOUNTS.kind,
        "metadata": { "name": ACCOUNT, "namespace": namespace },
    });
    match context.store.create(&SERVICEACCOUNTS, account) {
        Err(error) if error.reason != "AlreadyExists" => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Deletes what is in the namespace, and lets go of it when it is empty. Says whether it is.
fn end(name: &str, context: &Context<'_>) -> Result<bool, ApiError> {
    let Ok(namespace) = context.store.get(&NAMESPACES, "", name) else { return Ok(true) };
    if !namespace.is_deleting() {
        return Ok(true);
    }
    let mut left: Vec<(&'static Resource, usize)> = Vec::new();
    for resource in
        ALL.iter().copied().filter(|resource| resource.namespaced && resource.stored() == *resource)
    {
        for object in context.store.list(resource, Some(name)).0 {
            if !object.is_deleting() {
                context.delete(&object, DeleteOptions::default())?;
            }
        }
        let count = context.store.list(resource, Some(name)).0.len();
        if count > 0 {
            left.push((resource, count));
        }
    }
    if !left.is_empty() {
        tell(&namespace, &left, context)?;
        return Ok(false);
    }
    context.update(&namespace, |value| {
        if let Some(finalizers) = json::list(value, &["spec", "finalizers"]) {
            finalizers.retain(|one| one != FINALIZER);
        }
    })?;
    Ok(true)
}

fn tell(
    namespace: &Object,
    left: &[(&'static Resource, usize)],
    context: &Context<'_>,
) -> Result<(), ApiError> {
    let parts: Vec<String> = left
        .iter()
        .map(|(resource, count)| format!("{}. has {count} resource instances", resource.qualified()))
        .collect();
    let text = format!("Some resources are remaining: {}", parts.join(", "));
    context.update(namespace, |value| {
        json::set(value, &["status", "phase"], "Terminating");
        let condition = Condition::new("NamespaceContentRemaining", "True", "SomeResourcesRemain", &text);
        condition.write(value, context.time, &[]);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
