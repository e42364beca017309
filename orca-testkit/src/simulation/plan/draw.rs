//! Plans from seeds: a few pods, and of all kinds of faults a random part, so that each has room to matter.

use fastrand::Rng;

use super::{
    Answer, CloudFault, Config, Deed, KubeFault, OnProcess, OnRegion, OnServer, Outside, Pick, Plan,
    Settings, Step, What,
};

mod kinds;
mod scenes;

use self::kinds::{ACTIONS, CODES, KINDS, Kind, NO_CAPACITY, PLACES};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

impl Plan {
    /// A small world from a seed: a few pods, now and then many, a scene as a rule, and some kinds of faults, each a few
    /// times and often right after something else; up to half an hour.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        // Apart from the generators of the run, which begin with the seed itself.
        let mut rng = Rng::with_seed(seed ^ 0x706c_616e);
        let calm_ms = rng.u64(6..=24) * MINUTE;
        let mut draw = Draw { rng, calm_ms, steps: Vec::new(), actors: 0 };
        let world = draw.world();
        draw.scenes();
        let has_scene = !draw.steps.is_empty();
        draw.people(has_scene);
        let events: Vec<u64> = draw.steps.iter().map(|step| step.at_ms).collect();
        for kind in draw.kinds(has_scene) {
            for _ in 0..draw.rng.u8(1..=3) {
                let at_ms = draw.moment(&events);
                let what = draw.one(kind, at_ms);
                draw.steps.push(Step { at_ms, what });
            }
        }
        let (calm_ms, mut steps) = (draw.calm_ms, draw.steps);
        keep_one_witness(&mut steps);
        steps.sort_by_key(|step| step.at_ms);
        Self { seed, world, calm_ms, steps }
    }
}

/// That a pod was launched stands in the API server and in the tags that EC2 lists. Where both are taken away, nobody can
/// know of it: an API server is not set back in a plan that also looks elsewhere for instances, or strips their tags.
fn keep_one_witness(steps: &mut [Step]) {
    if !steps.iter().any(|step| matches!(step.what, What::Server(OnServer::SetBack { .. }))) {
        return;
    }
    for step in steps {
        match &mut step.what {
            What::Process(OnProcess::Reconfigure { config: config @ Config::Elsewhere, .. }) => {
                *config = Config::Subnet;
            }
            What::Outside(outside) => {
                if let Outside::StripTags { pick } = *outside {
                    *outside = Outside::Stop { pick };
                }
            }
            What::Process(_) | What::Deed(_) | What::Server(_) | What::Region(_) => {}
        }
    }
}

struct Draw {
    rng: Rng,
    calm_ms: u64,
    steps: Vec<Step>,
    /// Pods of scenes so far.
    actors: u32,
}

impl Draw {
    /// Some time, as often as not within seconds of something that happens in this plan.
    fn moment(&mut self, events: &[u64]) -> u64 {
        if self.rng.bool()
            && let Some(near) = self.rng.choice(events.iter().copied())
        {
            let at_ms = (near + self.rng.u64(..20 * SECOND)).saturating_sub(3 * SECOND);
            return at_ms.min(self.calm_ms - 1);
        }
        self.rng.u64(..self.calm_ms)
    }

    fn world(&mut self) -> Settings {
        let mut world = Settings::default();
        if self.rng.bool() {
            world.boot_ms = (2_000, 20_000);
            world.checks_ms = (5_000, 60_000);
        }
        if self.rng.u8(..4) == 0 {
            world.cloud_ms = (200, 4_000);
        }
        if self.rng.u8(..4) == 0 {
            world.kube_ms = (20, 800);
        }
        if self.rng.u8(..3) == 0 {
            world.page = 5;
        }
        if self.rng.u8(..4) == 0 {
            world.shutdown_ms = (20_000, 200_000);
        }
        world
    }

    /// Two to five kinds, by their weights; beside a scene three at most, and none as often as one.
    fn kinds(&mut self, has_scene: bool) -> Vec<Kind> {
        let mut pool: Vec<Kind> = KINDS
            .iter()
            .flat_map(|(kind, weight)| std::iter::repeat_n(*kind, usize::from(*weight)))
            .collect();
        let mut kinds = Vec::new();
        let count = if has_scene { self.rng.usize(..4) } else { self.rng.usize(2..=5) };
        for _ in 0..count {
            let Some(kind) = self.rng.choice(pool.iter().copied()) else { break };
            pool.retain(|other| *other != kind);
            kinds.push(kind);
        }
        kinds
    }

    fn push(&mut self, at_ms: u64, deed: Deed) {
        self.steps.push(Step { at_ms, what: deed.into() });
    }

