//! How instances go from state to state, by plan and by call.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use orca_core::instance::{CapacityType, InstanceState};

use super::{Due, Model, Step};
use crate::clock::later;
use crate::fake_ec2::api_error::ApiError;
use crate::fake_ec2::instance::{Ec2Instance, Ender};
use crate::fake_ec2::ledger::Happening;

/// The warning that a spot instance gets (EC2 user guide, "Spot Instance interruption notices").
const SPOT_NOTICE: Duration = Duration::from_mins(2);

/// A change of state, as the answers to `TerminateInstances` and `StopInstances` tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::fake_ec2) struct Change {
    pub(in crate::fake_ec2) id: String,
    pub(in crate::fake_ec2) before: InstanceState,
    pub(in crate::fake_ec2) after: InstanceState,
}

impl Model {
    /// One planned step, unless something came between.
    pub(super) fn perform(&mut self, due: Due, at: Timestamp) {
        let number = due.instance;
        if self.instances.get(&number).is_none_or(|instance| instance.generation != due.generation) {
            return;
        }
        match due.step {
            Step::Run => self.run(number, at),
            Step::SpotNotice(taken_back_at) => {
                let Some(instance) = self.instance_mut(number) else { return };
                instance.taken_back_at = Some(taken_back_at);
                let id = instance.id.clone();
                self.tell(at, &id, Happening::SpotNotice(taken_back_at));
            }
            Step::TakeBack => self.end(number, Ender::SpotMarket, at),
            Step::Stop => {
                self.keep_shown(number, at);
                let Some(instance) = self.instance_mut(number) else { return };
                instance.state = InstanceState::Stopped;
                instance.generation += 1;
                let id = instance.id.clone();
                self.tell(at, &id, Happening::Stopped);
            }
            Step::Terminate => self.terminated(number, at),
            Step::Forget => {
                self.stale.remove(&number);
                if let Some(instance) = self.instances.remove(&number) {
                    self.by_id.remove(&instance.id);
                    if let Some(request) = &instance.spot_request {
                        self.attachments.forget_request(request);
                    }
                }
            }
        }
    }

    fn run(&mut self, number: u64, at: Timestamp) {
        self.keep_shown(number, at);
        let checks_pass_at = self.after(at, self.settings.checks);
        let public = self.instances.get(&number).is_some_and(|instance| {
            self.network.get(&instance.subnet).is_some_and(|subnet| subnet.public_addresses)
        });
        let Some(instance) = self.instance_mut(number) else { return };
        instance.state = InstanceState::Running;
        instance.checks_pass_at = Some(checks_pass_at);
        instance.generation += 1;
        if public && let Some(private) = instance.private_ip {
            // A documentation range (RFC 5737) is too small: the public twin of 10.x.y.z is 54.x.y.z.
            let [_, second, third, fourth] = private.octets();
            instance.public_ip = Some(std::net::Ipv4Addr::new(54, second, third, fourth));
        }
        let (id, market) = (instance.id.clone(), instance.market);
        self.checks_pass.insert(id.clone(), checks_pass_at);
        self.tell(at, &id, Happening::Running);
        if market == CapacityType::Spot && self.by_chance(self.settings.chaos.spot_interruptions) {
            let taken_back_at = self.after(at, self.settings.chaos.spot_life);
            self.plan_interruption(number, at, taken_back_at);
        }
    }

    /// The market takes a spot instance back at this time, and says so two minutes before, or at once.
    pub(in crate::fake_ec2) fn plan_interruption(
        &mut self,
        number: u64,
        now: Timestamp,
        taken_back_at: Timestamp,
    ) {
        let notice = taken_back_at.checked_sub(SPOT_NOTICE).map_or(now, |at| at.max(now));
        self.plan(notice, number, Step::SpotNotice(taken_back_at));
        self.plan(taken_back_at, number, Step::TakeBack);
    }

    /// An instance begins to end. One that is ending already goes on as it was.
    pub(in crate::fake_ec2) fn end(&mut self, number: u64, by: Ender, at: Timestamp) {
        if self.instances.get(&number).is_none_or(|instance| !instance.state.is_alive()) {
            return;
        }
        self.keep_shown(number, at);
        let Some(instance) = self.instance_mut(number) else { return };
        instance.state = InstanceState::ShuttingDown;
        instance.generation += 1;
        instance.ended_by = Some(by);
        explain(instance, by, at);
        let id = instance.id.clone();
        self.tell(at, &id, Happening::Ending(by));
        let terminated_at = self.after(at, self.settings.shutdown);
        self.plan(terminated_at, number, Step::Terminate);
    }

    /// An instance begins to stop.
    pub(in crate::fake_ec2) fn stop(&mut self, number: u64, by: Ender, at: Timestamp) {
        let running = |instance: &Arc<Ec2Instance>| {
            matches!(instance.state, InstanceState::Pending | InstanceState::Running)
        };
        if !self.instances.get(&number).is_some_and(running) {
            return;
        }
        self.keep_shown(number, at);
        let Some(instance) = self.instance_mut(number) else { return };
        instance.state = InstanceState::Stopping;
        instance.checks_pass_at = None;
        instance.public_ip = None;
        instance.generation += 1;
        explain(instance, by, at);
        let id = instance.id.clone();
        self.tell(at, &id, Happening::Stopping(by));
        let stopped_at = self.after(at, self.settings.stop);
        self.plan(stopped_at, number, Step::Stop);
    }

