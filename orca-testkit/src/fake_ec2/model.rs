//! The state of the fake: everything that exists, and what is planned to happen to it.
//!
//! Nothing here waits. Each call first catches up with the clock: what was planned until now happens in the order of
//! its time, and then the call finds the world as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;

use super::api_error::{ApiError, bad_value};
use super::attachments::Attachments;
use super::bucket::{Buckets, Class};
use super::capacity::Capacity;
use super::fault::Faults;
use super::instance::{Ec2Instance, Tags};
use super::ledger::{Happening, Ledger};
use super::network::Network;
use super::settings::Ec2Settings;
use super::token::Tokens;
use crate::clock::later;

mod launch;
mod life;
mod list;
mod storage;
mod tags;

pub(super) use life::Change;
pub(super) use list::Described;

/// What is planned to happen to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Run,
    SpotNotice(Timestamp),
    TakeBack,
    Stop,
    Terminate,
    Forget,
}

#[derive(Clone, Copy, Debug)]
struct Due {
    instance: u64,
    generation: u32,
    step: Step,
}

/// The world.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) settings: Ec2Settings,
    pub(super) network: Network,
    pub(super) capacity: Capacity,
    pub(super) faults: Faults,
    pub(super) ledger: Ledger,
    pub(super) attachments: Attachments,
    tokens: Tokens,
    buckets: Buckets,
    instances: BTreeMap<u64, Arc<Ec2Instance>>,
    by_id: BTreeMap<String, u64>,
    /// When the checks of each instance passed or will, and with which tags it was launched.
    pub(super) checks_pass: BTreeMap<String, Timestamp>,
    pub(super) first_tags: BTreeMap<String, Arc<Tags>>,
    /// Until when reads show an instance as it was.
    stale: BTreeMap<u64, (Timestamp, Arc<Ec2Instance>)>,
    plan: BTreeMap<(Timestamp, u64), Due>,
    planned: u64,
    launched: u64,
    /// Separate generators, so that a random failure does not change the ids that follow.
    names: Rng,
    times: Rng,
    chance: Rng,
    pub(super) zones_down: BTreeSet<String>,
    pub(super) credentials_expire_at: Option<Timestamp>,
    pub(super) groups: BTreeSet<String>,
    /// Where the market's price is not the usual one, in millionths of a US dollar per hour.
    pub(super) spot_prices: BTreeMap<String, u64>,
}

impl Model {
    pub(super) fn new(settings: Ec2Settings) -> Self {
        let rng = |purpose: u64| Rng::with_seed(settings.seed ^ purpose);
        Self {
            network: Network::new(&settings.subnets),
            capacity: Capacity::new(settings.quotas),
            faults: Faults::default(),
            ledger: Ledger::new(settings.ledger_entries),
            attachments: Attachments::default(),
            tokens: Tokens::default(),
            buckets: Buckets::default(),
            instances: BTreeMap::new(),
            by_id: BTreeMap::new(),
            checks_pass: BTreeMap::new(),
            first_tags: BTreeMap::new(),
            stale: BTreeMap::new(),
            plan: BTreeMap::new(),
            planned: 0,
            launched: 0,
            names: rng(0x6e61_6d65),
            times: rng(0x7469_6d65),
            chance: rng(0x6c75_636b),
            zones_down: BTreeSet::new(),
            credentials_expire_at: None,
            groups: BTreeSet::from([Network::GROUP.to_owned()]),
            spot_prices: BTreeMap::new(),
            settings,
        }
    }

