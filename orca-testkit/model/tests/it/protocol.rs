//! The model: which steps are possible in a state, and what each leads to.

use std::sync::Arc;

use stateright::{Model, Property};

use crate::judgement::{Judgement, Shared};
use crate::promises;
use crate::state::{Budget, INSTANCES, PODS, PROCESSES, REQUESTS, State};
use crate::time::Time;
use crate::weakness::Weakness;

/// One step. Processes, pods, instances and requests are named by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Somebody deletes a pod.
    Delete(usize),
    /// Somebody deletes a pod by force: the object is gone at once.
    DeleteByForce(usize),
    /// A pod of the same name is made, with another UID.
    Remake,
    /// The API server's data is copied.
    BackUp,
    /// The API server is set back to the copy, in a quiet moment, and the processes start anew.
    Restore,
    /// The time goes by that a signature lasts, or half of it.
    Tick,
    /// The cloud executes a request.
    Execute(usize),
    /// The cloud refuses a request for want of capacity.
    Refuse(usize),
    /// The process that waits for this answer will not get it. The request may still be executed.
    LoseAnswer(usize),
    /// An instance ends, and ORCA did not ask for it.
    Kill(usize),
    /// The cloud loses what it knew of an instance that ended.
    Lose(usize),
    /// A process learns of a change of a pod.
    Watch(usize, usize),
    /// A process looks at a pod: decides, writes, acts.
    Look(usize, usize),
    /// The same, and the acknowledgement of the write is lost.
    LookUnacknowledged(usize, usize),
    /// An announced send leaves, if it still may.
    Leave(usize, usize),
    /// An announced send is stopped for another reason than its age.
    Stop(usize, usize),
    /// A process lists the instances, and the list lags behind.
    ListLagging(usize),
    /// A process lists the instances.
    List(usize),
    /// It lists them three times in five minutes.
    ListLong(usize),
    /// A process asks for pods before it lists instances.
    Census(usize),
    /// A round of garbage collection.
    Collect(usize),
    /// A process starts anew.
    Crash(usize),
}

impl Step {
    /// Whether it is a step that a controller takes by itself, without anybody's doing.
    pub(crate) fn is_controllers(self) -> bool {
        match self {
            Self::Watch(..)
            | Self::Look(..)
            | Self::Leave(..)
            | Self::ListLagging(_)
            | Self::List(_)
            | Self::ListLong(_)
            | Self::Census(_)
            | Self::Collect(_) => true,
            Self::Delete(_)
            | Self::DeleteByForce(_)
            | Self::Remake
            | Self::BackUp
            | Self::Restore
            | Self::Tick
            | Self::Execute(_)
            | Self::Refuse(_)
            | Self::LoseAnswer(_)
            | Self::Kill(_)
            | Self::Lose(_)
            | Self::LookUnacknowledged(..)
            | Self::Stop(..)
            | Self::Crash(_) => false,
        }
    }
}

/// The protocol with a budget of mishaps, whole or weakened.
#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    pub(crate) judgement: Shared,
    pub(crate) weakness: Weakness,
    pub(crate) time: Time,
    pub(crate) budget: Budget,
}

impl Protocol {
    pub(crate) fn new(budget: Budget, time: Time, weakness: Weakness) -> Self {
        Self { judgement: Arc::new(Judgement::new(time, weakness)), weakness, time, budget }
    }

    /// Every step that could be possible. Those that are not lead nowhere.
    fn all() -> impl Iterator<Item = Step> {
        let alone = [Step::Remake, Step::BackUp, Step::Restore, Step::Tick];
        let pods = (0..PODS).flat_map(|pod| [Step::Delete(pod), Step::DeleteByForce(pod)]);
        let requests = (0..REQUESTS)
            .flat_map(|request| [Step::Execute(request), Step::Refuse(request), Step::LoseAnswer(request)]);
        let instances = (0..INSTANCES).flat_map(|instance| [Step::Kill(instance), Step::Lose(instance)]);
        alone
            .into_iter()
            .chain(pods)
            .chain(requests)
            .chain(instances)
            .chain((0..PROCESSES).flat_map(Self::of))
    }