    fn people(&mut self, has_scene: bool) {
        let count = match self.rng.u8(..16) {
            0 => self.rng.u8(10..=14),
            _ if has_scene => self.rng.u8(1..=3),
            _ => self.rng.u8(2..=5),
        };
        for number in 0..count {
            let (name, at_ms) = (format!("pod-{number}"), self.rng.u64(..self.calm_ms * 2 / 3));
            match self.rng.u8(..10) {
                0 => self.owner(&format!("job-{number}"), at_ms, true),
                1 => self.owner(&format!("set-{number}"), at_ms, false),
                2 => {
                    let for_ms = self.rng.u64(2 * MINUTE..15 * MINUTE);
                    self.push(at_ms, Deed::Keep { name: name.clone(), for_ms });
                    for _ in 0..self.rng.u8(1..4) {
                        let at_ms = at_ms + self.rng.u64(..for_ms);
                        let is_forced = self.rng.bool();
                        self.end(&name, at_ms, is_forced);
                    }
                }
                _ => self.pod(&name, at_ms),
            }
        }
    }

    /// A pod that is deleted at some time, or not; sometimes another of its name follows.
    fn pod(&mut self, name: &str, at_ms: u64) {
        let kind = self.rng.u8(..7);
        let spot = self.rng.bool();
        self.push(at_ms, Deed::Create { name: name.to_owned(), kind, spot });
        if self.rng.u8(..4) == 0 {
            return;
        }
        // Often in the middle of a launch, and at times long after.
        let life = if self.rng.bool() { self.rng.u64(..MINUTE) } else { self.rng.u64(..12 * MINUTE) };
        let is_forced = self.rng.u8(..3) == 0;
        self.end(name, at_ms + life, is_forced);
        if self.rng.u8(..4) == 0 {
            let again = at_ms + life + self.rng.u64(..2 * MINUTE);
            self.push(again, Deed::Create { name: name.to_owned(), kind, spot });
        }
    }

    fn end(&mut self, name: &str, at_ms: u64, is_forced: bool) {
        let name = name.to_owned();
        self.push(at_ms, if is_forced { Deed::ForceDelete { name } } else { Deed::Delete { name } });
    }

    fn owner(&mut self, name: &str, at_ms: u64, is_job: bool) {
        let (name, pods) = (name.to_owned(), self.rng.u8(1..=3));
        let first = if is_job {
            Deed::Job { name: name.clone(), pods }
        } else if at_ms.is_multiple_of(2) {
            Deed::StatefulSet { name: name.clone(), pods }
        } else {
            Deed::ReplicaSet { name: name.clone(), pods }
        };
        self.push(at_ms, first);
        if !is_job && self.rng.bool() {
            let (later, pods) = (at_ms + self.rng.u64(..6 * MINUTE), self.rng.u8(..=3));
            self.push(later, Deed::Scale { name: name.clone(), pods });
        }
        if self.rng.bool() {
            let later = at_ms + self.rng.u64(..10 * MINUTE);
            self.push(later, Deed::DeleteOwner { name });
        }
    }

    /// A time that is short as often as it is long.
    fn lasting(&mut self, most: u64) -> u64 {
        let most = if self.rng.bool() { most } else { most / 10 };
        self.rng.u64(SECOND..most.max(2 * SECOND))
    }

    fn of<T: Copy>(&mut self, all: &[T], other: T) -> T {
        self.rng.choice(all.iter().copied()).unwrap_or(other)
    }

    fn one(&mut self, kind: Kind, at_ms: u64) -> What {
        match kind {
            Kind::Kill | Kind::KillAtPoll | Kind::Freeze | Kind::Beside | Kind::Reconfigure | Kind::Clock => {
                self.process(kind).into()
            }
            Kind::KubeLost
            | Kind::KubeRefused
            | Kind::KubeForeign
            | Kind::KubeSlow
            | Kind::KubeFrozen
            | Kind::WatchLag
            | Kind::WatchCut
            | Kind::Compact
            | Kind::SetBack => self.server(kind, at_ms).into(),
            Kind::CloudLost
            | Kind::CloudRefused
            | Kind::CloudLate
            | Kind::CloudDown
            | Kind::Ice
            | Kind::Invisible
            | Kind::Stale => self.region(kind).into(),
            Kind::Outside => self.outside().into(),
            Kind::DeleteNode => Deed::DeleteNode {}.into(),
        }
    }

    fn process(&mut self, kind: Kind) -> OnProcess {
        let process = u8::from(self.rng.u8(..3) == 0);
        if kind == Kind::Kill {
            return OnProcess::Kill { process, down_ms: self.lasting(5 * MINUTE) };
        }
        if kind == Kind::KillAtPoll {
            let polls = if self.rng.bool() { self.rng.u64(1..300) } else { self.rng.u64(1..3_000) };
            return OnProcess::KillAtPoll { process: 0, polls, down_ms: self.lasting(2 * MINUTE) };
        }
        if kind == Kind::Freeze {
            return OnProcess::Freeze { process, for_ms: self.lasting(25 * MINUTE) };
        }
        if kind == Kind::Beside {
            return OnProcess::Beside { for_ms: self.lasting(15 * MINUTE) };
        }
        if kind == Kind::Reconfigure {
            let all = [Config::Elsewhere, Config::Subnet, Config::Image, Config::Node];
            let config = self.of(&all, Config::Subnet);
            return OnProcess::Reconfigure { config, for_ms: self.lasting(10 * MINUTE) };
        }
        let by_ms = self.of(&[-3_600, -280, -60, 60, 280, 3_600], 60) * 1_000;
        OnProcess::Clock { by_ms, for_ms: self.lasting(10 * MINUTE) }
    }

