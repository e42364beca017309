//! SIGTERM, SIGINT and the end of the terminal (SIGHUP): the first asks to stop, the second ends at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was told twice.
const TOLD_TWICE: i32 = 1;
/// The bit of SIGHUP, which is signal 1, in the masks of `/proc`.
const HANGUP: u64 = 1;

/// What asks the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// None: whoever started the process wants it to outlive its terminal.
    hangup: Option<Signal>,
}

/// A token that the first signal cancels.
pub(crate) fn shutdown() -> io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let hangup = if is_hangup_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
    let signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
        hangup,
    };
    tokio::spawn(listen(signals, token.clone()));
    Ok(token)
}

#[expect(clippy::exit, reason = "a second signal asks for an end without any waiting")]
async fn listen(mut signals: Signals, token: CancellationToken) {
    signals.wait().await;
    tracing::info!("Stopping: launch calls that are under way are awaited; a second signal ends at once");
    token.cancel();
    signals.wait().await;
    tracing::warn!("Ended by a second signal");
    std::process::exit(TOLD_TWICE);
}

impl Signals {
    async fn wait(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _told = self.terminate.recv() => {}
            _told = self.interrupt.recv() => {}
            () = hangup => {}
        }
    }
}

/// Whether `nohup` or the like started the process. Listening would undo that.
fn is_hangup_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_noticed() {
        assert!(ignores_hangup("Name:\torca\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("SigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
