//! What happens without ORCA: people, the API server, the cloud, the network, and time.

use crate::protocol::Protocol;
use crate::state::{
    Answer, CloudInstance, Lists, PODS, PROCESSES, Phase, Pod, Process, Request, Stage, State,
};
use crate::weakness::Weakness;

impl State {
    pub(crate) fn delete(&mut self, pod: usize) -> Option<()> {
        let phase = match self.pods[pod].phase {
            Phase::Wanted => Phase::Deleting,
            Phase::Failed => Phase::DeletingFailed,
            Phase::Absent | Phase::Deleting | Phase::DeletingFailed | Phase::Gone => return None,
        };
        self.pods[pod] = Pod { phase, deleted_at: self.tick, ..self.pods[pod] };
        Some(())
    }

    pub(crate) fn delete_by_force(&mut self, pod: usize) -> Option<()> {
        self.left.forced = self.left.forced.checked_sub(1)?;
        self.pods[pod].phase.is_there().then(|| self.remove(pod))
    }

    /// The object goes, and with it the record.
    pub(crate) fn remove(&mut self, pod: usize) {
        self.pods[pod] = Pod { phase: Phase::Gone, ..Pod::default() };
    }

    pub(crate) fn remake(&mut self) -> Option<()> {
        self.left.remakes = self.left.remakes.checked_sub(1)?;
        let may = self.pods[0].phase == Phase::Gone;
        self.pods[1].phase = Phase::Wanted;
        may.then_some(())
    }

    pub(crate) fn back_up(&mut self) -> Option<()> {
        let may = self.left.restores > 0 && self.backup.is_none();
        self.backup = Some(self.pods);
        may.then_some(())
    }

    pub(crate) fn restore(&mut self) -> Option<()> {
        let is_quiet = self.requests.iter().all(Option::is_none)
            && self.instances.iter().flatten().all(|instance| instance.born < self.tick)
            && self.processes.iter().all(|process| process.sends == [None; PODS]);
        self.left.restores = self.left.restores.checked_sub(1)?;
        self.pods = self.backup.take()?;
        (0..PROCESSES).for_each(|process| self.start(process));
        is_quiet.then_some(())
    }

    /// The answer was lost on its way, or the process gave up waiting.
    pub(crate) fn lose_answer(&mut self, place: usize) -> Option<()> {
        self.left.faults = self.left.faults.checked_sub(1)?;
        let request = self.requests[place].filter(|request| request.waiter.is_some())?;
        self.answer(request, Answer::Unknown);
        self.requests[place] = Some(Request { waiter: None, ..request });
        Some(())
    }

    pub(crate) fn kill(&mut self, place: usize) -> Option<()> {
        self.left.kills = self.left.kills.checked_sub(1)?;
        self.instances[place].as_mut().filter(|instance| instance.alive)?.alive = false;
        Some(())
    }

    pub(crate) fn crash(&mut self, process: usize) -> Option<()> {
        self.left.faults = self.left.faults.checked_sub(1)?;
        for request in self.requests.iter_mut().flatten() {
            request.waiter = request.waiter.filter(|waiter| usize::from(*waiter) != process);
        }
        self.start(process);
        Some(())
    }
}

impl Protocol {
    pub(crate) fn tick(&self, state: &mut State) -> Option<()> {
        state.left.ticks = state.left.ticks.checked_sub(1)?;
        state.tick += 1;
        let now = state.tick;
        for place in 0..state.requests.len() {
            if let Some(request) = state.requests[place] {
                // No process waits that long for an answer.
                state.answer(request, Answer::Unknown);
                let is_void = now >= request.signed + self.time.signature;
                state.requests[place] = (!is_void).then_some(Request { waiter: None, ..request });
            }
        }
        for process in &mut state.processes {
            *process = Process { lists: Lists::Stale, ..*process };
        }
        Some(())
    }

    /// The instance that the cloud remembers for this token. Tokens count within a zone.
    fn remembered(&self, state: &State, request: Request) -> Option<usize> {
        let is_same = |instance: &CloudInstance| {
            (instance.pod, instance.attempt, instance.zone) == (request.pod, request.attempt, request.zone)
                && !instance.lost
        };
        let found = state.instances.iter().position(|instance| instance.as_ref().is_some_and(is_same));
        found.filter(|_| self.weakness != Weakness::NoTokens)
    }

    pub(crate) fn execute(&self, state: &mut State, place: usize) -> Option<()> {
        let request = state.fetch(place)?;
        let answer = match self.remembered(state, request) {
            Some(place) if state.instance(place)?.alive => Answer::Launched(u8::try_from(place).ok()?),
            Some(_) => Answer::Ended,
            None => {
                let place = state.instances.iter().position(Option::is_none)?;
                let Request { pod, attempt, zone, first, .. } = request;
                let (born, alive, lost) = (state.tick, true, false);
                state.instances[place] = Some(CloudInstance { pod, attempt, zone, first, born, alive, lost });
                state.launches[usize::from(pod)] += 1;
                Answer::Launched(u8::try_from(place).ok()?)
            }
        };
        state.answer(request, answer);
        Some(())
    }

    pub(crate) fn refuse(&self, state: &mut State, place: usize) -> Option<()> {
        state.left.refusals = state.left.refusals.checked_sub(1)?;
        let request = state.fetch(place)?;
        state.answer(request, Answer::Refused);
        (request.waiter.is_some() && self.remembered(state, request).is_none()).then_some(())
    }

    /// The cloud loses an instance that ended, when no send of its token can still arrive.
    pub(crate) fn lose(&self, state: &mut State, place: usize) -> Option<()> {
        let margin = if self.weakness == Weakness::ShortMemory { 0 } else { self.time.signature };
        let (now, memory) = (state.tick, self.time.memory + margin);
        let instance = state.instances[place].as_mut()?;
        let may = !instance.alive && now >= instance.first + memory;
        instance.lost = true;
        may.then_some(())
    }

    /// An announced send leaves, unless it was announced too long ago.
    pub(crate) fn leave(&self, state: &mut State, process: usize, pod: usize) -> Option<()> {
        let send = state.processes[process].sends[pod].filter(|send| send.stage == Stage::Announced)?;
        let known = self.judgement.records.get(send.record)?;
        let is_late = known.sent < state.tick && self.weakness != Weakness::NoFence;
        let zone =
            if self.weakness == Weakness::ZoneOfNow { u8::try_from(process).ok()? } else { known.zone };
        let stage = if is_late { Stage::Answered(Answer::NotSent) } else { Stage::OnItsWay };
        state.processes[process].sends[pod] = Some(crate::state::Send { stage, ..send });
        if is_late {
            return Some(());
        }
        state.post(Request {
            pod: u8::try_from(pod).ok()?,
            attempt: known.attempt,
            zone,
            first: known.first,
            signed: state.tick,
            waiter: Some(u8::try_from(process).ok()?),
        })
    }
}
