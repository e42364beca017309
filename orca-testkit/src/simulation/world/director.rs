//! Carries out the steps of a plan, each at its time, and ends what lasts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Stage;
use super::orders;
use super::people::People;
use super::processes::Processes;
use crate::fake_ec2::{Chaos, Ec2Instance, Ender, FakeEc2, FaultId, Pool, Span, Supply, Tags};
use crate::fake_kube::fault;
use crate::fake_kube::store::Snapshot;
use crate::simulation::history::ledger::identity;
use crate::simulation::history::{Change, Fact, Named};
use crate::simulation::plan::{Config, Deed, OnProcess, OnRegion, OnServer, Outside, Pick, What, span};

/// What is to be done at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Take a snapshot for this step, which sets the API server back to it.
    Remember(usize),
    Begin(usize),
    End(usize),
}

/// What lasts, by its step.
enum Lasting {
    Kube(fault::FaultId),
    Cloud(FaultId),
    Impaired(String),
}

/// Whose plan it is, and what is under way.
struct Director<'s> {
    stage: &'s Arc<Stage>,
    processes: &'s Processes,
    people: People,
    lasting: BTreeMap<usize, Lasting>,
    snapshots: BTreeMap<usize, Snapshot>,
    began: Instant,
}

/// Carries the whole plan out. When it returns the calm has begun.
pub(super) async fn direct(stage: &Arc<Stage>, processes: &Processes) {
    let mut director = Director {
        stage,
        processes,
        people: People::of(stage),
        lasting: BTreeMap::new(),
        snapshots: BTreeMap::new(),
        began: Instant::now(),
    };
    processes.start(0, Config::Usual);
    for (at_ms, act) in acts(stage) {
        sleep_until(director.began + Duration::from_millis(at_ms)).await;
        director.perform(act);
    }
    sleep_until(director.began + stage.plan.calm()).await;
    director.calm();
}

/// Everything before the calm, in order.
fn acts(stage: &Stage) -> Vec<(u64, Act)> {
    let mut acts = Vec::new();
    let calm = stage.plan.calm_ms;
    for (number, step) in stage.plan.steps.iter().enumerate().filter(|(_, step)| step.at_ms < calm) {
        acts.push((step.at_ms, Act::Begin(number)));
        if let What::Server(OnServer::SetBack { by_ms }) = step.what {
            acts.push((step.at_ms.saturating_sub(by_ms), Act::Remember(number)));
        }
        if let Some(for_ms) = step.what.lasts().filter(|for_ms| step.at_ms.saturating_add(*for_ms) < calm) {
            acts.push((step.at_ms + for_ms, Act::End(number)));
        }
    }
    acts.sort_unstable();
    acts
}

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

