//! How a virtual node's garbage collection is put together.

use std::sync::Arc;

use jiff::Timestamp;
use orca_core::ids::Owner;

use super::VirtualNode;
use crate::events::Events;
use crate::garbage::{ApiReader, Garbage, GarbageParts};
use crate::identity::IdentityGuard;
use crate::instances::InstanceProvider;
use crate::pods;
use crate::set_back::SetBack;

impl VirtualNode {
    pub(super) fn garbage(
        &self,
        (owner, leader_since, is_recorded): (Owner, Timestamp, bool),
        (identity, set_back): (IdentityGuard, SetBack),
        (provider, pods): (&InstanceProvider, &pods::Controller),
        events: Events,
    ) -> Garbage {
        let is_named = self.parts.config.cluster.id.is_some();
        Garbage::new(GarbageParts {
            api_reader: Arc::new(ApiReader::new(self.parts.client.clone())),
            provider: provider.clone(),
            pods: pods.clone(),
            cluster_uid: (!is_named).then(|| owner.cluster.clone()),
            owner,
            settings: self.parts.config.gc.clone(),
            clock: Arc::clone(&self.parts.clock),
            events,
            metrics: self.metrics.garbage.clone(),
            random: self.random.clone(),
            leftovers: self.capabilities.leftovers.clone(),
            leader_since,
            identity,
            set_back,
            is_recorded: is_recorded || !is_named,
        })
    }
}
