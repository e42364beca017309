//! Asks the production code: each distinct look at a pod, and each distinct verdict on an instance, once.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod as Object;
use orca_core::admission::{Rejection, Request};
use orca_core::instance::{CapacityType, Instance, InstanceState};
use orca_core::launch::{AttemptState, LaunchRecord, Offer, RecordError, Refusal};
use orca_core::lifecycle::{
    Action, Decision, Facts, Observation, Preparation, Task, TaskKey, TaskState, decide,
};
use orca_core::orphans::{Finding, History, Round, Rules, Standing};
use orca_core::pod::{self, Intent};
use orca_core::provider::{KnownInstances, Missing, Permit, Prepare, Prepared};
use orca_core::status::Shown;
use orca_core::{CloudError, Kind, Owner, PodRef};
use serde_json::json;

use crate::records::{Known, RecordId, Records, cluster, uid};
use crate::state::{Answer, INSTANCES, Lists, Phase, Pod, Send, Sight, Stage};
use crate::time::{LISTS, STEP, Time};
use crate::weakness::Weakness;

/// Everything that a look at a pod depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    pub(crate) uid: u8,
    pub(crate) pod: Pod,
    pub(crate) sights: [Sight; INSTANCES],
    pub(crate) lists: Lists,
    pub(crate) send: Option<Send>,
    pub(crate) tick: u8,
    /// The zone that this process would launch in.
    pub(crate) zone: u8,
}

/// What a look decides, as far as the model follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) record: Option<RecordId>,
    /// Whether the status becomes terminal.
    pub(crate) fails: bool,
    /// Whether the answer is used up.
    pub(crate) takes: bool,
    pub(crate) act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Rest,
    List,
    Send,
    End,
    Release,
    Forget,
}

/// The production code with a memory.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) records: Records,
    plans: RwLock<HashMap<Look, Plan>>,
    time: Time,
    weakness: Weakness,
    owner: Owner,
    request: Result<Request, Rejection>,
}

impl Judgement {
    pub(crate) fn new(time: Time, weakness: Weakness) -> Self {
        let request = Request {
            instance_type: "t3.micro".into(),
            capacity_type: CapacityType::OnDemand,
            max_price: None,
            image: None,
            notes: Vec::new(),
        };
        Self {
            records: Records::new(time),
            plans: RwLock::default(),
            time,
            weakness,
            owner: Owner { cluster: cluster(), node: "node".into() },
            request: Ok(request),
        }
    }

