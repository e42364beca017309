//! A wanted pod that the API server no longer has, although no watch showed its deletion. That is believed at once, slowly,
//! or not at all.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use orca_core::ids::ClusterId;
use orca_core::lifecycle::Note;
use orca_core::pod::{self, Intent};
use orca_core::well_known::reason;

use super::Inner;
use super::store::Entry;
use crate::absence::Absence;
use crate::call::{CallError, bounded_on};
use crate::spans;

/// How soon a pod that is held back is looked at again.
pub(super) const HELD: Duration = Duration::from_mins(1);
const SYSTEM: &str = "kube-system";

impl Inner {
    /// Accepts the absence, unless the brake holds it back. Returns whether it was accepted.
    pub(super) async fn confirm_vanished(&self, entry: &Entry, absence: &Absence) -> bool {
        let may = pod::intent(&entry.pod) != Intent::Wanted || self.may_conclude(entry).await;
        if may {
            drop(self.apply_absence(absence));
        }
        may
    }

    async fn may_conclude(&self, entry: &Entry) -> bool {
        let now = self.parts.clock.now();
        let release = usize::try_from(self.parts.config.gc.release_brake).unwrap_or(usize::MAX);
        let text = match self.doubts().await {
            // An API server that has proved to be the same as before is believed: a few at once, then slowly.
            None if self.brake.is_one_of_few(self.store.wanted(), now) || self.brake.may_slowly(now) => {
                return true;
            }
            None => "more pods vanished without a deletion that was seen than mistakes explain: their instances are ended, five a minute. Stop ORCA if they should not be".to_owned(),
            Some(_) if self.brake.is_released(release, now) => return true,
            Some(why) => format!(
                "{} pods vanished without a deletion that was seen, and {why}: their instances keep running. If they are no longer wanted, set gc.releaseBrake to their number and restart ORCA",
                self.store.doubts()
            ),
        };
        spans::pod(&entry.reference).in_scope(|| {
            tracing::debug!("Pod is missing and no watch showed its deletion; its instance keeps running");
        });
        self.parts
            .events
            .publish_on_node(&self.parts.owner.node, &Note::warning(reason::VANISHED_PODS, text));
        false
    }

    /// Why the API server may not be the same as before. None: it has proved to be the same.
    async fn doubts(&self) -> Option<&'static str> {
        if self.parts.set_back.is_noticed() {
            return Some("the API server has listed less than it showed before: it was set back");
        }
        let api: Api<Namespace> = Api::all(self.parts.client.clone());
        let found = bounded_on(("namespaces", SYSTEM), api.get(SYSTEM)).await;
        let uid = found.and_then(|system| system.metadata.uid.ok_or(CallError::Incomplete("UID")));
        let uid = match uid {
            Ok(uid) => ClusterId::new(uid),
            Err(error) => {
                tracing::debug!(error = %error, "The cluster cannot be identified");
                return Some("the API server does not say which cluster it is");
            }
        };
        // The config names the cluster, so its UID was not read at the start: the first one that is read counts.
        let is_named = self.parts.config.cluster.id.is_some();
        let expected =
            if is_named { self.system.get_or_init(|| uid.clone()) } else { &self.parts.owner.cluster };
        (uid != *expected).then_some("another cluster answers")
    }
}
