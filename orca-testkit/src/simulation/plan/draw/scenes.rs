//! Scenes: faults that hurt only together, and within seconds of each other, as parts of a plan.
//!
//! Each scene is one way in which a rule of the protocol is needed: without that rule, something would break in it. Its
//! times and lengths are drawn, so that most of them also meet what nobody thought of.

use std::ops::RangeInclusive;

use super::{
    Answer, CloudFault, Config, Deed, Draw, KubeFault, MINUTE, NO_CAPACITY, OnProcess, OnRegion, OnServer,
    Outside, Pick, SECOND, Step, What,
};

/// All scenes, and how often each is drawn where the others are drawn once.
const SCENES: [(Scene, u8); 15] = [
    (Draw::lost_then_refused, 3),
    (Draw::lost_then_stopped, 4),
    (Draw::late_to_be_seen, 2),
    (Draw::sent_late, 3),
    (Draw::launch_forgotten, 3),
    (Draw::many_forgotten, 2),
    (Draw::end_unwritten, 3),
    (Draw::foreign_word, 2),
    (Draw::elsewhere, 3),
    (Draw::deleted_unseen, 2),
    (Draw::killed_in_launch, 2),
    (Draw::killed_at_end, 1),
    (Draw::taken_over, 2),
    (Draw::end_lost, 1),
    (Draw::lists_fail, 2),
];

type Scene = fn(&mut Draw, u64);

/// Answers of a launch that are certain: nothing was launched, and nothing will be.
const CERTAIN: [&str; 3] = ["RequestLimitExceeded", NO_CAPACITY, "UnauthorizedOperation"];
/// EC2 asks callers to go on trying for up to five minutes after a launch.
const UNSEEN: u64 = 5 * MINUTE;
/// A process that dies holds its lease so long, and those who wait look every few seconds.
const LEASE: u64 = 18 * SECOND;

impl Draw {
    /// One scene, or two, or none.
    pub(super) fn scenes(&mut self) {
        let scenes = match self.rng.u8(..8) {
            0 | 1 => 0,
            2..=6 => 1,
            _ => 2,
        };
        let pool: Vec<Scene> = SCENES
            .iter()
            .flat_map(|(scene, weight)| std::iter::repeat_n(*scene, usize::from(*weight)))
            .collect();
        for _ in 0..scenes {
            // The node is there by then.
            let at_ms = self.between(20 * SECOND..=self.calm_ms / 2);
            if let Some(scene) = self.rng.choice(pool.iter().copied()) {
                scene(self, at_ms);
            }
        }
    }

    fn between(&mut self, range: RangeInclusive<u64>) -> u64 {
        self.rng.u64(range)
    }

    fn step(&mut self, at_ms: u64, what: impl Into<What>) {
        self.steps.push(Step { at_ms, what: what.into() });
    }

    /// The faults of a scene go on until then.
    fn until(&mut self, at_ms: u64) {
        self.calm_ms = self.calm_ms.max(at_ms);
    }

    /// A pod of a name that no other has.
    fn actor(&mut self, at_ms: u64) -> String {
        self.actors += 1;
        let name = format!("actor-{}", self.actors);
        let (kind, spot) = (self.rng.u8(..7), self.rng.bool());
        self.step(at_ms, Deed::Create { name: name.clone(), kind, spot });
        name
    }

    fn launches(&mut self, at_ms: u64, for_ms: u64, answer: Answer) {
        self.calls(at_ms, for_ms, ("RunInstances", answer));
    }

    fn calls(&mut self, at_ms: u64, for_ms: u64, (action, answer): (&str, Answer)) {
        let fault = CloudFault { action: action.into(), percent: 100, answer };
        self.step(at_ms, OnRegion::Cloud { fault, for_ms });
    }

    fn requests(&mut self, at_ms: u64, for_ms: u64, (verb, resource, answer): (&str, &str, Answer)) {
        let fault = KubeFault { verb: verb.into(), resource: resource.into(), percent: 100, answer };
        self.step(at_ms, OnServer::Kube { fault, for_ms });
    }

    fn refusal(&mut self) -> Answer {
        Answer::Refused(self.of(&CERTAIN, NO_CAPACITY).into())
    }