    /// Lets happen what was planned until now.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        self.tokens.forget(now);
        while let Some(first) = self.plan.first_entry().filter(|first| first.key().0 <= now) {
            let ((at, _), due) = first.remove_entry();
            self.perform(due, at);
        }
    }

    /// When the next planned thing happens.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        self.plan.first_key_value().map(|((at, _), _)| *at)
    }

    /// What stands before every call: credentials, permits, and bad luck.
    pub(super) fn admit(
        &mut self,
        action: &'static str,
        class: Class,
        resources: usize,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        if self.credentials_expire_at.is_some_and(|at| at <= now) {
            return Err(ApiError::new("RequestExpired", "The credentials of the request have expired."));
        }
        if self.settings.throttling {
            self.buckets.try_acquire(action, class, resources, now)?;
        }
        if self.by_chance(self.settings.chaos.throttled) {
            return Err(ApiError::new("RequestLimitExceeded", "Request limit exceeded."));
        }
        Ok(())
    }

    /// Whether something of this probability happens. Nothing is drawn for what never or always does.
    pub(super) fn by_chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && (probability >= 1.0 || self.chance.f64() < probability)
    }

    /// How long a call and its answer take.
    pub(super) fn latency(&mut self) -> Duration {
        if self.settings.latency.most().is_zero() {
            return Duration::ZERO;
        }
        self.settings.latency.draw(&mut self.times).max(Duration::from_millis(1))
    }

    /// An id as EC2 makes them, drawn from the seed.
    pub(super) fn new_id(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{:016x}", self.names.u64(..))
    }

    pub(super) fn instances(&self) -> impl Iterator<Item = &Arc<Ec2Instance>> {
        self.instances.values()
    }

    /// The number of the instance with this id, as calls see it: one whose id is not known yet does not exist.
    pub(super) fn visible(&self, id: &str, now: Timestamp) -> Result<u64, ApiError> {
        let digits = id.strip_prefix("i-").filter(|digits| matches!(digits.len(), 8 | 17));
        if !digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(ApiError::new("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\"")));
        }
        let known = self.by_id.get(id).copied().filter(|number| {
            self.instances.get(number).is_some_and(|instance| instance.visible_by_id_at <= now)
        });
        known.ok_or_else(|| {
            let message = format!("The instance ID '{id}' does not exist");
            ApiError::new("InvalidInstanceID.NotFound", message)
        })
    }

    /// The number of the instance with this id, visible or not.
    pub(super) fn number(&self, id: &str) -> Option<u64> {
        self.by_id.get(id).copied()
    }

    pub(super) fn instance(&self, number: u64) -> Option<&Arc<Ec2Instance>> {
        self.instances.get(&number)
    }

    pub(super) fn instance_mut(&mut self, number: u64) -> Option<&mut Ec2Instance> {
        self.instances.get_mut(&number).map(Arc::make_mut)
    }

    /// Before a change of state: reads may show the present state for a while, unless they show an older one still.
    fn keep_shown(&mut self, number: u64, at: Timestamp) {
        if self.settings.visible_state.most().is_zero() {
            return;
        }
        let until = self.after(at, self.settings.visible_state);
        let is_shown = self.stale.get(&number).is_some_and(|(until, _)| *until > at);
        if let Some(instance) = self.instances.get(&number).filter(|_| !is_shown) {
            self.stale.insert(number, (until, Arc::clone(instance)));
        }
    }

    /// The instance as reads show it.
    fn shown(&self, instance: &Arc<Ec2Instance>, now: Timestamp) -> Arc<Ec2Instance> {
        let stale = self.stale.get(&instance.number).filter(|(until, _)| *until > now);
        Arc::clone(stale.map_or(instance, |(_, shown)| shown))
    }

    fn plan(&mut self, at: Timestamp, instance: u64, step: Step) {
        let generation = self.instances.get(&instance).map_or(0, |instance| instance.generation);
        self.planned += 1;
        self.plan.insert((at, self.planned), Due { instance, generation, step });
    }

    fn zone_up(&self, zone: &str) -> Result<(), ApiError> {
        if self.zones_down.contains(zone) {
            return Err(ApiError::new("Unavailable", format!("The Availability Zone {zone} is disrupted.")));
        }
        Ok(())
    }

    /// Fails when any zone is down: a call that names nothing would have to ask all of them.
    fn all_zones_up(&self) -> Result<(), ApiError> {
        self.zones_down.first().map_or(Ok(()), |zone| self.zone_up(zone))
    }

    /// The current price of a spot instance of this type: 30 % of the list price, unless a test has set it.
    pub(super) fn spot_price(&self, kind: &super::catalog::InstanceType) -> u64 {
        self.spot_prices.get(kind.name).copied().unwrap_or(kind.price_micros * 3 / 10)
    }

    /// Sets a spot price, and fulfils the open requests that it is low enough for.
    pub(super) fn set_spot_price(&mut self, kind: &str, micros: u64, now: Timestamp) -> Result<(), ApiError> {
        let known = super::catalog::instance_type(kind);
        let kind = known.ok_or_else(|| bad_value(format!("Invalid value '{kind}' for InstanceType.")))?;
        self.spot_prices.insert(kind.name.to_owned(), micros);
        for id in self.attachments.open_requests(kind.name, micros) {
            self.fulfil(&id, now);
        }
        Ok(())
    }

    fn tell(&mut self, at: Timestamp, resource: &str, what: Happening) {
        self.ledger.event(at, resource, what);
    }

    fn after(&mut self, now: Timestamp, span: super::settings::Span) -> Timestamp {
        later(now, span.draw(&mut self.times))
    }
}
