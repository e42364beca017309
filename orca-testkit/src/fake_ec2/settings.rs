//! The settings of a fake EC2: its delays, its network, its limits, and how often calls fail at random.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fastrand::Rng;

/// A range from which a delay is drawn at random, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    least: Duration,
    most: Duration,
}

impl Span {
    /// No delay.
    pub const ZERO: Self = Self { least: Duration::ZERO, most: Duration::ZERO };

    /// Always this long.
    #[must_use]
    pub const fn exactly(delay: Duration) -> Self {
        Self { least: delay, most: delay }
    }

    /// Between the two; the order does not matter.
    #[must_use]
    pub fn between(one: Duration, other: Duration) -> Self {
        Self { least: one.min(other), most: one.max(other) }
    }

    /// The same range, this many times shorter. A factor that is not above zero changes nothing.
    #[must_use]
    pub fn faster(self, factor: f64) -> Self {
        let part = if factor > 0.0 { 1.0 / factor } else { 1.0 };
        Self { least: self.least.mul_f64(part), most: self.most.mul_f64(part) }
    }

    /// The longest that can be drawn.
    #[must_use]
    pub const fn most(self) -> Duration {
        self.most
    }

    /// One of its values.
    pub fn draw(self, rng: &mut Rng) -> Duration {
        let width = u64::try_from(self.most.saturating_sub(self.least).as_millis()).unwrap_or(u64::MAX);
        if width == 0 { self.least } else { self.least + Duration::from_millis(rng.u64(0..=width)) }
    }
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetSettings {
    /// Such as `subnet-0000000000000000a`.
    pub id: String,
    /// The zone that it lies in.
    pub zone: String,
    /// Its first address.
    pub base: Ipv4Addr,
    /// The length of its prefix, 16 to 28. EC2 keeps five addresses of every subnet for itself.
    pub prefix: u8,
    /// Whether instances in it get a public address.
    pub public_addresses: bool,
}

/// Which addresses instances get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Version 4 alone.
    #[default]
    V4,
    /// One of each.
    Both,
    /// Version 6 alone.
    V6,
}

impl Families {
    pub(super) fn has_v4(self) -> bool {
        self != Self::V6
    }

    /// The address of version 6 that goes with this one.
    pub(super) fn v6(self, address: Ipv4Addr) -> Option<Ipv6Addr> {
        let [a, b, c, d] = address.octets();
        let halves = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
        (self != Self::V4).then(|| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, halves[0], halves[1]))
    }
}

/// How many vCPUs may run at a time. None: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// On-demand instances together.
    pub on_demand_vcpus: Option<u32>,
    /// Spot instances together.
    pub spot_vcpus: Option<u32>,
}

/// How often things fail at random, from 0 (never) to 1 (always). The seed decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chaos {
    /// Of launches: `InsufficientInstanceCapacity`.
    pub insufficient_capacity: f64,
    /// Of spot instances: taken back by the market.
    pub spot_interruptions: f64,
    /// When, after it began to run, such an instance is taken back.
    pub spot_life: Span,
    /// Of all calls: executed, and the answer gets lost.
    pub lost_answers: f64,
    /// Of all calls: `RequestLimitExceeded`.
    pub throttled: f64,
}

impl Default for Chaos {
    fn default() -> Self {
        let spot_life = Span { least: Duration::from_mins(2), most: Duration::from_mins(30) };
        Self {
            insufficient_capacity: 0.0,
            spot_interruptions: 0.0,
            spot_life,
            lost_answers: 0.0,
            throttled: 0.0,
        }
    }
}

/// Everything that a fake EC2 is made from. [`Default`] behaves like AWS, [`instant`](Self::instant) without delays.
#[derive(Clone, Debug, PartialEq)]
pub struct Ec2Settings {
    /// The same seed, clock and calls give the same ids, delays and failures.
    pub seed: u64,
    /// Its only region.
    pub region: String,
    /// The account that everything belongs to.
    pub account: String,
    /// From `pending` to `running`.
    pub boot: Span,
    /// From `shutting-down` to `terminated`.
    pub shutdown: Span,
    /// From `stopping` to `stopped`.
    pub stop: Span,
    /// From `running` to passed status checks.
    pub checks: Span,
    /// How long a terminated instance stays listed.
    pub terminated_listed: Duration,
    /// From a launch until its id is known to other calls.
    pub visible_by_id: Span,
    /// From a launch until lists, by tags or without, show it.
    pub visible_by_tag: Span,
    /// How long after a change of state reads go on to show the state before it.
    pub visible_state: Span,
    /// From a call to its answer. Zero: the in-process face never waits.
    pub latency: Span,
    /// How long a client token is remembered after the launch that it was first used for.
    pub token_memory: Duration,
    /// Whether calls cost permits of AWS's default request and resource buckets.
    pub throttling: bool,
    /// Whether it has the catalogue's images. Without them no launch succeeds.
    pub knows_images: bool,
    /// The subnets; the first one of a zone is its default.
    pub subnets: Vec<SubnetSettings>,
    /// Which addresses instances get in all of them.
    pub families: Families,
    /// Limits of the account.
    pub quotas: Quotas,
    /// What fails at random.
    pub chaos: Chaos,
    /// How many calls, and how many events, the ledger keeps: beyond it the oldest go.
    pub ledger_entries: usize,
}

impl Default for Ec2Settings {
    /// A region of four zones, with the times and limits of AWS, in which nothing fails at random.
    fn default() -> Self {
        let seconds =
            |least, most| Span { least: Duration::from_secs(least), most: Duration::from_secs(most) };
        Self {
            seed: 1,
            region: "us-west-2".into(),
            account: "123456789012".into(),
            boot: seconds(15, 40),
            shutdown: seconds(5, 30),
            stop: seconds(10, 30),
            checks: seconds(60, 150),
            terminated_listed: Duration::from_hours(1),
            visible_by_id: Span::ZERO,
            visible_by_tag: Span::ZERO,
            visible_state: Span::ZERO,
            latency: Span::ZERO,
            token_memory: Duration::from_hours(24),
            throttling: true,
            knows_images: true,
            subnets: subnets(),
            families: Families::default(),
            quotas: Quotas::default(),
            chaos: Chaos::default(),
            ledger_entries: 1_000_000,
        }
    }
}

impl Ec2Settings {
    /// The same region without any delay and without throttling: what is launched runs, and what is ended is gone.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            boot: Span::ZERO,
            shutdown: Span::ZERO,
            stop: Span::ZERO,
            checks: Span::ZERO,
            throttling: false,
            ..Self::default()
        }
    }
}

/// One subnet of 16 379 free addresses in each of four zones.
fn subnets() -> Vec<SubnetSettings> {
    let zones = [("a", 0), ("b", 64), ("c", 128), ("d", 192)];
    let subnet = |(letter, third): (&str, u8)| SubnetSettings {
        id: format!("subnet-0000000000000000{letter}"),
        zone: format!("us-west-2{letter}"),
        base: Ipv4Addr::new(10, 0, third, 0),
        prefix: 18,
        public_addresses: false,
    };
    zones.into_iter().map(subnet).collect()
}
