//! What a controller process does: watch, look, list, end, collect. The looks and the verdicts are production's.

use orca_core::orphans::Standing;

use crate::judgement::{Act, Look, Plan};
use crate::protocol::Protocol;
use crate::state::{Answer, INSTANCES, Lists, PODS, Phase, Pod, Send, Sight, Stage, State};
use crate::weakness::Weakness;

impl State {
    /// A change of a pod arrives. What is gone is never there again.
    pub(crate) fn watch(&mut self, process: usize, pod: usize) -> Option<()> {
        let there = self.pods[pod];
        let cached = &mut self.processes[process].cache[pod];
        if cached.phase == Phase::Gone {
            return None;
        }
        if there.phase.is_there() {
            *cached = there;
        } else if cached.phase.is_there() {
            // The last object is kept in mind, and with it the record.
            cached.phase = Phase::Gone;
        }
        Some(())
    }

    pub(crate) fn stop(&mut self, process: usize, pod: usize) -> Option<()> {
        self.left.unsent = self.left.unsent.checked_sub(1)?;
        let send = self.processes[process].sends[pod].as_mut()?;
        let may = send.stage == Stage::Announced;
        send.stage = Stage::Answered(Answer::NotSent);
        may.then_some(())
    }

    /// The cloud carries out what a process asks for.
    fn end(&mut self, process: usize, place: usize) {
        let Some(instance) = self.instances[place].as_mut() else { return };
        self.wrong_end |= instance.alive && self.pods[usize::from(instance.pod)].phase == Phase::Wanted;
        instance.alive = false;
        self.processes[process].sights[place] = Sight::Ended;
    }
}

impl Protocol {
    fn plan(&self, state: &State, process: usize, pod: usize) -> Option<Plan> {
        let known = &state.processes[process];
        let cached = known.cache[pod];
        if cached.phase == Phase::Absent {
            return None;
        }
        let sight = |place: usize| {
            let is_its = |instance: crate::state::CloudInstance| {
                usize::from(instance.pod) == pod || self.weakness == Weakness::ByName
            };
            if state.instance(place).is_some_and(is_its) { known.sights[place] } else { Sight::Unknown }
        };
        Some(self.judgement.plan(&Look {
            uid: u8::try_from(pod).ok()?,
            pod: cached,
            sights: std::array::from_fn(sight),
            lists: known.lists,
            send: known.sends[pod],
            tick: state.tick,
            zone: u8::from(process > 0 && self.weakness.tells_apart()),
        }))
    }

    /// The write of a look. None: the object has changed, and nothing is done. Otherwise whether anything was written.
    fn write(&self, state: &mut State, process: usize, pod: usize, plan: Plan) -> Option<bool> {
        let cached = state.processes[process].cache[pod];
        let is_open = matches!(cached.phase, Phase::Wanted | Phase::Deleting);
        let record = plan.record.filter(|record| *record != cached.record);
        if !is_open || (record.is_none() && !plan.fails) {
            return Some(false);
        }
        let is_blind = self.weakness == Weakness::BlindWrites && state.pods[pod].phase == cached.phase;
        if state.pods[pod] != cached && !is_blind {
            return None;
        }
        let phase = match cached.phase {
            Phase::Wanted if plan.fails => Phase::Failed,
            Phase::Deleting if plan.fails => Phase::DeletingFailed,
            Phase::Absent
            | Phase::Wanted
            | Phase::Failed
            | Phase::Deleting
            | Phase::DeletingFailed
            | Phase::Gone => cached.phase,
        };
        state.false_end |= phase == Phase::Failed && state.alive(pod) > 0;
        state.pods[pod] = Pod { phase, record: record.unwrap_or(cached.record), ..cached };
        Some(true)
    }

    pub(crate) fn look(&self, state: &mut State, process: usize, pod: usize) -> Option<()> {
        let plan = self.plan(state, process, pod)?;
        let Some(written) = self.write(state, process, pod, plan) else {
            // A conflict: the object is read anew.
            return state.watch(process, pod);
        };
        let there = state.pods[pod];
        let known = &mut state.processes[process];
        if written {
            known.cache[pod] = there;
        }
        if plan.takes {
            known.sends[pod] = None;
        }
        match plan.act {
            Act::Rest | Act::List => {}
            Act::Send => {
                // What was not announced is not sent.
                let record = plan.record.filter(|_| written)?;
                state.left.sends = state.left.sends.checked_sub(1)?;
                known.sends[pod] = Some(Send { record, stage: Stage::Announced });
            }
            Act::End => {
                for place in 0..INSTANCES {
                    let is_its = state.instances[place].is_some_and(|instance| {
                        usize::from(instance.pod) == pod || self.weakness == Weakness::ByName
                    });
                    if is_its && state.processes[process].sights[place] == Sight::Alive {
                        state.end(process, place);
                    }
                }
            }
            Act::Release => {
                if there.phase.is_there() {
                    state.remove(pod);
                }
            }
            Act::Forget => {
                known.cache[pod] = Pod::default();
                known.sends[pod] = None;
                for (place, sight) in known.sights.iter_mut().enumerate() {
                    if state.instances[place].is_some_and(|instance| usize::from(instance.pod) == pod) {
                        *sight = Sight::Unknown;
                    }
                }
            }
        }
        Some(())
    }

