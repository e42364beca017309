//! What is concluded from instances that complete answers do not show: of a few that they are gone, of many nothing.

use jiff::Timestamp;
use orca_core::ids::InstanceId;

use super::tracked::{Loss, TrackedInstance};
use super::{Ledger, is_gone};

impl Ledger {
    /// Concludes that those are gone whose absence has lasted long enough, all together or none. What was asked to end, or whose
    /// pod is done with it, is expected to go.
    pub(super) fn conclude(&mut self, now: Timestamp) {
        let is_expected = |tracked: &TrackedInstance| tracked.finished || tracked.asked_to_end.is_some();
        let of = self.tracked.len();
        let mut open: Vec<&mut TrackedInstance> = self
            .tracked
            .values_mut()
            .filter(|tracked| tracked.loss != Loss::Concluded && is_gone(tracked))
            .collect();
        let surprises = open.iter().filter(|tracked| !is_expected(tracked)).count();
        let are_few = surprises == 0 || self.brake.are_few(surprises, of, now);
        for tracked in &mut open {
            let is_believed = are_few || is_expected(tracked) || self.brake.is_released(self.release, now);
            tracked.loss = if is_believed { Loss::Concluded } else { Loss::Held };
        }
    }

    /// Those whose absence is not believed, because there are too many.
    pub(in crate::instances) fn held(&self) -> Vec<InstanceId> {
        let held = self.tracked.iter().filter(|(_, tracked)| tracked.loss == Loss::Held);
        held.map(|(id, _)| id.clone()).collect()
    }
}
