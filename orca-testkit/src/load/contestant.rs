//! The participants, each in a separate process for one turn.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::args::{Load, Peer};
use super::cloud::Record;
use super::error::Error;
use super::peers;
use super::plane::Plane;
use super::program::Program;
use crate::servers::files;
use crate::servers::process::Process;

/// A virtual node's drain takes up to 35 s.
const STOP: Duration = Duration::from_mins(1);

/// A program that runs a node's pods, or says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Contestant {
    /// ORCA's virtual node, in a child of this program.
    Orca,
    /// The `orca` program.
    Program,
    /// A peer.
    Kwok,
    /// A peer.
    VirtualKubelet,
}

impl From<Peer> for Contestant {
    fn from(peer: Peer) -> Self {
        match peer {
            Peer::Kwok => Self::Kwok,
            Peer::VirtualKubelet => Self::VirtualKubelet,
        }
    }
}

impl Contestant {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Orca => "orca",
            Self::Program => "orca-program",
            Self::Kwok => "kwok",
            Self::VirtualKubelet => "virtual-kubelet",
        }
    }

    /// Whether its node has to be there before it.
    pub(super) fn needs_node(self) -> bool {
        match self {
            Self::Kwok => true,
            Self::Orca | Self::Program | Self::VirtualKubelet => false,
        }
    }

    /// Fails when its program is not there, before anything is started.
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            Self::Orca | Self::Program => Ok(()),
            Self::Kwok | Self::VirtualKubelet => peers::installed(self.name()).map(drop),
        }
    }

    /// The user that it is for the API server.
    pub(super) fn user(self) -> String {
        format!("orca-load-{}", self.name())
    }

    pub(super) async fn start(self, plane: &Plane, node: &str, load: &Load) -> Result<Running, Error> {
        let kubeconfig = plane.kubeconfig(&self.user())?;
        match self {
            Self::Orca => Orca::start(plane, &kubeconfig, node, load.cloud_latency).map(Running::Orca),
            Self::Program => {
                let path = load.program.as_deref().unwrap_or(Path::new("orca"));
                let program = Program::start(plane, path, &kubeconfig, (node, load.cloud_latency)).await?;
                Ok(Running::Program(Box::new(program)))
            }
            Self::Kwok => peers::kwok(plane, &kubeconfig, node).map(Running::Peer),
            Self::VirtualKubelet => peers::virtual_kubelet(plane, &kubeconfig, node).map(Running::Peer),
        }
    }
}

/// A contestant at work. Dropping it ends it.
#[derive(Debug)]
pub(super) enum Running {
    Orca(Orca),
    Program(Box<Program>),
    Peer(Process),
}

impl Running {
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Orca(orca) => orca.child.id(),
            Self::Program(program) => program.process.pid(),
            Self::Peer(process) => process.pid(),
        }
    }

    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            Self::Orca(orca) => !matches!(orca.child.try_wait(), Ok(None)),
            Self::Program(program) => program.process.check().is_err(),
            Self::Peer(process) => process.check().is_err(),
        }
    }

    pub(super) fn log_tail(&self) -> String {
        match self {
            Self::Orca(orca) => files::tail(&orca.log),
            Self::Program(program) => program.process.log_tail(),
            Self::Peer(process) => process.log_tail(),
        }
    }

    /// Stops it, and takes what it knows of its cloud, and what must not be there.
    pub(super) async fn stop(self) -> Result<(Option<Record>, Vec<String>), Error> {
        match self {
            Self::Orca(orca) => Ok((Some(orca.finish().await?), Vec::new())),
            Self::Program(program) => {
                program.process.stop().await;
                Ok((None, program.faults()))
            }
            Self::Peer(process) => {
                process.stop().await;
                Ok((None, Vec::new()))
            }
        }
    }
}

/// The child that runs ORCA's virtual node.
#[derive(Debug)]
pub(super) struct Orca {
    child: Child,
    log: PathBuf,
}

impl Orca {
    fn start(plane: &Plane, kubeconfig: &Path, node: &str, cloud_latency: Duration) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(Error::system("finding this program"))?;
        let log = plane.file(&format!("{node}.log"));
        let errors = std::fs::File::create(&log).map_err(Error::system("making a log"))?;
        let child = Command::new(program)
            .arg("contestant")
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["--node", node, "--cloud-latency", &format!("{}s", cloud_latency.as_secs_f64())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            // An interrupt from the terminal must not end it under a driver that still uses it; when the driver ends,
            // the pipe is closed, and so the child ends too.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::system("starting the contestant orca"))?;
        Ok(Self { child, log })
    }

    async fn finish(mut self) -> Result<Record, Error> {
        drop(self.child.stdin.take());
        let output = tokio::time::timeout(STOP, self.child.wait_with_output())
            .await
            .map_err(|_elapsed| Error::Child(format!("did not stop within {STOP:?}")))?
            .map_err(Error::system("waiting for the contestant orca"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let record = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
        record.filter(|_| output.status.success()).ok_or_else(|| {
            let log = files::tail(&self.log);
            Error::Child(format!("ended without its record ({}); the end of its log:\n{log}", output.status))
        })
    }
}