    fn terminated(&mut self, number: u64, at: Timestamp) {
        self.keep_shown(number, at);
        let Some(instance) = self.instance_mut(number) else { return };
        instance.state = InstanceState::Terminated;
        instance.generation += 1;
        instance.checks_pass_at = None;
        instance.public_ip = None;
        instance.private_ip = None;
        instance.ipv6 = None;
        let gone = instance.clone();
        self.capacity.release(&gone.place(), gone.kind);
        self.release(&gone);
        self.tell(at, &gone.id, Happening::Terminated);
        self.plan(later(at, self.settings.terminated_listed), number, Step::Forget);
    }

    /// What an instance used goes with it, or becomes free.
    fn release(&mut self, gone: &Ec2Instance) {
        for id in &gone.volumes {
            let Ok(number) = self.attachments.volume(id) else { continue };
            let Some(volume) = self.attachments.volumes.get_mut(&number) else { continue };
            volume.instance = None;
            if volume.deleted_on_termination {
                // It was set free in the line before, so nothing refuses it.
                let _removed = self.attachments.remove_volume(id);
            }
        }
        if let Ok(number) = self.attachments.interface(&gone.interface)
            && let Some(interface) = self.attachments.interfaces.get_mut(&number)
        {
            interface.instance = None;
            let address = interface.address;
            let _removed = self.attachments.remove_interface(&gone.interface);
            if let Some(subnet) = self.network.get_mut(&gone.subnet) {
                subnet.release(address);
            }
        }
        if let Some(request) = &gone.spot_request {
            self.attachments.close_request(request);
        }
    }

    /// `TerminateInstances`: every id must be known; a protected instance keeps those of its zone.
    pub(in crate::fake_ec2) fn terminate_instances(
        &mut self,
        ids: &[String],
        now: Timestamp,
    ) -> Result<Vec<Change>, ApiError> {
        let instances = self.named(ids, now)?;
        let protected: Vec<Arc<Ec2Instance>> = instances
            .iter()
            .filter(|instance| instance.is_protected && instance.state.is_alive())
            .cloned()
            .collect();
        let mut changes = Vec::new();
        for instance in instances {
            if protected.iter().any(|kept| kept.zone == instance.zone) {
                continue;
            }
            self.end(instance.number, Ender::Api, now);
            changes.push(self.change(&instance));
        }
        match protected.first() {
            Some(kept) => Err(ApiError::new(
                "OperationNotPermitted",
                format!(
                    "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance \
                         attribute and try again.",
                    kept.id
                ),
            )),
            None => Ok(changes),
        }
    }

    /// `StopInstances`: every id must be known, and none may be ending.
    pub(in crate::fake_ec2) fn stop_instances(
        &mut self,
        ids: &[String],
        now: Timestamp,
    ) -> Result<Vec<Change>, ApiError> {
        let instances = self.named(ids, now)?;
        if let Some(ended) = instances.iter().find(|instance| !instance.state.is_alive()) {
            let message =
                format!("This instance '{}' is not in a state from which it can be stopped.", ended.id);
            return Err(ApiError::new("IncorrectInstanceState", message));
        }
        if let Some(spot) = instances.iter().find(|instance| instance.market == CapacityType::Spot) {
            let message = format!("You can't stop the Spot Instance '{}' of a one-time request.", spot.id);
            return Err(ApiError::new("UnsupportedOperation", message));
        }
        let mut changes = Vec::new();
        for instance in instances {
            self.stop(instance.number, Ender::Api, now);
            changes.push(self.change(&instance));
        }
        Ok(changes)
    }

    /// The instances with these ids; at least one, each known, in zones that answer.
    pub(super) fn named(&self, ids: &[String], now: Timestamp) -> Result<Vec<Arc<Ec2Instance>>, ApiError> {
        if ids.is_empty() {
            return Err(ApiError::new(
                "MissingParameter",
                "The request must contain the parameter InstanceId",
            ));
        }
        if ids.len() > 1_000 {
            return Err(ApiError::new("InvalidParameterValue", "A request names at most 1000 instances."));
        }
        let mut found: Vec<Arc<Ec2Instance>> = Vec::new();
        for id in ids {
            let number = self.visible(id, now)?;
            let Some(instance) = self.instances.get(&number) else { continue };
            self.zone_up(&instance.zone)?;
            if !found.iter().any(|known| known.number == number) {
                found.push(Arc::clone(instance));
            }
        }
        Ok(found)
    }

    fn change(&self, before: &Ec2Instance) -> Change {
        let after = self.instances.get(&before.number).map_or(before.state, |instance| instance.state);
        Change { id: before.id.clone(), before: before.state, after }
    }
}

/// `StateReason` and `StateTransitionReason` in EC2's words.
fn explain(instance: &mut Ec2Instance, by: Ender, at: Timestamp) {
    let (code, message) = match by {
        Ender::Api | Ender::Operator => {
            ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown")
        }
        Ender::Guest => (
            "Client.InstanceInitiatedShutdown",
            "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
        ),
        Ender::SpotMarket => {
            ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: Spot instance termination")
        }
        Ender::Provider => ("Server.InternalError", "Server.InternalError: Internal error on launch"),
        Ender::Request => ("Client.InternalError", "Client.InternalError: Client error on launch"),
    };
    instance.reason = Some((code.to_owned(), message.to_owned()));
    instance.transition = match by {
        Ender::Api | Ender::Operator => format!("User initiated ({})", at.strftime("%Y-%m-%d %H:%M:%S UTC")),
        Ender::SpotMarket => "Service initiated".to_owned(),
        Ender::Guest | Ender::Provider | Ender::Request => String::new(),
    };
}