    /// The write reaches the API server, and the process does not learn of it.
    pub(crate) fn look_unacknowledged(&self, state: &mut State, process: usize, pod: usize) -> Option<()> {
        state.left.faults = state.left.faults.checked_sub(1)?;
        let plan = self.plan(state, process, pod)?;
        self.write(state, process, pod, plan)?.then_some(())
    }

    /// Whether a look of this process waits for a list.
    fn waits_for_list(&self, state: &State, process: usize) -> bool {
        (0..PODS).any(|pod| self.plan(state, process, pod).is_some_and(|plan| plan.act == Act::List))
    }

    /// A complete list. One that lags behind does not show what was launched lately.
    pub(crate) fn list(&self, state: &mut State, process: usize, lags: bool) -> Option<()> {
        let before = state.processes[process].sights;
        for place in 0..INSTANCES {
            let Some(instance) = state.instance(place) else { continue };
            let known = &mut state.processes[process];
            // What has ended and is nobody's is of no interest.
            let is_kept = instance.alive || known.cache[usize::from(instance.pod)].phase != Phase::Absent;
            let sight = &mut known.sights[place];
            if instance.lost && *sight == Sight::Alive {
                *sight = Sight::Missing;
            } else if is_kept && !instance.lost && !(lags && self.time.may_lag(instance.born, state.tick)) {
                *sight = if instance.alive { Sight::Alive } else { Sight::Ended };
            }
        }
        let is_new = before != state.processes[process].sights;
        let is_stale = state.processes[process].lists == Lists::Stale;
        let is_asked = is_stale && self.waits_for_list(state, process);
        if !is_new && !is_asked {
            return None;
        }
        if is_stale {
            state.processes[process].lists = Lists::Fresh;
        }
        Some(())
    }

    /// Three complete lists over five minutes. Instances that were there before them are shown by then, so what a pod names
    /// and none of them shows has gone.
    pub(crate) fn list_long(&self, state: &mut State, process: usize) -> Option<()> {
        if !self.waits_for_list(state, process) {
            return None;
        }
        let _changed = self.list(state, process, false);
        let named = state.processes[process].cache.map(|pod| self.judgement.records.get(pod.record));
        let named = named.map(|known| known.and_then(|known| known.instance));
        for place in 0..INSTANCES {
            let is_named = named.contains(&u8::try_from(place).ok());
            let is_lost = state.instance(place).is_some_and(|instance| instance.lost);
            let sight = &mut state.processes[process].sights[place];
            if is_lost && (*sight == Sight::Missing || (*sight == Sight::Unknown && is_named)) {
                *sight = Sight::Gone;
            }
        }
        state.processes[process].lists = Lists::Long;
        Some(())
    }

    pub(crate) fn census(&self, state: &mut State, process: usize) -> Option<()> {
        state.processes[process].census = Some(state.pods.map(|pod| pod.phase));
        (self.weakness == Weakness::PodsFirst).then_some(())
    }

    /// Two rounds: what the list shows alive, and what the API server says of its pod afterwards.
    pub(crate) fn collect(&self, state: &mut State, process: usize) -> Option<()> {
        if self.weakness == Weakness::NoCollection {
            return None;
        }
        for place in 0..INSTANCES {
            let is_shown = state.processes[process].sights[place] == Sight::Alive;
            let Some(instance) = state.instance(place).filter(|_| is_shown) else { continue };
            let pod = usize::from(instance.pod);
            let Some(standing) = self.standing(state, process, pod) else { continue };
            if self.judgement.collects(standing) {
                state.end(process, place);
            } else {
                let _read = state.watch(process, pod);
            }
        }
        state.processes[process].census = None;
        Some(())
    }

    /// What a pod is to garbage collection. None: nobody asks.
    fn standing(&self, state: &State, process: usize, pod: usize) -> Option<Standing> {
        let known = &state.processes[process];
        let of = |phase| match phase {
            Phase::Wanted => Standing::Wanted,
            Phase::Failed | Phase::Deleting | Phase::DeletingFailed => Standing::Ending,
            Phase::Absent | Phase::Gone => Standing::Absent,
        };
        if self.weakness == Weakness::CollectsByCache {
            return Some(of(known.cache[pod].phase));
        }
        if self.weakness == Weakness::PodsFirst {
            return known.census.map(|census| of(census[pod]));
        }
        match of(known.cache[pod].phase) {
            Standing::Absent => Some(of(state.pods[pod].phase)),
            // The pod controller knows it, and is woken.
            Standing::Wanted | Standing::Ending | Standing::Surplus | Standing::Unknown => None,
        }
    }
}
