//! What happens to a fake EC2 besides calls: faults that tests order, acts of operators, and spot interruptions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use orca_core::instance::CapacityType;
use tokio::sync::broadcast;

use super::api_error::ApiError;
use super::attachments::{Interface, SpotRequest, Volume};
use super::capacity::{Pool, Supply};
use super::fault::{Fault, FaultId};
use super::instance::{Ec2Instance, Ender, Tags};
use super::ledger::{Call, Event, Violation, audit};
use super::settings::{Chaos, Families, Quotas, Span};
use super::{FakeEc2, UnknownInstance};

impl FakeEc2 {
    /// Orders a fault. Of several that match a call, only the one that was ordered first acts on it.
    #[expect(clippy::must_use_candidate, reason = "few tests ask for the hits of a fault")]
    pub fn fault(&self, fault: Fault) -> FaultId {
        self.lock().faults.add(fault)
    }

    /// How many calls this fault has acted on.
    #[must_use]
    pub fn hits(&self, fault: FaultId) -> usize {
        self.lock().faults.hits(fault)
    }

    /// Removes a fault. [`hits`](Self::hits) still knows it.
    pub fn clear_fault(&self, fault: FaultId) {
        self.lock().faults.remove(fault);
    }

    /// Removes all faults. [`hits`](Self::hits) still knows them.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// Changes how often things fail at random from now on.
    pub fn set_chaos(&self, chaos: Chaos) {
        self.lock().settings.chaos = chaos;
    }

    /// Changes how long calls take from now on.
    pub fn set_latency(&self, latency: Span) {
        self.lock().settings.latency = latency;
    }

    /// Freezes or thaws the region. While it is frozen, calls arrive and are not answered.
    pub fn set_frozen(&self, is_frozen: bool) {
        self.shared.frozen.set(is_frozen);
    }

    /// Changes which addresses the instances of later launches get.
    pub fn set_families(&self, families: Families) {
        self.lock().settings.families = families;
    }

    /// Changes how long the instances of later launches stay `pending`.
    pub fn set_boot(&self, boot: Span) {
        self.lock().settings.boot = boot;
    }

    /// Changes how long instances stay `shutting-down`, for those that begin to end from now on.
    pub fn set_shutdown(&self, shutdown: Span) {
        self.lock().settings.shutdown = shutdown;
    }

    /// Changes how long it takes until later launches can be described by id, and until lists show them.
    pub fn set_visibility(&self, by_id: Span, by_tag: Span) {
        let mut model = self.lock();
        model.settings.visible_by_id = by_id;
        model.settings.visible_by_tag = by_tag;
    }

    /// Changes how long reads still show the old state after later changes of state.
    pub fn set_visible_state(&self, lag: Span) {
        self.lock().settings.visible_state = lag;
    }

    /// Switches the request and resource buckets on or off.
    pub fn set_throttling(&self, is_on: bool) {
        self.lock().settings.throttling = is_on;
    }

    /// Sets how much of a pool is available from now on. The latest setting that covers a launch counts.
    pub fn set_supply(&self, pool: Pool, supply: Supply) {
        self.lock().capacity.set(pool, supply);
    }

    /// Gives the account another id. Everything in it stays.
    pub fn rename_account(&self, account: &str) {
        account.clone_into(&mut self.lock().settings.account);
    }

    /// Sets the limits of the account. What runs already stays.
    pub fn set_quotas(&self, quotas: Quotas) {
        self.lock().capacity.set_quotas(quotas);
    }

    /// Sets the spot price of a type, in millionths of a US dollar per hour. Open requests that it is low enough for
    /// get their instances at once.
    ///
    /// # Errors
    ///
    /// The type is unknown.
    pub fn set_spot_price(&self, instance_type: &str, micros: u64) -> Result<(), ApiError> {
        self.at_once(|model, now| model.set_spot_price(instance_type, micros, now))
    }

    /// Makes a zone unreachable, or reachable again. Its instances run on; calls that name them, and lists of
    /// everything, fail.
    pub fn set_zone_down(&self, zone: &str, is_down: bool) {
        let mut model = self.lock();
        if is_down {
            model.zones_down.insert(zone.to_owned());
        } else {
            model.zones_down.remove(zone);
        }
    }

