//! A simulated process: all of its tasks are dropped or frozen together, at any poll, as `kill -9` and `SIGSTOP` do.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::future::BoxFuture;
use orca_kube::Spawn;
use tokio::sync::Notify;

/// A process on a runtime that it shares with others. Cheap to clone; all clones are the same process.
#[derive(Clone, Debug, Default)]
pub struct Process {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    died: Notify,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    /// Polls of its tasks so far.
    polls: u64,
    /// It dies before this poll.
    dies_at: Option<u64>,
    /// What wakes each task that waits, by its number.
    wakers: BTreeMap<u64, Waker>,
    tasks: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Running,
    Frozen,
    Dead,
}

impl Process {
    /// A process that dies before the poll with this number, whichever of its tasks that is.
    #[must_use]
    pub fn dying_at(poll: u64) -> Self {
        let process = Self::default();
        process.shared.state().dies_at = Some(poll);
        process
    }

    /// It dies at the poll of its tasks this many later, and no longer at an earlier order's.
    pub fn die_after(&self, polls: u64) {
        let mut state = self.shared.state();
        state.dies_at = Some(state.polls.saturating_add(polls));
    }

    /// Whether it has not died.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.shared.state().mode != Mode::Dead
    }

    /// Ends it without notice: none of its tasks is polled again.
    pub fn kill(&self) {
        self.shared.set(Mode::Dead);
    }

    /// Stops it: its tasks are not polled until it [goes on](Self::thaw), while time does.
    pub fn freeze(&self) {
        self.shared.set(Mode::Frozen);
    }

    /// Lets it go on. A process that has died stays dead.
    pub fn thaw(&self) {
        self.shared.set(Mode::Running);
    }

    /// How often its tasks were polled.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.shared.state().polls
    }

    /// Waits until it has died.
    pub async fn died(&self) {
        loop {
            let died = self.shared.died.notified();
            if self.shared.state().mode == Mode::Dead {
                return;
            }
            died.await;
        }
    }
}

impl Spawn for Process {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let number = {
            let mut state = self.shared.state();
            state.tasks += 1;
            state.tasks
        };
        drop(tokio::spawn(Gate { shared: Arc::clone(&self.shared), number, task: Some(task) }));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, mode: Mode) {
        let mut state = self.state();
        if state.mode == Mode::Dead {
            return;
        }
        state.mode = mode;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_values().for_each(Waker::wake);
        if mode == Mode::Dead {
            self.died.notify_waiters();
        }
    }

    /// Counts a poll, and says whether it may be made.
    fn enter(&self, number: u64, waker: &Waker) -> Mode {
        let mut state = self.state();
        if state.mode == Mode::Running {
            state.polls += 1;
            if state.dies_at.is_some_and(|at| state.polls >= at) {
                drop(state);
                self.set(Mode::Dead);
                return Mode::Dead;
            }
        }
        if state.mode != Mode::Dead {
            state.wakers.insert(number, waker.clone());
        }
        state.mode
    }
}

/// One task, as far as its process lets it be polled.
struct Gate {
    shared: Arc<Shared>,
    number: u64,
    task: Option<BoxFuture<'static, ()>>,
}

impl Future for Gate {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mode = self.shared.enter(self.number, context.waker());
        let polled = match (mode, self.task.as_mut()) {
            (Mode::Frozen, _) => Poll::Pending,
            (Mode::Running, Some(task)) => task.as_mut().poll(context),
            (Mode::Running | Mode::Dead, _) => Poll::Ready(()),
        };
        if polled.is_ready() {
            self.task = None;
            self.shared.state().wakers.remove(&self.number);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use super::*;

    fn count(process: &Process) -> Arc<AtomicU32> {
        let count = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&count);
        process.spawn(Box::pin(async move {
            loop {
                counter.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }));
        count
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_process_goes_on_where_it_was_and_a_dead_one_never_does() {
        let process = Process::default();
        let counted = count(&process);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        process.freeze();
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(counted.load(Ordering::Relaxed), 3);
        process.thaw();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let thawed = counted.load(Ordering::Relaxed);
        assert!(thawed > 3);
        process.kill();
        process.thaw();
        process.died().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(counted.load(Ordering::Relaxed), thawed);
        assert_eq!(Arc::strong_count(&counted), 1, "its tasks are dropped");
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_dies_before_the_poll_that_was_named() {
        let process = Process::dying_at(3);
        let counted = count(&process);
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!((counted.load(Ordering::Relaxed), process.polls()), (2, 3));
    }
}