    fn server(&mut self, kind: Kind, at_ms: u64) -> OnServer {
        if kind == Kind::KubeFrozen {
            return OnServer::KubeFrozen { for_ms: self.lasting(10 * MINUTE) };
        }
        if kind == Kind::WatchLag {
            return OnServer::WatchLag {
                lag_ms: self.lasting(3 * MINUTE),
                for_ms: self.lasting(10 * MINUTE),
            };
        }
        if kind == Kind::WatchCut {
            return OnServer::WatchCut {};
        }
        if kind == Kind::Compact {
            return OnServer::Compact {};
        }
        if kind == Kind::SetBack {
            return OnServer::SetBack { by_ms: self.lasting(5 * MINUTE).min(at_ms) };
        }
        OnServer::Kube { fault: self.kube(kind), for_ms: self.lasting(8 * MINUTE) }
    }

    fn kube(&mut self, kind: Kind) -> KubeFault {
        let (verb, resource) = self.of(&PLACES, ("", ""));
        let answer = if kind == Kind::KubeForeign {
            if self.rng.bool() { Answer::OtherObject } else { Answer::ForeignNotFound }
        } else if kind == Kind::KubeSlow {
            Answer::Slow(self.lasting(30 * SECOND))
        } else if kind == Kind::KubeRefused {
            Answer::Refused(self.of(&["500", "503", "429", "403", "409"], "500").into())
        } else {
            match self.rng.u8(..4) {
                0 | 1 => Answer::LostBefore,
                2 => Answer::Untrue("500".into()),
                _ => Answer::LostAfter,
            }
        };
        KubeFault { verb: verb.into(), resource: resource.into(), percent: self.percent(), answer }
    }

    fn percent(&mut self) -> u8 {
        self.of(&[20, 60, 100], 100)
    }

    fn region(&mut self, kind: Kind) -> OnRegion {
        if kind == Kind::CloudDown {
            let for_ms = self.lasting(8 * MINUTE);
            return match self.rng.u8(..3) {
                0 => OnRegion::CloudFrozen { for_ms },
                1 => OnRegion::ZoneDown { for_ms },
                _ => OnRegion::Expired { for_ms },
            };
        }
        if kind == Kind::Ice {
            return OnRegion::Ice { for_ms: self.lasting(10 * MINUTE) };
        }
        if kind == Kind::Invisible {
            // EC2 asks callers to go on trying for up to five minutes after a launch.
            let (by_id_ms, by_tag_ms) = (self.lasting(30 * SECOND), self.lasting(4 * MINUTE));
            return OnRegion::Invisible { by_id_ms, by_tag_ms, for_ms: self.lasting(15 * MINUTE) };
        }
        if kind == Kind::Stale {
            return OnRegion::Stale { lag_ms: self.lasting(MINUTE), for_ms: self.lasting(15 * MINUTE) };
        }
        OnRegion::Cloud { fault: self.cloud(kind), for_ms: self.lasting(10 * MINUTE) }
    }

    fn cloud(&mut self, kind: Kind) -> CloudFault {
        let action = self.of(&ACTIONS, "*");
        let percent = self.percent();
        if kind == Kind::CloudRefused {
            let code = self.of(&CODES, "InternalError");
            // Only a launch is ever refused for want of capacity.
            let action = if code == NO_CAPACITY { "RunInstances" } else { action };
            return CloudFault { action: action.into(), percent, answer: Answer::Refused(code.into()) };
        }
        let answer = if kind == Kind::CloudLate {
            if self.rng.bool() {
                Answer::Slow(self.lasting(3 * MINUTE))
            } else {
                Answer::Late(self.lasting(5 * MINUTE))
            }
        } else {
            match self.rng.u8(..8) {
                0..4 => Answer::LostBefore,
                4 => Answer::Untrue("InternalError".into()),
                _ => Answer::LostAfter,
            }
        };
        CloudFault { action: action.into(), percent, answer }
    }

    fn outside(&mut self) -> Outside {
        let pick = Pick(self.rng.u32(..1_000));
        match self.rng.u8(..6) {
            0 => Outside::End { pick },
            1 => Outside::Stop { pick },
            2 => Outside::ShutDown { pick },
            3 => Outside::TakeBack { pick },
            4 => Outside::Impair { pick, for_ms: self.lasting(5 * MINUTE) },
            _ => Outside::StripTags { pick },
        }
    }
}