    /// How many different looks were decided.
    pub(crate) fn looks(&self) -> usize {
        self.plans.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn plan(&self, look: &Look) -> Plan {
        let known = self.plans.read().unwrap_or_else(PoisonError::into_inner).get(look).copied();
        known.unwrap_or_else(|| {
            let plan = self.consider(look);
            self.plans.write().unwrap_or_else(PoisonError::into_inner).insert(*look, plan);
            plan
        })
    }

    fn consider(&self, look: &Look) -> Plan {
        let known = self.records.get(look.pod.record);
        let now = self.now(look, known.as_deref());
        let decision = self.decide(look, known.as_deref(), now);
        let record = decision.record().map(|record| self.weakened(look, record.clone(), now));
        let fails = match decision.shown() {
            Some(Shown::Ended { .. } | Shown::Deleted { .. }) => true,
            Some(Shown::Waiting { .. } | Shown::Running { .. } | Shown::Unconfirmed { .. }) | None => false,
        };
        Plan {
            record: record.map(|record| self.records.number(look.uid, &record)),
            fails,
            takes: decision.consume.iter().any(|key| matches!(key, TaskKey::Send(_))),
            act: match decision.action {
                Action::None | Action::Prepare(_) => Act::Rest,
                Action::Refresh => Act::List,
                Action::Send => Act::Send,
                Action::Terminate => Act::End,
                Action::Release => Act::Release,
                Action::Forget => Act::Forget,
            },
        }
    }

    /// The second of the tick in which this look happens: after the lists that it knows of, and a moment after the latest
    /// thing in the record, so that the delays between sends are over.
    fn now(&self, look: &Look, known: Option<&Known>) -> Timestamp {
        let record = known.map(|known| &known.record);
        let written = record.into_iter().flat_map(|record| {
            let refused = record.refusal.as_ref().map(|refusal| refusal.at);
            let held = record.held.as_ref().map(|held| held.at);
            [Some(record.send_at), refused, held].into_iter().flatten()
        });
        let places = written.map(|at| self.time.place(at));
        let latest = places.filter(|(tick, _)| *tick == look.tick).map(|(_, second)| second).max();
        self.time.at(look.tick, latest.unwrap_or(LISTS[2]) + STEP)
    }

    /// What production decides. An offer and a permit are there as soon as they are asked for.
    fn decide(&self, look: &Look, known: Option<&Known>, now: Timestamp) -> Decision {
        let record = known.map(|known| Ok(self.believed(look, &known.record, now)));
        let first = self.decide_with(look, record.as_ref(), self.facts(look), now);
        match &first.action {
            Action::Prepare(preparation) => {
                let facts = Facts { prepare: Some(prepared(look, preparation, now)), ..self.facts(look) };
                self.decide_with(look, record.as_ref(), facts, now)
            }
            Action::None
            | Action::Refresh
            | Action::Send
            | Action::Terminate
            | Action::Release
            | Action::Forget => first,
        }
    }

    fn decide_with(
        &self,
        look: &Look,
        record: Option<&Result<LaunchRecord, RecordError>>,
        facts: Facts,
        now: Timestamp,
    ) -> Decision {
        let object = self.object(look.pod);
        let intent = match look.pod.phase {
            Phase::Gone | Phase::Absent => Intent::Gone,
            Phase::Wanted | Phase::Failed | Phase::Deleting | Phase::DeletingFailed => pod::intent(&object),
        };
        let observation = Observation {
            reference: &reference(look.uid),
            owner: &self.owner,
            user_tags: &BTreeMap::new(),
            intent,
            pod: (intent != Intent::Gone).then_some(&object),
            record,
            request: &self.request,
            ignore_daemons: true,
            held_until: None,
            ready_unknown_after: None,
            capacity_memory: Duration::from_mins(3),
            abandoned: &[],
            check_fit: true,
            instances: &self.instances(look, now),
            facts: &facts,
        };
        decide(&observation, now)
    }

    fn object(&self, pod: Pod) -> Object {
        let failed = matches!(pod.phase, Phase::Failed | Phase::DeletingFailed);
        let mut object = json!({
            "metadata": { "namespace": "ns", "name": "pod" },
            "spec": { "restartPolicy": "Never", "containers": [{ "name": "main" }] },
            "status": { "phase": if failed { "Failed" } else { "Pending" } },
        });
        if matches!(pod.phase, Phase::Deleting | Phase::DeletingFailed) {
            // Late in its tick, so that its time to resolve a launch ends with the tick.
            object["metadata"]["deletionTimestamp"] = json!(self.time.at(pod.deleted_at, LISTS[2] + STEP));
            object["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        }
        serde_json::from_value(object).expect("a pod")
    }

    fn instances(&self, look: &Look, now: Timestamp) -> KnownInstances {
        let seen = |alive: bool| {
            let wanted = if alive { Sight::Alive } else { Sight::Ended };
            let places = (0..INSTANCES).rev().filter(move |place| look.sights[*place] == wanted);
            places.map(move |place| instance(look.uid, place, alive))
        };
        let lists = |lists: &[i64]| lists.iter().map(|second| self.time.at(look.tick, *second)).collect();
        KnownInstances {
            fresh: look.lists != Lists::Stale || self.weakness == Weakness::NoLists,
            seen: seen(true).chain(seen(false)).collect(),
            missing: self.missing(look, now),
            complete_sweeps: match look.lists {
                Lists::Stale => lists(&[]),
                Lists::Fresh | Lists::Long if self.is_long(look) => lists(&LISTS),
                Lists::Fresh | Lists::Long => lists(&LISTS[..1]),
            },
            identity: Some("cloud".into()),
            token_memory: self.time.token_memory()
                * if self.weakness == Weakness::OldTokens { 100 } else { 1 },
            ..KnownInstances::default()
        }
    }

    /// Whether lists over five minutes were made, or one that is taken for them.
    fn is_long(&self, look: &Look) -> bool {
        look.lists == Lists::Long || (self.weakness == Weakness::OneList && look.lists == Lists::Fresh)
    }

    fn missing(&self, look: &Look, now: Timestamp) -> Option<Missing> {
        let claimed = self.records.get(look.pod.record).and_then(|known| known.instance).map(usize::from);
        let is_missing = |place: &usize| match look.sights[*place] {
            Sight::Missing | Sight::Gone => true,
            Sight::Unknown => claimed == Some(*place),
            Sight::Alive | Sight::Ended => false,
        };
        let place = (0..INSTANCES).find(is_missing)?;
        let is_gone =
            look.sights[place] == Sight::Gone || (self.weakness == Weakness::OneList && self.is_long(look));
        let absences = if is_gone { 3 } else { 1 };
        let since = if is_gone { LISTS[0] } else { LISTS[2] };
        let since = self.time.at(look.tick, since);
        let latest = self.time.at(look.tick, LISTS[2]).max(now);
        Some(Missing { id: name(place).as_str().into(), absences, since, latest, is_held: false })
    }

    /// The record as it is read.
    fn believed(&self, look: &Look, record: &LaunchRecord, now: Timestamp) -> LaunchRecord {
        let sees_none =
            look.lists != Lists::Stale && look.sights.iter().all(|sight| *sight == Sight::Unknown);
        let is_over = match record.state() {
            AttemptState::Unresolved { refused: Some(_), until } => until <= now,
            AttemptState::Unresolved { refused: None, .. }
            | AttemptState::Launched(_)
            | AttemptState::Mismatch
            | AttemptState::Closed(_)
            | AttemptState::Unsent => false,
        };
        let is_settled = self.weakness == Weakness::SettledByList && is_over && sees_none;
        if is_settled { without_marks(record.clone()) } else { record.clone() }
    }

    /// The record as it is written.
    fn weakened(&self, look: &Look, record: LaunchRecord, now: Timestamp) -> LaunchRecord {
        let Some(Stage::Answered(answer)) = look.send.map(|send| send.stage) else { return record };
        match (self.weakness, answer) {
            (Weakness::RefusalCloses, Answer::Refused) => without_marks(record),
            (Weakness::UnsentCloses, Answer::NotSent) => {
                let mut record = without_marks(record);
                record.held = None;
                record.refusal = Some(Refusal { error: stopped(), at: now });
                record
            }
            _ => record,
        }
    }

    fn facts(&self, look: &Look) -> Facts {
        let known = look.send.and_then(|send| self.records.get(send.record));
        let send = look.send.zip(known).map(|(send, known)| {
            let key = known.record.send_at;
            let state = match send.stage {
                Stage::Announced | Stage::OnItsWay => TaskState::UnderWay,
                Stage::Answered(answer) => {
                    TaskState::Done { at: key, result: Ok(self.outcome(look.uid, answer)) }
                }
            };
            Task { key, since: key, state }
        });
        Facts { prepare: None, send }
    }

    fn outcome(&self, uid: u8, answer: Answer) -> orca_core::cloud::LaunchOutcome {
        use orca_core::cloud::LaunchOutcome as Outcome;
        match answer {
            Answer::Launched(place) => Outcome::Launched(Box::new(instance(uid, usize::from(place), true))),
            Answer::Ended => Outcome::Ended,
            Answer::Refused => Outcome::Refused(no_capacity()),
            Answer::NotSent if self.weakness == Weakness::UnsentIsRefusal => Outcome::Refused(no_capacity()),
            Answer::NotSent => Outcome::NotSent(stopped()),
            Answer::Unknown if self.weakness == Weakness::UnansweredIsUnsent => Outcome::NotSent(stopped()),
            Answer::Unknown => Outcome::Unknown(stopped()),
        }
    }

    /// Whether garbage collection ends an instance, as the production rule judges it after two rounds that found the same.
    pub(crate) fn collects(&self, standing: Standing) -> bool {
        let created_at = Some(self.time.at(0, 0));
        let finding = Finding {
            key: 0,
            created_at,
            standing,
            saw_deletion: false,
            launched_by_us: true,
            may_be_forgotten: false,
        };
        let findings = [finding];
        let round = |second| Round {
            now: self.time.at(0, second),
            leader_since: self.time.at(0, 0),
            alive: INSTANCES,
            findings: &findings,
        };
        let rules = Rules { min_age: Duration::from_mins(5), release: 0 };
        let mut history = History::default();
        let first = history.judge(&round(LISTS[1]), rules);
        first.kill.is_empty() && !history.judge(&round(LISTS[2] + STEP), rules).kill.is_empty()
    }
}

fn prepared(
    look: &Look,
    preparation: &Preparation,
    now: Timestamp,
) -> Task<orca_core::lifecycle::PrepareKey, Prepared> {
    let offer = match &preparation.what {
        Prepare::Attempt(request) => {
            // The next attempt asks in the next zone: what was refused is passed over.
            let zone = (u32::from(look.zone) + request.attempt - 1) % 2;
            Some(Offer { zone: Some(format!("zone-{zone}")), ..Offer::new(request, serde_json::Value::Null) })
        }
        Prepare::Resend { .. } => None,
    };
    let state = TaskState::Done { at: now, result: Ok(Prepared { offer, permit: Permit::Granted }) };
    Task { key: preparation.key.clone(), since: now, state }
}

fn without_marks(mut record: LaunchRecord) -> LaunchRecord {
    record.unresolved.clear();
    record.unsettled = None;
    record
}

fn reference(pod: u8) -> PodRef {
    PodRef::new("ns", "pod", uid(pod).as_str())
}

fn name(place: usize) -> String {
    format!("i-{place}")
}

fn instance(pod: u8, place: usize, alive: bool) -> Instance {
    let state = if alive { InstanceState::Running } else { InstanceState::Terminated };
    let id = name(place);
    let bare =
        Instance::from_tags(id.as_str().into(), &format!("cloud://place/{id}"), state, &BTreeMap::new());
    let launched_at = i64::try_from(place).ok().and_then(|second| Timestamp::from_second(second).ok());
    Instance { pod: Some(reference(pod)), launched_at, ..bare }
}

fn no_capacity() -> CloudError {
    CloudError::new(Kind::NoCapacity, "NoCapacity", "none is left")
}

fn stopped() -> CloudError {
    CloudError::new(Kind::Unknown, "Stopped", "nobody knows")
}

/// A shared judgement, so that all threads use one memory.
pub(crate) type Shared = Arc<Judgement>;
