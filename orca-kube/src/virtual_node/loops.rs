//! The long-lived tasks of a virtual node, each under watch: when one ends, by itself or by a panic, the node ends.

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use crate::error::Error;
use crate::spawn::{Panicked, Spawner};

/// The name of a loop, and how it ended.
type End = (&'static str, Result<Result<(), Error>, Panicked>);

/// The loops that run. Dropping it ends them all.
#[derive(Default)]
pub(super) struct Loops {
    running: FuturesUnordered<BoxFuture<'static, End>>,
}

impl Loops {
    /// Starts a loop. A loop ends with `Ok` only after a shutdown.
    pub(super) fn start(
        &self,
        spawner: &Spawner,
        name: &'static str,
        task: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) {
        let started = spawner.start(task);
        self.running.push(Box::pin(async move { (name, started.await) }));
    }

    /// Waits for the first loop that ends. Without a shutdown that is an error.
    pub(super) async fn first_end(&mut self) -> Error {
        match self.running.next().await {
            Some((_, Ok(Err(error)))) => error,
            Some((name, Ok(Ok(())))) => Error::LoopEnded(name),
            Some((name, Err(Panicked(message)))) => Error::LoopPanicked { name, message },
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::spawn::{Life, TokioSpawn};

    #[tokio::test]
    async fn the_first_loop_that_ends_is_named() {
        let life = Life::begin();
        let spawner = life.spawner(Arc::new(TokioSpawn::default()));
        let first = async |end: BoxFuture<'static, Result<(), Error>>| {
            let mut loops = Loops::default();
            loops.start(&spawner, "idle", std::future::pending());
            loops.start(&spawner, "busy", end);
            loops.first_end().await.to_string()
        };
        assert!(first(Box::pin(async { Ok(()) })).await.starts_with("the busy loop ended"));
        assert!(first(Box::pin(async { panic!("oh") })).await.starts_with("the busy loop panicked (oh)"));
        let lost = Box::pin(async { Err(Error::LostLeadership("n".into())) });
        assert!(first(lost).await.contains("took over the leader lease"));
    }
}
