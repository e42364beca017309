//! Where every pod object comes in, however it was read: into the store, and what follows for instances and room.
//!
//! The instance that an object names is claimed here, so that its absence can be told from never having existed; and the
//! room of a pod that was launched for is taken here, before anybody new is admitted.

use k8s_openapi::api::core::v1::Pod;
use orca_core::ids::{CloudIdentity, InstanceId, PodUid};
use orca_core::instance::Health;
use orca_core::launch::{LaunchRecord, RecordError};
use orca_core::pod::{self, Intent};
use orca_core::provider::Claim;

use super::Inner;
use super::store::{Entry, Presence};
use crate::absence::Absence;

impl Inner {
    /// An object that was read, watched, or answered to a write. Returns the UIDs to look at.
    ///
    /// Mirror pods stand for static pods of a kubelet: nobody asked for them.
    pub(super) fn apply_object(&self, object: Pod) -> Vec<PodUid> {
        if pod::is_mirror(&object) {
            return Vec::new();
        }
        let changed = self.store.apply(object);
        self.account(&changed);
        changed
    }

    /// This pod is gone. Returns its UID, if it was known.
    pub(super) fn apply_absence(&self, absence: &Absence) -> Option<PodUid> {
        let uid = self.store.depart(absence)?;
        self.account(std::slice::from_ref(&uid));
        Some(uid)
    }

    /// The object of this UID, as the API server itself showed it.
    pub(super) fn apply_confirmed(&self, known: &Entry, object: Pod) {
        self.store.confirm(known, object);
        self.account(std::slice::from_ref(&known.reference.uid));
    }

    /// An object of a complete list. One that is older than what is known is doubted: a list is never behind, unless the API
    /// server was restored.
    pub(super) fn apply_listed(&self, object: Pod) -> Vec<PodUid> {
        if self.store.is_known_newer(&object) {
            return self.store.doubt_object(&object).into_iter().collect();
        }
        self.apply_object(object)
    }

    /// Takes or gives back what these pods hold. Safe to repeat.
    fn account(&self, uids: &[PodUid]) {
        for entry in uids.iter().filter_map(|uid| self.store.get(uid)) {
            match intent(&entry) {
                Intent::Wanted | Intent::Deleting { finished: false, .. } => self.hold(&entry),
                // A finished pod's instance has ended, and its absence means nothing. One that is deleted as well
                // is followed until the object goes.
                Intent::Deleting { finished: true, .. } => {}
                Intent::Finished(_) | Intent::Gone => {
                    self.allocated.release(&entry.reference.uid);
                    self.parts.provider.disclaim(&entry.reference.uid);
                }
            }
        }
    }

    fn hold(&self, entry: &Entry) {
        let record = self.record(&entry.pod, &entry.reference.uid);
        if let Some(id) = recorded_instance(&entry.pod, record.as_ref()) {
            let health = pod::was_ready(&entry.pod).then_some(Health::Passed);
            let recorded = record.as_ref().and_then(|record| record.as_ref().ok());
            let cloud = recorded.map(|record| record.cloud.clone()).or_else(|| shown_identity(&entry.pod));
            // What people adopted is looked for here, whatever here is called.
            let cloud = cloud.filter(|cloud| !self.parts.identity.is_adopted(cloud));
            self.parts.provider.adopt(&entry.reference, Claim { id, cloud, health });
        }
        if record.is_some() {
            self.allocated.count(&entry.reference.uid, &entry.pod);
        }
    }

    /// The launch record of this object.
    pub(super) fn record(&self, object: &Pod, uid: &PodUid) -> Option<Result<LaunchRecord, RecordError>> {
        let cluster = &self.parts.owner.cluster;
        let mut record = LaunchRecord::decode(pod::launch_record(object)?, cluster, uid);
        if let Ok(record) = &mut record {
            record.cloud = self.parts.identity.resolve(record.cloud.clone());
        }
        Some(record)
    }
}

/// What is asked for a pod that is known.
pub(super) fn intent(entry: &Entry) -> Intent {
    match entry.presence {
        Presence::Gone => Intent::Gone,
        Presence::There | Presence::Doubtful => pod::intent(&entry.pod),
    }
}

/// The instance that the record names, else the one that a container's id names: the record can be lost with a
/// restored API server.
pub(super) fn recorded_instance(
    object: &Pod,
    record: Option<&Result<LaunchRecord, RecordError>>,
) -> Option<InstanceId> {
    let recorded =
        record.and_then(|record| record.as_ref().ok()).and_then(|record| record.instance_id.clone());
    recorded.or_else(|| {
        let (scheme, rest) = pod::container_id(object)?.split_once("://")?;
        let (_place, id) = rest.rsplit_once('/')?;
        (!scheme.is_empty() && !id.is_empty()).then(|| InstanceId::new(id))
    })
}

/// Where the instance lives that a container's id names: `<scheme>://<identity>/<id>`. Shorter ones do not tell.
fn shown_identity(object: &Pod) -> Option<CloudIdentity> {
    let (_scheme, rest) = pod::container_id(object)?.split_once("://")?;
    let (place, _id) = rest.rsplit_once('/')?;
    place.contains('/').then(|| CloudIdentity::new(place))
}