    fn unseen(&mut self, at_ms: u64, by_id_ms: u64) {
        self.step(at_ms, OnRegion::Invisible { by_id_ms, by_tag_ms: UNSEEN, for_ms: MINUTE });
    }

    /// A launch is carried out without an answer, the same is refused then, and no list shows it yet.
    fn lost_then_refused(&mut self, at_ms: u64) {
        let (lost, refused) =
            (self.between(2 * SECOND..=12 * SECOND), self.between(3 * SECOND..=40 * SECOND));
        self.unseen(at_ms - SECOND, SECOND);
        self.launches(at_ms - SECOND, lost, Answer::LostAfter);
        let answer = self.refusal();
        self.launches(at_ms - SECOND + lost, refused, answer);
        self.actor(at_ms);
    }

    /// A launch is carried out without an answer, and the next send is stopped before it leaves: by a clock that is wrong,
    /// or by a process that stood still meanwhile.
    fn lost_then_stopped(&mut self, at_ms: u64) {
        self.unseen(at_ms - SECOND, SECOND);
        self.actor(at_ms);
        if self.rng.bool() {
            let lost = self.between(2 * SECOND..=6 * SECOND);
            self.launches(at_ms - SECOND, lost, Answer::LostAfter);
            let by_ms = self.of(&[-3_600_000, -320_000, 320_000, 3_600_000], 320_000);
            let for_ms = self.between(5 * SECOND..=40 * SECOND);
            self.step(at_ms - SECOND + lost, OnProcess::Clock { by_ms, for_ms });
            return;
        }
        let slow = self.between(3 * SECOND..=6 * SECOND);
        self.launches(at_ms - SECOND, 5 * slow, Answer::LostAfter);
        self.requests(at_ms - SECOND, 5 * slow, ("patch", "pods/status", Answer::Slow(slow)));
        let (from, for_ms) = (self.between(2 * slow..=4 * slow), self.between(61 * SECOND..=90 * SECOND));
        self.step(at_ms + from, OnProcess::Freeze { process: 0, for_ms });
    }

    /// What was launched, and answered, is unknown to every read for a while.
    fn late_to_be_seen(&mut self, at_ms: u64) {
        let by_id_ms = self.between(5 * SECOND..=MINUTE);
        self.unseen(at_ms - SECOND, by_id_ms);
        for _ in 0..self.rng.u8(1..=4) {
            let later = self.between(0..=20 * SECOND);
            self.actor(at_ms + later);
        }
    }

    /// A process stands still between its announcement and its send, while another one takes over, is refused until that
    /// send must be void, and launches: then the first goes on.
    fn sent_late(&mut self, at_ms: u64) {
        let slow = self.between(4 * SECOND..=8 * SECOND);
        self.requests(at_ms - SECOND, 30 * SECOND, ("patch", "pods/status", Answer::Slow(slow)));
        self.actor(at_ms);
        let from = SECOND + self.between(0..=slow / 2);
        let refused = 20 * MINUTE + self.between(5 * SECOND..=40 * SECOND);
        let still = refused + self.between(5 * SECOND..=3 * MINUTE);
        self.step(at_ms + from, OnProcess::Freeze { process: 0, for_ms: still });
        self.step(at_ms + from + SECOND, OnProcess::Beside { for_ms: still + 2 * MINUTE });
        let answer = self.refusal();
        self.launches(at_ms + from + SECOND, refused, answer);
        self.until(at_ms + from + still + 3 * MINUTE);
    }

    /// The first attempt is refused, a later one launches, and the API server forgets both, while the controller starts and
    /// cannot list what there is.
    fn launch_forgotten(&mut self, at_ms: u64) {
        let down_ms = self.between(5 * SECOND..=15 * SECOND);
        self.step(at_ms - SECOND, OnProcess::Kill { process: 0, down_ms });
        self.actor(at_ms);
        // Refused in a way that passes at once, and for as long as the dead process holds its lease.
        let refused = down_ms + LEASE + self.between(3 * SECOND..=8 * SECOND);
        self.launches(at_ms - SECOND, refused, Answer::Refused("RequestLimitExceeded".into()));
        let life = self.between(2 * MINUTE..=5 * MINUTE);
        let by_ms = life - self.between(SECOND..=3 * SECOND);
        self.step(at_ms + life - SECOND, OnProcess::Kill { process: 0, down_ms: 2 * SECOND });
        self.step(at_ms + life, OnServer::SetBack { by_ms });
        let blind = LEASE + self.between(15 * SECOND..=75 * SECOND);
        let answer = match self.rng.u8(..3) {
            0 => Answer::LostBefore,
            1 => Answer::Slow(self.between(3 * SECOND..=20 * SECOND)),
            _ => Answer::Refused("InternalError".into()),
        };
        self.calls(at_ms + life - SECOND, blind, ("DescribeInstances", answer));
        self.until(at_ms + life + blind);
    }

