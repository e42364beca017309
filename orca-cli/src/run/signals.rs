//! SIGTERM and SIGINT: the first asks to stop, the second ends at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was told twice.
const TOLD_TWICE: i32 = 1;

/// A token that the first signal cancels.
pub(crate) fn shutdown() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(listen(terminate, interrupt, token.clone()));
    Ok(token)
}

#[expect(clippy::exit, reason = "a second signal asks for an end without any waiting")]
async fn listen(mut terminate: Signal, mut interrupt: Signal, token: CancellationToken) {
    wait(&mut terminate, &mut interrupt).await;
    tracing::info!("Stopping: launch calls that are under way are awaited; a second signal ends at once");
    token.cancel();
    wait(&mut terminate, &mut interrupt).await;
    tracing::warn!("Ended by a second signal");
    std::process::exit(TOLD_TWICE);
}

async fn wait(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        biased;
        _told = terminate.recv() => {}
        _told = interrupt.recv() => {}
    }
}
