//! Writes the history down: what the API server holds, as it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orca_core::clock::Clock;
use tokio_util::task::AbortOnDropHandle;

use crate::fake_kube::object::Object;
use crate::fake_kube::resource::{EVENTS, NODES, PODS, Resource};
use crate::fake_kube::store::{Change, ChangeKind, Store};
use crate::simulation::history::{Entry, Fact, PodVersion};

static WATCHED: [&Resource; 3] = [&PODS, &NODES, &EVENTS];

/// Collects entries. Cheap to clone; all clones write on the same page.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    clock: Arc<dyn Clock>,
    page: Arc<Mutex<Page>>,
}

#[derive(Debug, Default)]
struct Page {
    entries: Vec<Entry>,
    /// The pods that there are, with their versions.
    pods: BTreeMap<String, u64>,
}

impl Recorder {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, page: Arc::default() }
    }

    fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one thing down.
    pub(super) fn note(&self, fact: Fact) {
        let at = self.clock.now();
        self.page().entries.push(Entry { at, fact });
    }

    pub(super) fn tell(&self, text: impl Into<String>) {
        self.note(Fact::Told(text.into()));
    }

    /// Everything so far.
    pub(super) fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.page().entries)
    }

    /// Follows the store until it is dropped.
    pub(super) fn watch(&self, store: &Arc<Store>) -> AbortOnDropHandle<()> {
        let (this, store) = (self.clone(), Arc::clone(store));
        let mut changes = store.subscribe(&WATCHED);
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                if let Ok(change) = changes.next().await {
                    this.changed(&change);
                } else {
                    changes = store.subscribe(&WATCHED);
                    this.relist(&store);
                }
            }
        }))
    }

    fn changed(&self, change: &Change) {
        let object = &change.object;
        let is_there = change.kind != ChangeKind::Deleted;
        if object.resource() == &PODS {
            self.pod(object, is_there);
        } else if object.resource() == &NODES {
            if change.kind != ChangeKind::Modified {
                self.note(Fact::Node { name: object.name().to_owned(), is_there });
            }
        } else if is_there {
            self.note(told(object));
        }
    }

    fn pod(&self, object: &Object, is_there: bool) {
        let uid = object.uid().to_owned();
        let mut page = self.page();
        if is_there {
            page.pods.insert(uid, object.version());
        } else {
            page.pods.remove(&uid);
        }
        drop(page);
        // The last state of a pod that is gone is a version as well: the mark of a deletion by force.
        self.note(Fact::Pod(Box::new(PodVersion::of(object.value(), object.version()))));
        if !is_there {
            self.note(Fact::PodGone { uid: object.uid().to_owned() });
        }
    }

    /// The API server was set back: what there is now, and what is gone.
    fn relist(&self, store: &Store) {
        self.note(Fact::SetBack);
        let (pods, _) = store.list(&PODS, None);
        let mut gone = std::mem::take(&mut self.page().pods);
        for pod in &pods {
            let before = gone.remove(pod.uid());
            if before == Some(pod.version()) {
                self.page().pods.insert(pod.uid().to_owned(), pod.version());
            } else {
                self.pod(pod, true);
            }
        }
        for uid in gone.into_keys() {
            self.note(Fact::PodGone { uid });
        }
        for (name, is_there) in nodes(store) {
            self.note(Fact::Node { name, is_there });
        }
    }
}

fn nodes(store: &Store) -> Vec<(String, bool)> {
    let (nodes, _) = store.list(&NODES, None);
    nodes.iter().map(|node| (node.name().to_owned(), true)).collect()
}

fn told(event: &Object) -> Fact {
    let about = [event.text("/regarding/name"), event.text("/involvedObject/name")];
    let about = about.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned();
    Fact::Event { about, reason: event.text("/reason").to_owned() }
}
