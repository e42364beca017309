//! What the controllers know of the cluster: every object but events, by name, by owner and by node.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::object::Object;
use super::super::resource::{ALL, EVENTS, NODES, PODS, Resource};
use super::super::store::{Change, ChangeKind, Store};
use super::pods;

/// An object's place within its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    pub(super) fn of(object: &Object) -> Self {
        Self::new(object.namespace(), object.name())
    }
}

/// An object's place among all.
pub(super) type Place = (&'static Resource, Key);

/// What became different. At least one of the two is there.
#[derive(Clone, Debug)]
pub(super) struct Delta {
    pub(super) old: Option<Arc<Object>>,
    pub(super) new: Option<Arc<Object>>,
}

impl Delta {
    /// What a write did.
    pub(super) fn of(change: &Change) -> Self {
        match change.kind {
            ChangeKind::Added => Self { old: None, new: Some(Arc::clone(&change.object)) },
            ChangeKind::Modified => Self { old: change.old.clone(), new: Some(Arc::clone(&change.object)) },
            ChangeKind::Deleted => Self { old: Some(Arc::clone(&change.object)), new: None },
        }
    }

    /// The object, or its last state.
    pub(super) fn object(&self) -> Option<&Object> {
        self.new.as_deref().or(self.old.as_deref())
    }

    /// The kind of the object.
    pub(super) fn is(&self, resource: &Resource) -> bool {
        self.object().is_some_and(|object| object.resource() == resource)
    }

    /// Whether it appeared or vanished, or the value at this JSON pointer became another one.
    pub(super) fn moved(&self, pointer: &str) -> bool {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => old.value().pointer(pointer) != new.value().pointer(pointer),
            (Some(_), None) | (None, Some(_) | None) => true,
        }
    }
}

type Objects = BTreeMap<Key, Arc<Object>>;

/// The cluster as the latest change that was read left it.
#[derive(Debug, Default)]
pub(super) struct View {
    objects: BTreeMap<&'static Resource, Objects>,
    by_owner: BTreeMap<String, BTreeMap<Place, Arc<Object>>>,
    by_node: BTreeMap<String, Objects>,
}

impl View {
    /// The kinds that it follows.
    pub(super) fn resources() -> Vec<&'static Resource> {
        ALL.iter().copied().filter(|resource| resource.stored() != &EVENTS).collect()
    }

    pub(super) fn get(&self, resource: &'static Resource, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(resource)?.get(key)
    }

    /// All objects of a kind.
    pub(super) fn all(&self, resource: &'static Resource) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.get(resource).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn node(&self, name: &str) -> Option<&Arc<Object>> {
        self.get(&NODES, &Key::new("", name))
    }

    /// The pods that are bound to this node.
    pub(super) fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.by_node.get(node).into_iter().flat_map(BTreeMap::values)
    }

    /// The objects that name this UID as one of their owners.
    pub(super) fn dependents(&self, uid: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.by_owner.get(uid).into_iter().flat_map(BTreeMap::values)
    }

    /// The objects of a kind that this UID controls.
    pub(super) fn controlled<'v>(
        &'v self,
        resource: &'static Resource,
        uid: &'v str,
    ) -> impl Iterator<Item = &'v Arc<Object>> {
        self.dependents(uid)
            .filter(move |object| object.resource() == resource && object.controller() == Some(uid))
    }

    /// Takes in one change.
    pub(super) fn apply(&mut self, delta: &Delta) {
        if let Some(old) = &delta.old {
            self.forget(old, delta.new.as_deref());
        }
        if let Some(new) = &delta.new {
            let key = Key::of(new);
            for owner in new.owners() {
                let place = (new.resource(), key.clone());
                self.by_owner.entry(owner.to_owned()).or_default().insert(place, Arc::clone(new));
            }
            if new.resource() == &PODS && !pods::node(new).is_empty() {
                let node = self.by_node.entry(pods::node(new).to_owned()).or_default();
                node.insert(key.clone(), Arc::clone(new));
            }
            self.objects.entry(new.resource()).or_default().insert(key, Arc::clone(new));
        }
    }

    /// Drops what the old state stood under, as far as the new one does not stand there too.
    fn forget(&mut self, old: &Object, new: Option<&Object>) {
        let key = Key::of(old);
        for owner in old.owners() {
            if new.is_some_and(|new| new.owners().any(|other| other == owner)) {
                continue;
            }
            if let Some(dependents) = self.by_owner.get_mut(owner) {
                dependents.remove(&(old.resource(), key.clone()));
                if dependents.is_empty() {
                    self.by_owner.remove(owner);
                }
            }
        }
        let node = pods::node(old);
        if old.resource() == &PODS
            && new.is_none_or(|new| pods::node(new) != node)
            && let Some(on_node) = self.by_node.get_mut(node)
        {
            on_node.remove(&key);
            if on_node.is_empty() {
                self.by_node.remove(node);
            }
        }
        if new.is_none()
            && let Some(objects) = self.objects.get_mut(old.resource())
        {
            objects.remove(&key);
        }
    }

    /// Compares with the whole store. Every object that is there is told as changed, so that everybody who
    /// listens starts afresh; the second value is the revision from which changes are to be read.
    pub(super) fn compare(&self, store: &Store) -> (Vec<Delta>, u64) {
        let mut revision = u64::MAX;
        let mut deltas = Vec::new();
        for resource in Self::resources() {
            let (listed, at) = store.list(resource, None);
            revision = revision.min(at);
            let mut gone = self.objects.get(resource).cloned().unwrap_or_default();
            for new in listed {
                let old = gone.remove(&Key::of(&new));
                let (replaced, old) = match old {
                    // Another object took the name in the meantime.
                    Some(old) if old.uid() != new.uid() => (Some(old), None),
                    other => (None, other),
                };
                deltas.extend(replaced.map(|old| Delta { old: Some(old), new: None }));
                deltas.push(Delta { old, new: Some(new) });
            }
            deltas.extend(gone.into_values().map(|old| Delta { old: Some(old), new: None }));
        }
        (deltas, revision)
    }
}
