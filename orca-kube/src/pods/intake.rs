//! Every pod object that was read comes in here, whichever way: it goes into the store, and its instance and room are noted.
//!
//! The provider learns of the instance that an object names, so that an instance that is gone can be told apart from one that
//! never existed. The room of a pod with an instance is allocated before any new pod is admitted.

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
    /// Mirror pods are ignored: they stand for static pods of a kubelet.
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

    /// The object of this UID, as a GET returned it.
    pub(super) fn apply_confirmed(&self, known: &Entry, object: Pod) {
        self.store.confirm(known, object);
        self.account(std::slice::from_ref(&known.reference.uid));
    }

    /// An object of a complete list. If it is older than the known one, the pod is in doubt: a list is never behind, unless the
    /// API server was restored.
    pub(super) fn apply_listed(&self, object: Pod) -> Vec<PodUid> {
        if self.store.is_known_newer(&object) {
            return self.store.doubt_object(&object).into_iter().collect();
        }
        self.apply_object(object)
    }

    /// Updates the claims and the room of these pods. Safe to repeat.
    fn account(&self, uids: &[PodUid]) {
        for entry in uids.iter().filter_map(|uid| self.store.get(uid)) {
            match intent(&entry) {
                Intent::Wanted | Intent::Deleting { finished: false, .. } => self.hold(&entry),
                // The instance of a finished pod has ended, so its absence means nothing. A finished pod that is also being
                // deleted is followed until its object goes.
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
            // An adopted identity is looked for under the current one.
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

/// The instance that the record names, else the one that a container id names: a restored API server may have lost the
/// record.
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

/// The identity in a container id of the form `<scheme>://<identity>/<id>`. None for a shorter one.
fn shown_identity(object: &Pod) -> Option<CloudIdentity> {
    let (_scheme, rest) = pod::container_id(object)?.split_once("://")?;
    let (place, _id) = rest.rsplit_once('/')?;
    place.contains('/').then(|| CloudIdentity::new(place))
}
