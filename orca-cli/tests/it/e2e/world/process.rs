//! `orca` as a process of its own.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

/// The program with nothing of this machine's environment that could change what it does.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orca"));
    command
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PATH", "/usr/bin:/bin");
    command
}

/// `orca` as a process; killed when dropped.
pub(crate) struct Orca {
    pub(super) child: Child,
    pub(super) log: PathBuf,
}

impl Orca {
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL: nothing is finished, nothing is told.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    /// SIGTERM, and the exit code. One that has only just begun would be ended by the signal itself: it is waited for until
    /// it listens.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        for _ in 0..300 {
            if self.log().contains("Cluster found") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status().expect("kill");
        assert!(told.success());
        self.exit().await
    }

    /// SIGCONT: one that was stopped goes on.
    #[cfg(feature = "crash-points")]
    pub(crate) fn go_on(&self) {
        let told = Command::new("kill").args(["-CONT", &self.child.id().to_string()]).status().expect("kill");
        assert!(told.success());
    }

    /// Waits for the end, for at most a minute.
    pub(crate) async fn exit(&mut self) -> Option<i32> {
        for _ in 0..600 {
            if let Some(status) = self.child.try_wait().expect("waited") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("orca did not end within a minute:\n{}", self.log());
    }
}

impl Drop for Orca {
    fn drop(&mut self) {
        // It may have ended already; there is nothing more to do then.
        if self.child.kill().is_ok() {
            let _ended = self.child.wait();
        }
    }
}