    /// The API server forgets many pods at once, and a controller that never knew them starts.
    fn many_forgotten(&mut self, at_ms: u64) {
        for _ in 0..self.rng.u8(5..=14) {
            let later = self.between(0..=20 * SECOND);
            self.actor(at_ms + later);
        }
        let life = self.between(50 * SECOND..=4 * MINUTE);
        let by_ms = life + SECOND;
        let down_ms = self.between(2 * SECOND..=20 * SECOND);
        if self.rng.u8(..4) > 0 {
            self.step(at_ms + life - SECOND, OnProcess::Kill { process: 0, down_ms });
        }
        self.step(at_ms + life, OnServer::SetBack { by_ms });
        self.until(at_ms + life + MINUTE);
    }

    /// An instance is stopped from outside, and its pod's status cannot be written.
    fn end_unwritten(&mut self, at_ms: u64) {
        let pods = self.rng.u8(1..=2);
        for _ in 0..pods {
            self.actor(at_ms);
        }
        let life = self.between(MINUTE..=5 * MINUTE);
        let answer = match self.rng.u8(..4) {
            0 => Answer::LostBefore,
            1 => Answer::Slow(self.between(SECOND..=9 * SECOND)),
            2 => Answer::Refused("409".into()),
            _ => Answer::Refused("503".into()),
        };
        let for_ms = self.between(30 * SECOND..=2 * MINUTE);
        self.requests(at_ms + life - SECOND, for_ms, ("patch", "pods/status", answer));
        let pick = Pick(self.rng.u32(..1_000));
        self.step(at_ms + life, Outside::Stop { pick });
        self.until(at_ms + life + for_ms);
    }

    /// Something in front of the API server says 404 for pods, while pods change.
    fn foreign_word(&mut self, at_ms: u64) {
        self.actor(at_ms);
        let (from, for_ms) = (self.between(2 * SECOND..=40 * SECOND), self.between(20 * SECOND..=3 * MINUTE));
        for (verb, resource) in [("patch", "pods/status"), ("get", "pods")] {
            self.requests(at_ms + from, for_ms, (verb, resource, Answer::ForeignNotFound));
        }
    }

    /// The controller is started for another account and region while pods run here.
    fn elsewhere(&mut self, at_ms: u64) {
        for _ in 0..self.rng.u8(1..=2) {
            self.actor(at_ms);
        }
        let life = self.between(30 * SECOND..=4 * MINUTE);
        let for_ms = self.between(7 * MINUTE..=12 * MINUTE);
        self.step(at_ms + life, OnProcess::Reconfigure { config: Config::Elsewhere, for_ms });
        self.until(at_ms + life + for_ms);
    }

    /// A pod is deleted, and no watch ever says so.
    fn deleted_unseen(&mut self, at_ms: u64) {
        let name = self.actor(at_ms);
        let life = self.between(100 * SECOND..=6 * MINUTE);
        let gap = self.between(20 * SECOND..=MINUTE);
        if self.rng.bool() {
            self.step(at_ms + life, OnProcess::Freeze { process: 0, for_ms: gap });
        } else {
            self.step(at_ms + life, OnServer::WatchLag { lag_ms: gap, for_ms: gap });
        }
        let after = self.between(SECOND..=8 * SECOND);
        self.step(at_ms + life + after, Deed::ForceDelete { name });
        self.step(at_ms + life + after + SECOND, OnServer::Compact {});
        self.until(at_ms + life + gap);
    }

