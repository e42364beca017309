//! One state of the modelled world: the API server, the cloud, the network, and two controller processes. It is small and
//! flat, because millions of them are kept.

use crate::records::RecordId;

pub(crate) const PROCESSES: usize = 2;
/// One name of a pod, deleted and made anew: two UIDs.
pub(crate) const PODS: usize = 2;
pub(crate) const INSTANCES: usize = 3;
pub(crate) const REQUESTS: usize = 4;

/// What the API server says of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// No object, and none of this UID was seen.
    #[default]
    Absent,
    Wanted,
    Failed,
    Deleting,
    /// Deleting, with a status that is final.
    DeletingFailed,
    /// There was an object, and there never will be one again.
    Gone,
}

impl Phase {
    /// Whether there is an object.
    pub(crate) fn is_there(self) -> bool {
        matches!(self, Self::Wanted | Self::Failed | Self::Deleting | Self::DeletingFailed)
    }
}

/// A pod object, or the copy of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Pod {
    pub(crate) phase: Phase,
    pub(crate) record: RecordId,
    /// In which tick it was deleted.
    pub(crate) deleted_at: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CloudInstance {
    pub(crate) pod: u8,
    pub(crate) attempt: u8,
    pub(crate) zone: u8,
    /// In which tick its token was first announced.
    pub(crate) first: u8,
    /// In which tick it was launched. In that tick lists may not show it yet.
    pub(crate) born: u8,
    pub(crate) alive: bool,
    /// It ended long ago: lists and token memory have lost it.
    pub(crate) lost: bool,
}

/// A launch call in the network or in the cloud. It may be executed late, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Request {
    pub(crate) pod: u8,
    pub(crate) attempt: u8,
    pub(crate) zone: u8,
    pub(crate) first: u8,
    /// In which tick it was signed.
    pub(crate) signed: u8,
    /// The process that still waits for the answer.
    pub(crate) waiter: Option<u8>,
}

/// What came of a send, as its process learns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answer {
    Launched(u8),
    Ended,
    Refused,
    NotSent,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The record was written; nothing has left yet.
    Announced,
    OnItsWay,
    Answered(Answer),
}

/// A send of a process, and the record that announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Send {
    pub(crate) record: RecordId,
    pub(crate) stage: Stage,
}

/// What a process knows of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Sight {
    #[default]
    Unknown,
    Alive,
    Ended,
    /// It was known, and one list did not show it.
    Missing,
    /// Three lists over five minutes did not show it.
    Gone,
}

/// What the lists of a process prove, until time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Lists {
    #[default]
    Stale,
    /// A complete list under a minute old.
    Fresh,
    /// Three complete lists over five minutes.
    Long,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) cache: [Pod; PODS],
    pub(crate) sights: [Sight; INSTANCES],
    pub(crate) lists: Lists,
    pub(crate) sends: [Option<Send>; PODS],
    /// What the API server said before the instances were listed; only a broken collector looks there.
    pub(crate) census: Option<[Phase; PODS]>,
}

/// How much may still go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Crashes, lost answers and lost acknowledgements.
    pub(crate) faults: u8,
    /// Instances that end without a call of ORCA's.
    pub(crate) kills: u8,
    /// Deletions by force.
    pub(crate) forced: u8,
    /// Launch calls that are refused for want of capacity.
    pub(crate) refusals: u8,
    /// Sends that are stopped before they leave.
    pub(crate) unsent: u8,
    /// Sends that may be announced.
    pub(crate) sends: u8,
    /// Steps of the clock.
    pub(crate) ticks: u8,
    /// Pods of the same name that are made after the first.
    pub(crate) remakes: u8,
    /// Restorations of the API server.
    pub(crate) restores: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) pods: [Pod; PODS],
    pub(crate) backup: Option<[Pod; PODS]>,
    pub(crate) instances: [Option<CloudInstance>; INSTANCES],
    pub(crate) requests: [Option<Request>; REQUESTS],
    pub(crate) processes: [Process; PROCESSES],
    pub(crate) left: Budget,
    pub(crate) tick: u8,
    /// How many instances were launched for each UID.
    pub(crate) launches: [u8; PODS],
    /// An instance was ended by ORCA while its pod was wanted.
    pub(crate) wrong_end: bool,
    /// A pod was failed while its instance ran.
    pub(crate) false_end: bool,
}

impl State {
    pub(crate) fn first(budget: Budget) -> Self {
        let wanted = Pod { phase: Phase::Wanted, ..Pod::default() };
        let mut state = Self {
            pods: [wanted, Pod::default()],
            backup: None,
            instances: [None; INSTANCES],
            requests: [None; REQUESTS],
            processes: [Process::default(); PROCESSES],
            left: budget,
            tick: 0,
            launches: [0; PODS],
            wrong_end: false,
            false_end: false,
        };
        for process in 0..PROCESSES {
            state.start(process);
        }
        state
    }

    /// A process starts with what a complete list of the API server shows, and with nothing else.
    pub(crate) fn start(&mut self, process: usize) {
        let there = |pod: Pod| if pod.phase.is_there() { pod } else { Pod::default() };
        self.processes[process] = Process { cache: self.pods.map(there), ..Process::default() };
    }

    pub(crate) fn instance(&self, place: usize) -> Option<CloudInstance> {
        self.instances.get(place).copied().flatten()
    }

    /// The instances that are alive and belong to this pod.
    pub(crate) fn alive(&self, pod: usize) -> usize {
        self.instances
            .iter()
            .flatten()
            .filter(|instance| instance.alive && usize::from(instance.pod) == pod)
            .count()
    }

    /// Puts a request into the network.
    pub(crate) fn post(&mut self, request: Request) -> Option<()> {
        let place = self.requests.iter().position(Option::is_none)?;
        self.requests[place] = Some(request);
        Some(())
    }

    /// Takes a request out of the network.
    pub(crate) fn fetch(&mut self, place: usize) -> Option<Request> {
        self.requests.get_mut(place)?.take()
    }

    /// Requests and processes have no names, so they are kept in an order: equal states are then found equal.
    pub(crate) fn order(&mut self, may_swap: bool) {
        if may_swap && self.processes[0] > self.processes[1] {
            self.processes.swap(0, 1);
            for request in self.requests.iter_mut().flatten() {
                request.waiter = request.waiter.map(|waiter| 1 - waiter);
            }
        }
        self.requests.sort_unstable_by_key(|request| (request.is_none(), *request));
    }

    /// The process that waits for this request, if one does, learns the answer.
    pub(crate) fn answer(&mut self, request: Request, answer: Answer) {
        if let Some(process) = request.waiter
            && let Some(send) = &mut self.processes[usize::from(process)].sends[usize::from(request.pod)]
        {
            send.stage = Stage::Answered(answer);
        }
    }
}
