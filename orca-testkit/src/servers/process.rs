//! One server process: started into its own group, logged to a file, stopped by its id.

mod lifeline;

use super::{Error, environment, files};
use lifeline::Lifeline;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a stopping server is looked at, and how many times before it is killed.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 100;

/// What to run.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(&'static str, OsString)>,
    pub(crate) log: PathBuf,
}

#[derive(Debug)]
struct Running {
    child: Child,
    _lifeline: Lifeline,
}

/// A program that can be started, frozen, stopped and started again.
#[derive(Debug)]
pub(crate) struct Process {
    program: Program,
    running: Mutex<Option<Running>>,
}

impl Process {
    pub(crate) fn start(program: Program) -> Result<Self, Error> {
        let process = Self { program, running: Mutex::new(None) };
        process.start_again()?;
        Ok(process)
    }

    /// Starts the stopped program with its first arguments; its log goes on in the same file.
    pub(crate) fn start_again(&self) -> Result<(), Error> {
        let program = &self.program;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&program.log)
            .map_err(files::failed(&program.log))?;
        let errors = log.try_clone().map_err(files::failed(&program.log))?;
        let child = Command::new(&program.path)
            .args(&program.arguments)
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // A group of its own: an interrupt from the terminal must not end the servers, in any order,
            // under a test that still uses them.
            .process_group(0)
            .spawn()
            .map_err(|source| Error::Spawn { program: program.name.to_owned(), source })?;
        match Lifeline::hold(child.id()) {
            Ok(lifeline) => {
                *self.running() = Some(Running { child, _lifeline: lifeline });
                Ok(())
            }
            Err(error) => {
                end(self.name(), child);
                Err(error)
            }
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.program.name
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(|running| running.child.id())
    }

    pub(crate) fn log_tail(&self) -> String {
        files::tail(&self.program.log)
    }

    /// Fails when the process is gone.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let server = self.name();
        let ended = match self.running().as_mut() {
            None => return Err(Error::NotRunning(server)),
            Some(running) => running.child.try_wait().map_err(|source| Error::Signal { server, source })?,
        };
        match ended {
            None => Ok(()),
            Some(status) => Err(Error::Ended { server, status: status.to_string(), log: self.log_tail() }),
        }
    }

    /// Stops the process from running, without ending it: it keeps its connections and answers nothing.
    pub(crate) fn freeze(&self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    pub(crate) fn thaw(&self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), Error> {
        // A child that has ended and been waited for has lost its id, perhaps to another process.
        self.check()?;
        let server = self.name();
        let guard = self.running();
        let running = guard.as_ref().ok_or(Error::NotRunning(server))?;
        kill_process(Pid::from_child(&running.child), signal)
            .map_err(|errno| Error::Signal { server, source: errno.into() })
    }

    /// Ends the process; a process that is already gone is fine.
    pub(crate) async fn stop(&self) {
        self.ask_to_end();
        for _ in 0..LOOKS {
            if self.has_ended() {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.kill();
    }

    /// The same without an async runtime.
    pub(crate) fn stop_blocking(&self) {
        self.ask_to_end();
        for _ in 0..LOOKS {
            if self.has_ended() {
                return;
            }
            environment::block(LOOK);
        }
        self.kill();
    }

    fn ask_to_end(&self) {
        if self.has_ended() {
            return;
        }
        // A frozen process sees the first signal only after the second.
        for signal in [Signal::TERM, Signal::CONT] {
            if let Err(error) = self.signal(signal) {
                tracing::debug!(server = self.name(), ?error, "signal not sent");
            }
        }
    }

    /// Also forgets the child once it has been waited for, so that its id is never signalled again.
    fn has_ended(&self) -> bool {
        let mut guard = self.running();
        let ended = guard.as_mut().is_none_or(|running| matches!(running.child.try_wait(), Ok(Some(_))));
        if ended {
            *guard = None;
        }
        ended
    }

    pub(crate) fn kill(&self) {
        let taken = self.running().take();
        if let Some(running) = taken {
            end(self.name(), running.child);
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop_blocking();
    }
}

fn end(server: &str, mut child: Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait().map(drop)) {
        tracing::warn!(server, %error, "not killed");
    }
}