    /// From this time on every call is refused with `RequestExpired`. None: the credentials do not expire.
    pub fn expire_credentials(&self, at: Option<Timestamp>) {
        self.lock().credentials_expire_at = at;
    }

    /// Makes a security group known.
    pub fn add_security_group(&self, id: &str) {
        self.lock().groups.insert(id.to_owned());
    }

    /// Ends an instance without a call: as an operator, from inside, by EC2, or by the spot market without a notice.
    ///
    /// # Errors
    ///
    /// There is no such instance.
    pub fn end(&self, instance: &str, by: Ender) -> Result<(), UnknownInstance> {
        self.with(instance, |model, number, now| model.end(number, by, now))
    }

    /// Stops an instance without a call.
    ///
    /// # Errors
    ///
    /// There is no such instance.
    pub fn stop(&self, instance: &str, by: Ender) -> Result<(), UnknownInstance> {
        self.with(instance, |model, number, now| model.stop(number, by, now))
    }

    /// The instance shuts itself down: it ends or stops, as its launch has asked for.
    ///
    /// # Errors
    ///
    /// There is no such instance.
    pub fn shut_down_from_inside(&self, instance: &str) -> Result<(), UnknownInstance> {
        self.with(instance, |model, number, now| {
            if model.instance(number).is_some_and(|instance| instance.ends_on_shutdown) {
                model.end(number, Ender::Guest, now);
            } else {
                model.stop(number, Ender::Guest, now);
            }
        })
    }

    /// The spot market interrupts an instance at this time, and gives notice two minutes before, or at once. An
    /// on-demand instance stays.
    ///
    /// # Errors
    ///
    /// There is no such instance.
    pub fn interrupt(&self, instance: &str, at: Timestamp) -> Result<(), UnknownInstance> {
        self.with(instance, |model, number, now| {
            if model.instance(number).is_some_and(|instance| instance.market == CapacityType::Spot) {
                model.plan_interruption(number, now, at);
            }
        })
    }

    /// Makes a running instance fail its status checks, or pass them again.
    ///
    /// # Errors
    ///
    /// There is no such instance.
    pub fn set_impaired(&self, instance: &str, is_impaired: bool) -> Result<(), UnknownInstance> {
        self.with(instance, |model, number, _| {
            if let Some(instance) = model.instance_mut(number) {
                instance.is_impaired = is_impaired;
            }
        })
    }

    /// Gives an instance other tags, as an operator can. An instance that is no longer listed keeps those that it had.
    ///
    /// # Errors
    ///
    /// There is no such instance.
    pub fn set_tags(&self, instance: &str, tags: Tags) -> Result<(), UnknownInstance> {
        self.with(instance, |model, number, _| {
            if let Some(instance) = model.instance_mut(number) {
                instance.tags = tags;
            }
        })
    }

    /// Switches termination protection of an instance on or off.
    ///
    /// # Errors
    ///
    /// There is no such instance.
    pub fn set_protected(&self, instance: &str, is_protected: bool) -> Result<(), UnknownInstance> {
        self.with(instance, |model, number, _| {
            if let Some(instance) = model.instance_mut(number) {
                instance.is_protected = is_protected;
            }
        })
    }

    /// Makes a volume that nothing uses, and returns its id.
    ///
    /// # Errors
    ///
    /// What `CreateVolume` refuses.
    pub fn create_volume(&self, zone: &str, tags: Tags) -> Result<String, ApiError> {
        self.at_once(|model, now| Ok(model.create_volume(zone, 1, &tags, now)?.id))
    }

    /// Makes a network interface that nothing uses, and returns its id.
    ///
    /// # Errors
    ///
    /// What `CreateNetworkInterface` refuses.
    pub fn create_interface(&self, subnet: &str, tags: Tags) -> Result<String, ApiError> {
        self.at_once(|model, now| model.create_interface(subnet, &tags, now))
    }