    /// The steps of one process.
    fn of(process: usize) -> impl Iterator<Item = Step> {
        let alone = [Step::ListLagging, Step::List, Step::ListLong, Step::Census, Step::Collect, Step::Crash];
        let pods = (0..PODS).flat_map(move |pod| {
            [Step::Watch, Step::Look, Step::LookUnacknowledged, Step::Leave, Step::Stop]
                .map(|step| step(process, pod))
        });
        alone.map(|step| step(process)).into_iter().chain(pods)
    }

    /// A quick look at whether a step could be possible: most are not.
    fn may(state: &State, step: Step) -> bool {
        match step {
            Step::Execute(place) | Step::Refuse(place) | Step::LoseAnswer(place) => {
                state.requests[place].is_some()
            }
            Step::Kill(place) | Step::Lose(place) => state.instances[place].is_some(),
            Step::Leave(process, pod) | Step::Stop(process, pod) => {
                state.processes[process].sends[pod].is_some()
            }
            Step::Watch(process, pod) => state.processes[process].cache[pod] != state.pods[pod],
            Step::LookUnacknowledged(process, pod) => {
                state.left.faults > 0 && state.processes[process].cache[pod] == state.pods[pod]
            }
            Step::Crash(_) => state.left.faults > 0,
            Step::Tick => state.left.ticks > 0,
            Step::DeleteByForce(_) => state.left.forced > 0,
            Step::BackUp | Step::Restore => state.left.restores > 0,
            Step::Delete(_)
            | Step::Remake
            | Step::Look(..)
            | Step::ListLagging(_)
            | Step::List(_)
            | Step::ListLong(_)
            | Step::Census(_)
            | Step::Collect(_) => true,
        }
    }

    fn step(&self, state: &mut State, step: Step) -> Option<()> {
        match step {
            Step::Delete(pod) => state.delete(pod),
            Step::DeleteByForce(pod) => state.delete_by_force(pod),
            Step::Remake => state.remake(),
            Step::BackUp => state.back_up(),
            Step::Restore => state.restore(),
            Step::Tick => self.tick(state),
            Step::Execute(request) => self.execute(state, request),
            Step::Refuse(request) => self.refuse(state, request),
            Step::LoseAnswer(request) => state.lose_answer(request),
            Step::Kill(instance) => state.kill(instance),
            Step::Lose(instance) => self.lose(state, instance),
            Step::Watch(process, pod) => state.watch(process, pod),
            Step::Look(process, pod) => self.look(state, process, pod),
            Step::LookUnacknowledged(process, pod) => self.look_unacknowledged(state, process, pod),
            Step::Leave(process, pod) => self.leave(state, process, pod),
            Step::Stop(process, pod) => state.stop(process, pod),
            Step::ListLagging(process) => self.list(state, process, true),
            Step::List(process) => self.list(state, process, false),
            Step::ListLong(process) => self.list_long(state, process),
            Step::Census(process) => self.census(state, process),
            Step::Collect(process) => self.collect(state, process),
            Step::Crash(process) => state.crash(process),
        }
    }

    /// Whether nothing is under way, and no controller has anything left to do but wait for time.
    pub(crate) fn is_quiet(&self, state: &State) -> bool {
        if state.requests.iter().any(Option::is_some) {
            return false;
        }
        let mut steps =
            (0..PROCESSES).flat_map(Self::of).filter(|step| step.is_controllers() && Self::may(state, *step));
        steps.all(|step| self.next_state(state, step).is_none())
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(self.budget)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        steps.extend(Self::all().filter(|step| Self::may(state, *step)));
    }

    /// None: the step is not possible, or changes nothing.
    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let mut next = *state;
        self.step(&mut next, step)?;
        next.order(!self.weakness.tells_apart());
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::all()
    }
}
