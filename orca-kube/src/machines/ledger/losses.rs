//! What is concluded from machines that complete answers do not show: of a few that they are gone, of many nothing.

use jiff::Timestamp;
use orca_core::ids::InstanceId;

use super::machine::{Loss, Machine};
use super::{Ledger, is_gone};

impl Ledger {
    /// Concludes that those are gone whose absence has lasted long enough, all together or none. What was asked to end, or whose
    /// pod is done with it, is expected to go.
    pub(super) fn conclude(&mut self, now: Timestamp) {
        let is_expected = |machine: &Machine| machine.finished || machine.asked_to_end.is_some();
        let of = self.machines.len();
        let mut open: Vec<&mut Machine> = self
            .machines
            .values_mut()
            .filter(|machine| machine.loss != Loss::Concluded && is_gone(machine))
            .collect();
        let surprises = open.iter().filter(|machine| !is_expected(machine)).count();
        let are_few = surprises == 0 || self.brake.are_few(surprises, of, now);
        for machine in &mut open {
            let is_believed = are_few || is_expected(machine) || self.brake.is_released(self.release, now);
            machine.loss = if is_believed { Loss::Concluded } else { Loss::Held };
        }
    }

    /// Those whose absence is not believed, because there are too many.
    pub(in crate::machines) fn held(&self) -> Vec<InstanceId> {
        let held = self.machines.iter().filter(|(_, machine)| machine.loss == Loss::Held);
        held.map(|(id, _)| id.clone()).collect()
    }
}
