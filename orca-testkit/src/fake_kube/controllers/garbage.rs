//! The garbage collector: what is owned goes with its owners, before them, or stays without them.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::of_kind;
use super::super::store::{DeleteOptions, Propagation};
use super::controller::{Context, Controller, RETRY};
use super::json;
use super::queue::{Queue, earlier};
use super::view::{Delta, Key, Place};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
/// The most objects that are looked at before the other controllers get their turn.
const BATCH: usize = 500;

/// Follows owner references.
#[derive(Debug, Default)]
pub(super) struct GarbageCollector {
    /// Objects whose owners may be gone or going.
    dependents: Queue<Place>,
    /// Objects that go after their dependents, or without them.
    owners: Queue<Place>,
}

impl Controller for GarbageCollector {
    fn changed(&mut self, delta: &Delta, context: &Context<'_>) {
        let Some(object) = delta.object() else { return };
        let owners_moved = delta.moved("/metadata/ownerReferences");
        let ends = delta.moved("/metadata/deletionTimestamp") || delta.moved("/metadata/finalizers");
        if !owners_moved && !ends {
            return;
        }
        if let Some(new) = &delta.new {
            if owners_moved && new.owners().next().is_some() {
                self.dependents.add(place(new), context.now);
            }
            if new.is_deleting() && (has(new, FOREGROUND) || has(new, ORPHAN)) {
                self.owners.add(place(new), context.now);
            }
        } else {
            for dependent in context.view.dependents(object.uid()) {
                self.dependents.add(place(dependent), context.now);
            }
        }
        // An owner may wait for this one.
        for state in [&delta.old, &delta.new].into_iter().flatten() {
            for reference in state.items("/metadata/ownerReferences") {
                let waits = |owner: &Place| {
                    context.view.get(owner.0, &owner.1).is_some_and(|owner| owner.is_deleting())
                };
                if let Some(owner) = owner_place(state, reference).filter(waits) {
                    self.owners.add(owner, context.now);
                }
            }
        }
    }

    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant> {
        for _ in 0..BATCH {
            let Some(place) = self.owners.pop(context.now) else { break };
            if let Err(error) = self.process_owner(&place, context) {
                tracing::debug!(%error, name = place.1.name, "an owner waits longer");
                self.owners.add(place, context.now + RETRY);
            }
        }
        for _ in 0..BATCH {
            let Some(place) = self.dependents.pop(context.now) else { break };
            if let Err(error) = collect_dependent(&place, context) {
                tracing::debug!(%error, name = place.1.name, "a dependent stays longer");
                self.dependents.add(place, context.now + RETRY);
            }
        }
        earlier(self.owners.next(), self.dependents.next())
    }
}

impl GarbageCollector {
    fn process_owner(&mut self, place: &Place, context: &Context<'_>) -> Result<(), ApiError> {
        let Some(owner) = context.get(place.0, &place.1).filter(|owner| owner.is_deleting()) else {
            return Ok(());
        };
        if has(&owner, ORPHAN) {
            for dependent in context.view.dependents(owner.uid()) {
                drop_owners(dependent, &[owner.uid()], context)?;
            }
            return drop_finalizer(&owner, ORPHAN, context);
        }
        if !has(&owner, FOREGROUND) {
            return Ok(());
        }
        let blocking: Vec<&Arc<Object>> =
            context.view.dependents(owner.uid()).filter(|one| blocks(one, owner.uid())).collect();
        if blocking.is_empty() {
            return drop_finalizer(&owner, FOREGROUND, context);
        }
        for dependent in blocking {
            if !dependent.is_deleting() {
                self.dependents.add(self::place(dependent), context.now);
            }
        }
        Ok(())
    }
}

fn place(object: &Object) -> Place {
    (object.resource(), Key::of(object))
}

/// Where the owner of this reference would be. Owners live in the namespace of what they own, or in none.
fn owner_place(object: &Object, reference: &Value) -> Option<Place> {
    let text = |name: &str| reference[name].as_str().unwrap_or_default();
    let resource = of_kind(text("apiVersion"), text("kind"))?;
    let namespace = if resource.namespaced { object.namespace() } else { "" };
    Some((resource, Key::new(namespace, text("name"))))
}

fn has(object: &Object, finalizer: &str) -> bool {
    object.items("/metadata/finalizers").iter().any(|one| one == finalizer)
}

fn blocks(dependent: &Object, owner: &str) -> bool {
    let references = dependent.items("/metadata/ownerReferences");
    references.iter().any(|one| one["uid"] == owner && one["blockOwnerDeletion"] == true)
}

/// Deletes an object without a living owner; of several owners, forgets the dead ones.
fn collect_dependent(place: &Place, context: &Context<'_>) -> Result<(), ApiError> {
    // The latest state: its owner may have set it free a moment ago.
    let Ok(object) = context.store.get(place.0, &place.1.namespace, &place.1.name) else {
        return Ok(());
    };
    if object.is_deleting() && !has(&object, FOREGROUND) {
        return Ok(());
    }
    let (mut lives, mut dead, mut ending) = (false, Vec::new(), Vec::new());
    for reference in object.items("/metadata/ownerReferences") {
        let uid = reference["uid"].as_str().unwrap_or_default();
        // An owner of a kind that is not known here cannot be judged.
        let Some((resource, key)) = owner_place(&object, reference) else {
            lives = true;
            continue;
        };
        match context.store.get(resource, &key.namespace, &key.name) {
            Ok(owner) if owner.uid() != uid => dead.push(uid),
            Ok(owner) if owner.is_deleting() && has(&owner, FOREGROUND) => ending.push(uid),
            Ok(_) => lives = true,
            Err(_) => dead.push(uid),
        }
    }
    let is_awaited = !ending.is_empty();
    let leaving = [dead, ending].concat();
    if leaving.is_empty() {
        return Ok(());
    }
    if lives {
        return drop_owners(&object, &leaving, context);
    }
    let propagation = if is_awaited && context.view.dependents(object.uid()).next().is_some() {
        Propagation::Foreground
    } else if has(&object, ORPHAN) {
        Propagation::Orphan
    } else if has(&object, FOREGROUND) {
        Propagation::Foreground
    } else {
        Propagation::Background
    };
    context.delete(&object, DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() })
}

fn drop_owners(object: &Object, uids: &[&str], context: &Context<'_>) -> Result<(), ApiError> {
    gone_is_fine(context.update(object, |value| {
        if let Some(owners) = json::list(value, &["metadata", "ownerReferences"]) {
            owners.retain(|owner| !uids.iter().any(|uid| owner["uid"] == *uid));
        }
    }))
}

fn drop_finalizer(object: &Object, finalizer: &str, context: &Context<'_>) -> Result<(), ApiError> {
    gone_is_fine(context.update(object, |value| {
        if let Some(finalizers) = json::list(value, &["metadata", "finalizers"]) {
            finalizers.retain(|one| one != finalizer);
        }
    }))
}

fn gone_is_fine(result: Result<Arc<Object>, ApiError>) -> Result<(), ApiError> {
    match result {
        Err(error) if error.code != 404 => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