    /// Brings the model up to the clock, so that listeners get the events without a call. Returns when the next event is due, as
    /// far as is known.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn catch_up(&self) -> Option<Timestamp> {
        self.at_once(|model, _| model.next_change())
    }

    /// Every instance that is still listed, in the order of launches. Unlike calls, it shows the true state without any lag.
    #[must_use]
    pub fn instances(&self) -> Vec<Arc<Ec2Instance>> {
        self.at_once(|model, _| model.instances().cloned().collect())
    }

    /// The instances that still cost money.
    #[must_use]
    pub fn alive(&self) -> Vec<Arc<Ec2Instance>> {
        let mut instances = self.instances();
        instances.retain(|instance| instance.state.is_alive());
        instances
    }

    /// The instance with this id, if it is still listed.
    #[must_use]
    pub fn instance(&self, id: &str) -> Option<Arc<Ec2Instance>> {
        self.at_once(|model, _| model.number(id).and_then(|number| model.instance(number)).cloned())
    }

    /// When the checks of each instance that has run passed, or pass if nothing happens to it before.
    #[must_use]
    pub fn checks_passed(&self) -> BTreeMap<String, Timestamp> {
        self.at_once(|model, _| model.checks_pass.clone())
    }

    /// The tags that each instance was launched with.
    #[must_use]
    pub fn first_tags(&self) -> BTreeMap<String, Tags> {
        self.at_once(|model, _| {
            model.first_tags.iter().map(|(id, tags)| (id.clone(), tags.as_ref().clone())).collect()
        })
    }

    /// Every volume.
    #[must_use]
    pub fn volumes(&self) -> Vec<Volume> {
        self.at_once(|model, _| model.attachments.volumes.values().cloned().collect())
    }

    /// Every network interface.
    #[must_use]
    pub fn interfaces(&self) -> Vec<Interface> {
        self.at_once(|model, _| model.attachments.interfaces.values().cloned().collect())
    }

    /// Every spot request.
    #[must_use]
    pub fn spot_requests(&self) -> Vec<SpotRequest> {
        self.at_once(|model, _| model.attachments.requests.values().cloned().collect())
    }

    /// How many addresses of this subnet are free.
    #[must_use]
    pub fn free_addresses(&self, subnet: &str) -> Option<u32> {
        self.at_once(|model, _| model.network.get(subnet).map(super::network::Subnet::free))
    }

    /// Every call that was executed or lost so far, in that order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.lock().ledger.calls()
    }

    /// The calls of one action.
    #[must_use]
    pub fn calls_of(&self, action: &str) -> Vec<Call> {
        self.lock().ledger.calls_of(action)
    }

    /// How many calls there were of each action, also those that the ledger no longer keeps.
    #[must_use]
    pub fn call_counts(&self) -> BTreeMap<&'static str, u64> {
        self.lock().ledger.counts()
    }

    /// The actions that were called over HTTP and that this fake does not serve, for a test to fail on.
    #[must_use]
    pub fn unserved(&self) -> Vec<String> {
        self.lock().ledger.unserved()
    }

    /// Everything that has happened until now, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.at_once(|model, _| model.ledger.events())
    }

    /// Subscribes to events from now on. A listener that is more than 1024 events behind misses the oldest.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.lock().ledger.listen()
    }

    /// The instances ever launched for each pod UID, in the order of launches.
    #[must_use]
    pub fn launched(&self) -> BTreeMap<String, Vec<String>> {
        self.lock().ledger.launched()
    }

    /// The pods for which more than one instance was ever launched, with these instances.
    #[must_use]
    pub fn doubles(&self) -> BTreeMap<String, Vec<String>> {
        let mut launched = self.launched();
        launched.retain(|_, instances| instances.len() > 1);
        launched
    }

    /// What must never happen, given the UIDs of the live pods: a pod with two live instances, or a live instance without one of
    /// these pods.
    #[must_use]
    pub fn audit(&self, live_pods: &BTreeSet<String>) -> Vec<Violation> {
        let alive = self.alive();
        audit(alive.iter().map(|instance| (instance.id.as_str(), instance.pod())), live_pods)
    }
}
