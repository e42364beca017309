//! What a controller is, and what it has to work with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::super::error::ApiError;
use super::super::object::Object;
use super::super::resource::{PODS, Resource};
use super::super::store::{DeleteOptions, Store};
use super::super::{admission, defaults};
use super::recorder::{Note, Recorder};
use super::view::{Delta, Key, View};

/// When something that failed is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// A part of the control plane that brings the cluster closer to what objects wish.
pub(super) trait Controller: fmt::Debug + Send {
    /// Learns of a change that the view shows already, and marks what it has to look at. After a gap every
    /// object is passed once more. It costs little, whatever the cluster holds.
    fn changed(&mut self, delta: &Delta, context: &Context<'_>);

    /// Does what is due, each thing at most once, and says when it has to be asked again.
    fn work(&mut self, context: &mut Context<'_>) -> Option<Instant>;
}

/// One moment of the cluster.
#[derive(Debug)]
pub(super) struct Context<'w> {
    pub(super) store: &'w Store,
    pub(super) view: &'w View,
    /// For waits.
    pub(super) now: Instant,
    /// For what is written.
    pub(super) time: Timestamp,
    pub(super) recorder: &'w mut Recorder,
}

impl Context<'_> {
    /// Writes an event.
    pub(super) fn note(&mut self, about: &Object, note: &Note) {
        self.recorder.write(self.store, about, note, self.time);
    }

    /// Creates a pod as a client of the API would, with what the API fills in.
    pub(super) fn create_pod(&self, mut pod: Value) -> Result<Arc<Object>, ApiError> {
        defaults::created(&PODS, &mut pod);
        admission::created(self.store, &PODS, &mut pod)?;
        self.store.create(&PODS, pod)
    }

    /// Changes an object that must still be the one that is meant.
    pub(super) fn update(
        &self,
        object: &Object,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Object>, ApiError> {
        let (resource, uid) = (object.resource(), object.uid());
        self.store.update(resource, object.namespace(), object.name(), |value| {
            if value["metadata"]["uid"] != uid {
                return Err(ApiError::not_found(resource, object.name()));
            }
            change(value);
            Ok(())
        })
    }

    /// Deletes an object that must still be the one that is meant. One that is gone counts as deleted.
    pub(super) fn delete(&self, object: &Object, options: DeleteOptions) -> Result<(), ApiError> {
        let options = DeleteOptions { uid: Some(object.uid().to_owned()), ..options };
        match self.store.delete(object.resource(), object.namespace(), object.name(), &options) {
            Err(error) if error.code != 404 => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The object of the view.
    pub(super) fn get(&self, resource: &'static Resource, key: &Key) -> Option<Arc<Object>> {
        self.view.get(resource, key).map(Arc::clone)
    }
}
