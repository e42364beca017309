//! The namespace controller: what is in an ending namespace goes first, then the namespace itself.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{ALL, NAMESPACES, Resource, SERVICEACCOUNTS};
use super::super::store::DeleteOptions;
use super::json::{self, Condition};
use super::queue::{Queue, earlier};
use super::view::{Key, Seen};
use super::world::{Controller, RETRY, World};

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
    fn changed(&mut self, seen: &Seen, world: &World<'_>) {
        let Some(object) = seen.object() else { return };
        if object.resource() == &NAMESPACES {
            if let Some(new) = &seen.new {
                let queue = if new.is_deleting() { &mut self.ending } else { &mut self.accounts };
                queue.add(new.name().to_owned(), world.now);
            }
            return;
        }
        if seen.new.is_some() || object.namespace().is_empty() {
            return;
        }
        let namespace = object.namespace().to_owned();
        let is_ending = world
            .view
            .get(&NAMESPACES, &Key::new("", &namespace))
            .is_some_and(|namespace| namespace.is_deleting());
        if is_ending {
            self.ending.add(namespace, world.now + GATHER);
        } else if object.resource() == &SERVICEACCOUNTS && object.name() == ACCOUNT {
            self.accounts.add(namespace, world.now);
        }
    }

    fn work(&mut self, world: &mut World<'_>) -> Option<Instant> {
        while let Some(name) = self.accounts.pop(world.now) {
            if ensure_account(&name, world).is_err() {
                self.accounts.add(name, world.now + RETRY);
            }
        }
        while let Some(name) = self.ending.pop(world.now) {
            match end(&name, world) {
                Ok(true) => {}
                Ok(false) => self.ending.add(name, world.now + RESYNC),
                Err(error) => {
                    tracing::debug!(%error, namespace = name, "a namespace ends later");
                    self.ending.add(name, world.now + RETRY);
                }
            }
        }
        earlier(self.accounts.next(), self.ending.next())
    }
}

fn ensure_account(namespace: &str, world: &World<'_>) -> Result<(), ApiError> {
    let is_active = world
        .view
        .get(&NAMESPACES, &Key::new("", namespace))
        .is_some_and(|namespace| !namespace.is_deleting());
    if !is_active || world.store.get(&SERVICEACCOUNTS, namespace, ACCOUNT).is_ok() {
        return Ok(());
    }
    let account = json!({
        "apiVersion": "v1",
        "kind": SERVICEACCOUNTS.kind,
        "metadata": { "name": ACCOUNT, "namespace": namespace },
    });
    match world.store.create(&SERVICEACCOUNTS, account) {
        Err(error) if error.reason != "AlreadyExists" => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Deletes what is in the namespace, and lets go of it when it is empty. Says whether it is.
fn end(name: &str, world: &World<'_>) -> Result<bool, ApiError> {
    let Ok(namespace) = world.store.get(&NAMESPACES, "", name) else { return Ok(true) };
    if !namespace.is_deleting() {
        return Ok(true);
    }
    let mut left: Vec<(&'static Resource, usize)> = Vec::new();
    for resource in
        ALL.iter().copied().filter(|resource| resource.namespaced && resource.stored() == *resource)
    {
        for object in world.store.list(resource, Some(name)).0 {
            if !object.is_deleting() {
                world.delete(&object, DeleteOptions::default())?;
            }
        }
        let count = world.store.list(resource, Some(name)).0.len();
        if count > 0 {
            left.push((resource, count));
        }
    }
    if !left.is_empty() {
        tell(&namespace, &left, world)?;
        return Ok(false);
    }
    world.update(&namespace, |value| {
        if let Some(finalizers) = json::list(value, &["spec", "finalizers"]) {
            finalizers.retain(|one| one != FINALIZER);
        }
    })?;
    Ok(true)
}

fn tell(namespace: &Object, left: &[(&'static Resource, usize)], world: &World<'_>) -> Result<(), ApiError> {
    let parts: Vec<String> = left
        .iter()
        .map(|(resource, count)| format!("{}. has {count} resource instances", resource.qualified()))
        .collect();
    let text = format!("Some resources are remaining: {}", parts.join(", "));
    world.update(namespace, |value| {
        json::set(value, &["status", "phase"], "Terminating");
        let condition = Condition::new("NamespaceContentRemaining", "True", "SomeResourcesRemain", &text);
        condition.write(value, world.time, &[]);
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