impl Director<'_> {
    fn perform(&mut self, act: Act) {
        let stage = Arc::clone(self.stage);
        match act {
            Act::Remember(number) => {
                self.snapshots.insert(number, stage.kube.store().snapshot());
            }
            Act::Begin(number) => {
                if let Some(step) = stage.plan.steps.get(number) {
                    stage.recorder.tell(format!("{:?}", step.what));
                    self.begin(number, &step.what);
                }
            }
            Act::End(number) => {
                if let Some(step) = stage.plan.steps.get(number) {
                    stage.recorder.tell(format!("over: {}", step.what.kind()));
                    self.end(number, &step.what);
                }
            }
        }
    }

    fn begin(&mut self, number: usize, what: &What) {
        match what {
            What::Deed(deed) => self.deed(deed),
            What::Outside(outside) => self.outside(number, outside),
            What::Process(process) => self.process(process),
            What::Server(server) => self.server(number, server),
            What::Region(region) => self.region(number, region),
        }
    }

    fn deed(&self, deed: &Deed) {
        let people = &self.people;
        match deed {
            Deed::Create { name, kind, spot } => people.create(name, *kind, *spot),
            Deed::Delete { name } => people.delete(name, None),
            Deed::ForceDelete { name } => people.delete(name, Some(0)),
            Deed::Job { name, pods } => people.job(name, *pods),
            Deed::ReplicaSet { name, pods } => people.replica_set(name, *pods),
            Deed::StatefulSet { name, pods } => people.stateful_set(name, *pods),
            Deed::Scale { name, pods } => people.scale(name, *pods),
            Deed::DeleteOwner { name } => people.delete_owner(name),
            Deed::Keep { name, for_ms } => {
                let calm = self.began + self.stage.plan.calm();
                people.keep(self.stage, name, calm.min(Instant::now() + ms(*for_ms)));
            }
            Deed::DeleteNode {} => people.delete_node(&orca_core::config::Node::default().name),
        }
    }

    fn outside(&mut self, number: usize, what: &Outside) {
        let ec2 = &self.stage.home;
        let pick = match what {
            Outside::End { pick }
            | Outside::Stop { pick }
            | Outside::ShutDown { pick }
            | Outside::TakeBack { pick }
            | Outside::Impair { pick, .. }
            | Outside::StripTags { pick } => *pick,
        };
        let Some(instance) = picked(ec2, pick) else { return };
        let id = instance.id.as_str();
        let note = |change| {
            let (cloud, id) = (identity(ec2), id.to_owned());
            self.stage.recorder.note(Fact::Instance { cloud, id, change });
        };
        let done = match what {
            Outside::End { .. } => ec2.end(id, Ender::Operator),
            Outside::Stop { .. } => ec2.stop(id, Ender::Operator),
            Outside::ShutDown { .. } => ec2.shut_down_from_inside(id),
            Outside::TakeBack { .. } => {
                let notice = self.stage.clock.now();
                ec2.interrupt(id, crate::clock::later(notice, Duration::from_mins(2)))
            }
            Outside::Impair { .. } => {
                note(Change::Impaired(true));
                self.lasting.insert(number, Lasting::Impaired(id.to_owned()));
                ec2.set_impaired(id, true)
            }
            Outside::StripTags { .. } => {
                note(Change::Tagged(Named::default()));
                ec2.set_tags(id, Tags::new())
            }
        };
        if let Err(error) = done {
            tracing::debug!(error = %error, "Nothing was done to an instance");
        }
    }

    fn process(&self, what: &OnProcess) {
        let processes = self.processes;
        match what {
            OnProcess::Kill { process, down_ms } => processes.kill(*process, ms(*down_ms)),
            OnProcess::KillAtPoll { process, polls, down_ms } => {
                processes.kill_at_poll(*process, *polls, ms(*down_ms));
            }
            OnProcess::Freeze { process, .. } => processes.freeze(*process, true),
            OnProcess::Beside { .. } => processes.start(1, Config::Usual),
            OnProcess::Reconfigure { config, .. } => processes.start(0, *config),
            OnProcess::Clock { by_ms, .. } => self.stage.shifted.shift(*by_ms),
        }
    }

    fn server(&mut self, number: usize, what: &OnServer) {
        let kube = &self.stage.kube;
        match what {
            OnServer::Kube { fault, .. } => {
                let order = orders::of_server(fault, self.seed(number));
                self.lasting.insert(number, Lasting::Kube(kube.faults().add(order)));
            }
            OnServer::KubeFrozen { .. } => kube.faults().freeze(),
            OnServer::WatchLag { lag_ms, .. } => kube.faults().lag_watches(ms(*lag_ms)),
            OnServer::WatchCut {} => kube.faults().cut_watches(),
            OnServer::Compact {} => {
                kube.store().compact();
                kube.faults().cut_watches();
            }
            OnServer::SetBack { .. } => {
                if let Some(snapshot) = self.snapshots.remove(&number) {
                    kube.faults().cut_watches();
                    kube.store().restore(&snapshot);
                }
            }
        }
    }

    fn region(&mut self, number: usize, what: &OnRegion) {
        let ec2 = &self.stage.home;
        match what {
            OnRegion::Cloud { fault, .. } => {
                let order = orders::of_region(fault, self.seed(number));
                self.lasting.insert(number, Lasting::Cloud(ec2.fault(order)));
            }
            OnRegion::CloudFrozen { .. } => ec2.set_frozen(true),
            OnRegion::ZoneDown { .. } => ec2.set_zone_down(&zone(ec2), true),
            OnRegion::Ice { .. } => ec2.set_supply(Pool::default(), Supply::AtMost(0)),
            OnRegion::Expired { .. } => ec2.expire_credentials(Some(self.stage.clock.now())),
            OnRegion::Invisible { by_id_ms, by_tag_ms, .. } => {
                ec2.set_visibility(span((0, *by_id_ms)), span((0, *by_tag_ms)));
            }
            OnRegion::Stale { lag_ms, .. } => ec2.set_visible_state(span((0, *lag_ms))),
        }
    }

    /// A seed of its own for a step.
    fn seed(&self, number: usize) -> u64 {
        self.stage.plan.seed ^ u64::try_from(number).unwrap_or_default().wrapping_mul(0x0001_0001)
    }

    fn end(&mut self, number: usize, what: &What) {
        let kube = &self.stage.kube;
        self.undo(number);
        match what {
            What::Deed(_) | What::Outside(_) => {}
            What::Process(process) => match process {
                OnProcess::Freeze { process, .. } => self.processes.freeze(*process, false),
                OnProcess::Beside { .. } => self.processes.leave_one(),
                OnProcess::Reconfigure { .. } => self.processes.start(0, Config::Usual),
                OnProcess::Clock { .. } => self.stage.shifted.shift(0),
                OnProcess::Kill { .. } | OnProcess::KillAtPoll { .. } => {}
            },
            What::Server(server) => match server {
                OnServer::KubeFrozen { .. } => kube.faults().thaw(),
                OnServer::WatchLag { .. } => kube.faults().lag_watches(Duration::ZERO),
                OnServer::Kube { .. }
                | OnServer::WatchCut {}
                | OnServer::Compact {}
                | OnServer::SetBack { .. } => {}
            },
            What::Region(region) => self.mend_region(region),
        }
    }

    fn mend_region(&self, region: &OnRegion) {
        let ec2 = &self.stage.home;
        match region {
            OnRegion::Cloud { .. } => {}
            OnRegion::CloudFrozen { .. } => ec2.set_frozen(false),
            OnRegion::ZoneDown { .. } => ec2.set_zone_down(&zone(ec2), false),
            OnRegion::Ice { .. } => ec2.set_supply(Pool::default(), Supply::Unlimited),
            OnRegion::Expired { .. } => ec2.expire_credentials(None),
            OnRegion::Invisible { .. } => ec2.set_visibility(Span::ZERO, Span::ZERO),
            OnRegion::Stale { .. } => ec2.set_visible_state(Span::ZERO),
        }
    }

    /// Undoes what a step has ordered.
    fn undo(&mut self, number: usize) {
        match self.lasting.remove(&number) {
            Some(Lasting::Kube(order)) => self.stage.kube.faults().remove(order),
            Some(Lasting::Cloud(order)) => self.stage.home.clear_fault(order),
            Some(Lasting::Impaired(id)) => self.mend(&id),
            None => {}
        }
    }

    fn mend(&self, id: &str) {
        let ec2 = &self.stage.home;
        let (cloud, id) = (identity(ec2), id.to_owned());
        if ec2.set_impaired(&id, false).is_ok() {
            self.stage.recorder.note(Fact::Instance { cloud, id, change: Change::Impaired(false) });
        }
    }

    /// Ends all faults.
    fn calm(&mut self) {
        let numbers: Vec<usize> = self.lasting.keys().copied().collect();
        for number in numbers {
            self.undo(number);
        }
        let (kube, ec2) = (&self.stage.kube, &self.stage.home);
        kube.faults().clear();
        ec2.clear_faults();
        ec2.set_chaos(Chaos::default());
        ec2.set_frozen(false);
        ec2.set_zone_down(&zone(ec2), false);
        ec2.set_supply(Pool::default(), Supply::Unlimited);
        ec2.expire_credentials(None);
        ec2.set_visibility(Span::ZERO, Span::ZERO);
        ec2.set_visible_state(Span::ZERO);
        self.stage.shifted.shift(0);
        self.stage.recorder.tell("the calm begins");
        self.processes.calm();
    }
}

fn picked(ec2: &FakeEc2, Pick(number): Pick) -> Option<Arc<Ec2Instance>> {
    let alive = ec2.alive();
    let count = u32::try_from(alive.len()).ok().filter(|count| *count > 0)?;
    alive.get(usize::try_from(number % count).ok()?).cloned()
}

/// The zone of the first subnet.
fn zone(ec2: &FakeEc2) -> String {
    ec2.settings().subnets.first().map(|subnet| subnet.zone.clone()).unwrap_or_default()
}
