//! Where the tasks of a virtual node start. Programs keep the default, [`TokioSpawn`]; simulations give their own.
//!
//! A simulation runs several "processes" on one runtime. Through its own [`Spawn`] it knows which task belongs to which, and
//! can drop or freeze a process at any poll of its tasks, as `kill -9` and `SIGSTOP` do. A panic in a task is a value for
//! whoever started it, and ends no other task.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::{AbortHandle, Abortable, BoxFuture};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Runs the tasks of one virtual node.
pub trait Spawn: Send + Sync + fmt::Debug {
    /// Starts the task and returns at once. The task must be polled to its end, or dropped, which counts as the death of its
    /// process.
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// Starts tasks on a tokio runtime: a given one ([`on`](Self::on)), or by default the one that the caller is on.
#[derive(Clone, Debug, Default)]
pub struct TokioSpawn(Option<Handle>);

impl TokioSpawn {
    /// Starts every task on this runtime.
    #[must_use]
    pub fn on(runtime: Handle) -> Self {
        Self(Some(runtime))
    }
}

impl Spawn for TokioSpawn {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        match &self.0 {
            Some(runtime) => drop(runtime.spawn(task)),
            None => drop(tokio::spawn(task)),
        }
    }
}

/// Starts the tasks of one run. All of them end when the [`Life`] of the run is dropped. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Spawner {
    spawn: Arc<dyn Spawn>,
    life: CancellationToken,
}

/// Keeps the tasks of one run going. Dropping it ends all of them, as a crash of the process would.
#[derive(Debug)]
pub(crate) struct Life {
    token: CancellationToken,
    _guard: DropGuard,
}

impl Life {
    pub(crate) fn begin() -> Self {
        let token = CancellationToken::new();
        Self { token: token.clone(), _guard: token.drop_guard() }
    }

    /// A spawner of this life's tasks.
    pub(crate) fn spawner(&self, spawn: Arc<dyn Spawn>) -> Spawner {
        Spawner { spawn, life: self.token.clone() }
    }
}

impl Spawner {
    /// Starts a task whose end cannot be awaited. It has to record its result itself.
    pub(crate) fn detach(&self, task: impl Future<Output = ()> + Send + 'static) {
        let life = self.life.clone();
        self.spawn.spawn(Box::pin(async move {
            let _ended = life.run_until_cancelled(task).await;
        }));
    }

    /// Starts a task whose end can be awaited. Dropping the handle aborts it.
    pub(crate) fn start<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Started<T> {
        let (sender, result) = oneshot::channel();
        let (abort, registration) = AbortHandle::new_pair();
        let task = Abortable::new(caught(task), registration);
        self.detach(async move {
            if let Ok(end) = task.await {
                // When the receiver was dropped, nobody waits for the result.
                let _unsent = sender.send(end);
            }
        });
        Started { result, abort }
    }
}

/// A task that was started.
#[derive(Debug)]
pub(crate) struct Started<T> {
    result: oneshot::Receiver<Result<T, Panicked>>,
    abort: AbortHandle,
}

/// Why a task ended without a result: its panic's message, or that it was dropped with its process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Panicked(pub(crate) String);

impl<T> Future for Started<T> {
    type Output = Result<T, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.result
            .poll_unpin(context)
            .map(|result| result.unwrap_or_else(|_dropped| Err(Panicked("the task was dropped".into()))))
    }
}

impl<T> Drop for Started<T> {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Awaits a future, and returns a panic in it as an error.
///
/// What the future shares with other tasks is behind locks that recover from a panic and protect facts only, so no other
/// task relies on something half done.
pub(crate) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|panic| Panicked(message(panic.as_ref())))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(|text| &**text));
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    fn spawner() -> (Life, Spawner) {
        let life = Life::begin();
        let spawner = life.spawner(Arc::new(TokioSpawn::default()));
        (life, spawner)
    }

    #[tokio::test]
    async fn a_panic_is_a_value() {
        let (_life, spawner) = spawner();
        assert_eq!(spawner.start(async { 1 }).await, Ok(1));
        let panics = spawner.start(async { panic!("number {}", 7) });
        assert_eq!(panics.await, Err::<(), _>(Panicked("number 7".into())));
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_end_with_their_handle_and_with_the_life_of_their_run() {
        let (life, spawner) = spawner();
        let ended = Arc::new(AtomicBool::new(false));
        let sleeper = |ended: &Arc<AtomicBool>| {
            let ended = Arc::clone(ended);
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                ended.store(true, Ordering::Release);
            }
        };
        drop(spawner.start(sleeper(&ended)));
        spawner.detach(sleeper(&ended));
        drop(life);
        spawner.detach(sleeper(&ended));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!ended.load(Ordering::Acquire), "a task ran on after its run was dropped");
    }
}