    /// A process is killed in the middle of a launch, and starts again before anybody can see what it left.
    fn killed_in_launch(&mut self, at_ms: u64) {
        self.unseen(at_ms - SECOND, 10 * SECOND);
        self.actor(at_ms);
        if self.rng.bool() {
            let lost = self.between(SECOND..=10 * SECOND);
            self.launches(at_ms - SECOND, lost, Answer::LostAfter);
        }
        let (from, down_ms) = (self.between(0..=6 * SECOND), self.between(SECOND..=20 * SECOND));
        let kill = if self.rng.bool() {
            OnProcess::Kill { process: 0, down_ms }
        } else {
            OnProcess::KillAtPoll { process: 0, polls: self.between(1..=400), down_ms }
        };
        self.step(at_ms + from, kill);
        if self.rng.u8(..3) == 0 {
            let config = self.of(&[Config::Subnet, Config::Image], Config::Subnet);
            let for_ms = self.between(MINUTE..=6 * MINUTE);
            self.step(at_ms + from + down_ms, OnProcess::Reconfigure { config, for_ms });
        }
    }

    /// A process is killed while a pod is on its way out.
    fn killed_at_end(&mut self, at_ms: u64) {
        let name = self.actor(at_ms);
        let life = self.between(SECOND..=4 * MINUTE);
        let is_forced = self.rng.bool();
        self.end(&name, at_ms + life, is_forced);
        let (from, down_ms) = (self.between(0..=10 * SECOND), self.between(SECOND..=90 * SECOND));
        self.step(at_ms + life + from, OnProcess::Kill { process: 0, down_ms });
        self.until(at_ms + life + from + down_ms);
    }

    /// One of two processes stands still for longer than its lease lasts, and goes on while pods come and go.
    fn taken_over(&mut self, at_ms: u64) {
        let still = self.between(20 * SECOND..=3 * MINUTE);
        let beside = still + self.between(30 * SECOND..=5 * MINUTE);
        self.step(at_ms - 10 * SECOND, OnProcess::Beside { for_ms: beside });
        self.step(at_ms, OnProcess::Freeze { process: 0, for_ms: still });
        for _ in 0..self.rng.u8(2..=4) {
            // Some right before it stands still, some right before it goes on.
            let near = if self.rng.bool() { at_ms } else { at_ms + still };
            let from = near - self.between(0..=4 * SECOND);
            let name = self.actor(from);
            if self.rng.bool() {
                let (life, is_forced) = (self.between(0..=20 * SECOND), self.rng.bool());
                self.end(&name, from + life, is_forced);
            }
        }
        self.until(at_ms + beside);
    }

    /// A pod is deleted while EC2 does not end what it is asked to, or does not say that it did.
    fn end_lost(&mut self, at_ms: u64) {
        let name = self.actor(at_ms);
        let life = self.between(2 * SECOND..=4 * MINUTE);
        let is_forced = self.rng.bool();
        self.end(&name, at_ms + life, is_forced);
        let answer = match self.rng.u8(..4) {
            0 => Answer::LostBefore,
            1 => Answer::LostAfter,
            2 => Answer::Slow(self.between(SECOND..=MINUTE)),
            _ => Answer::Refused("InternalError".into()),
        };
        let for_ms = self.between(10 * SECOND..=2 * MINUTE);
        self.calls(at_ms + life - SECOND, for_ms, ("TerminateInstances", answer));
        self.until(at_ms + life + for_ms);
    }

    /// No list of instances comes for longer than an absence has to last, while pods come and go.
    fn lists_fail(&mut self, at_ms: u64) {
        let answer = match self.rng.u8(..3) {
            0 => Answer::LostBefore,
            1 => Answer::Refused("InternalError".into()),
            _ => Answer::Refused("RequestLimitExceeded".into()),
        };
        let for_ms = self.between(5 * MINUTE..=9 * MINUTE);
        let from = self.between(30 * SECOND..=3 * MINUTE);
        self.calls(at_ms + from, for_ms, ("DescribeInstances", answer));
        for _ in 0..self.rng.u8(1..=3) {
            let name = self.actor(at_ms);
            if self.rng.u8(..3) == 0 {
                let life = from + self.between(0..=for_ms);
                self.end(&name, at_ms + life, false);
            }
        }
        self.until(at_ms + from + for_ms);
    }
}
