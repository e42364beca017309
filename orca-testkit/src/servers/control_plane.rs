//! A Kubernetes control plane for one test: etcd, API server, controller manager, scheduler.

mod kubeconfig;
mod layout;
mod programs;
mod snapshot;

use super::certificates::PemPair;
use super::process::Process;
use super::{Error, Installation, Kubectl, files, ports};
use kubeconfig::Identity;
use layout::Layout;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;

pub use layout::Audit;
pub use snapshot::Snapshot;

/// Ready after some 9 s on two idle cores; the bound leaves room for a busy one.
const READY_LIMIT: Duration = Duration::from_mins(2);
const ACCOUNT_LIMIT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(250);
/// How often a start is repeated when another process takes one of its ports.
const STARTS: u32 = 3;

/// A server of the control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// etcd.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
}

impl ServerName {
    /// In the order in which they start.
    const ALL: [Self; 4] = [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Scheduler];

    /// The name of the program.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
        }
    }
}

/// A running control plane; dropping it stops its servers and deletes its files.
#[derive(Debug)]
pub struct ControlPlane {
    /// In the order of [`ServerName::ALL`].
    processes: Vec<Process>,
    layout: Layout,
    kubectl: Kubectl,
    admin: PathBuf,
    identities: AtomicUsize,
    // The last field: the files go after the servers that use them.
    _folder: TempDir,
}

impl ControlPlane {
    /// Starts the servers and waits until a pod can be created in namespace `default`.
    ///
    /// # Errors
    ///
    /// A server did not start in time; its log is in the error.
    pub async fn start(installation: &Installation) -> Result<Self, Error> {
        Self::start_audited(installation, Audit::Metadata).await
    }

    /// As [`start`](Self::start), with an audit log of this level.
    ///
    /// # Errors
    ///
    /// A server did not start in time; its log is in the error.
    pub async fn start_audited(installation: &Installation, audit: Audit) -> Result<Self, Error> {
        let mut starts = 1;
        loop {
            match Self::start_once(installation, audit).await {
                Err(error) if starts < STARTS && ports::was_taken(&error) => starts += 1,
                result => return result,
            }
        }
    }

    async fn start_once(installation: &Installation, audit: Audit) -> Result<Self, Error> {
        let folder = files::temporary("orca-control-plane-")?;
        let layout = Layout::new(folder.path().to_owned(), audit)?;
        let admin = layout.kubeconfig("admin", "admin", &["system:masters"])?;
        let kubectl =
            Kubectl::new(installation.program("kubectl"), admin.clone(), folder.path().join("home"));
        let mut plane = Self {
            processes: Vec::new(),
            layout,
            kubectl,
            admin,
            identities: AtomicUsize::new(0),
            _folder: folder,
        };
        for server in ServerName::ALL {
            if server == ServerName::ControllerManager {
                // It and the scheduler give up when the API server is not there for them.
                plane.wait_ready().await?;
            }
            let program = programs::program(server, &plane.layout, installation)?;
            plane.processes.push(Process::start(program)?);
        }
        let account = ["get", "serviceaccount", "default", "--namespace=default"];
        plane.wait(ServerName::ControllerManager, ACCOUNT_LIMIT, &account).await?;
        Ok(plane)
    }

    /// The kubeconfig of a cluster administrator.
    #[must_use]
    pub fn admin_kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// The address of the API server.
    #[must_use]
    pub fn server_url(&self) -> String {
        self.layout.server_url()
    }

    /// The certificate of the authority that has signed every certificate of this control plane.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.layout.authority.pem
    }

    /// The same, as a file.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.layout.authority.own.certificate
    }

    /// kubectl as the cluster administrator.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// A kubeconfig whose client certificate names this user and these groups, two at most.
    ///
    /// # Errors
    ///
    /// The certificate or the file cannot be written.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> Result<PathBuf, Error> {
        self.layout.kubeconfig(&self.next_identity(), user, groups)
    }

    /// A kubeconfig with a token of the service account, which must exist; good for a day.
    ///
    /// # Errors
    ///
    /// The control plane does not answer in time.
    pub async fn kubeconfig_for_service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf, Error> {
        let namespace = format!("--namespace={namespace}");
        let token = self.kubectl.run(&["create", "token", name, &namespace, "--duration=24h"]).await?;
        self.layout.write_kubeconfig(&self.next_identity(), &Identity::Token(token.trim()))
    }

    /// A certificate for a server with these names and addresses, which the API server trusts when it
    /// speaks to a kubelet.
    ///
    /// # Errors
    ///
    /// The certificate cannot be made.
    pub fn server_certificate(&self, names: &[&str]) -> Result<PemPair, Error> {
        self.layout.authority.server(&self.next_identity(), names)
    }

    /// Freezes a server (`SIGSTOP`): its connections stay open and get no answer.
    ///
    /// # Errors
    ///
    /// The process is gone.
    pub fn freeze(&self, server: ServerName) -> Result<(), Error> {
        self.process(server)?.freeze()
    }

    /// Lets a frozen server run again.
    ///
    /// # Errors
    ///
    /// The process is gone.
    pub fn thaw(&self, server: ServerName) -> Result<(), Error> {
        self.process(server)?.thaw()
    }

    /// Ends a server.
    ///
    /// # Errors
    ///
    /// The process did not end in time.
    pub async fn stop_server(&self, server: ServerName) -> Result<(), Error> {
        self.process(server)?.stop().await;
        Ok(())
    }

    /// Ends a server if it runs and starts it again, on the same port and with the same data; then waits
    /// until the API server is ready.
    ///
    /// # Errors
    ///
    /// The server did not start in time; its log is in the error.
    pub async fn restart_server(&self, server: ServerName) -> Result<(), Error> {
        let process = self.process(server)?;
        process.stop().await;
        process.start_again()?;
        self.wait_ready().await
    }

    /// The process id of a running server.
    #[must_use]
    pub fn pid(&self, server: ServerName) -> Option<u32> {
        self.process(server).ok().and_then(Process::pid)
    }

    /// The log of a server.
    #[must_use]
    pub fn log(&self, server: ServerName) -> PathBuf {
        self.layout.log(server.program())
    }

    /// The audit log: one JSON event a line for every answered request.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.layout.audit_log()
    }

    /// The API server's own metrics, as text.
    ///
    /// # Errors
    ///
    /// The control plane does not answer in time.
    pub async fn metrics(&self) -> Result<String, Error> {
        self.kubectl.run(&["get", "--raw", "/metrics"]).await
    }

    fn process(&self, server: ServerName) -> Result<&Process, Error> {
        let name = server.program();
        self.processes.iter().find(|process| process.name() == name).ok_or(Error::NotRunning(name))
    }

    fn next_identity(&self) -> String {
        format!("identity-{}", self.identities.fetch_add(1, Ordering::Relaxed))
    }

    async fn wait_ready(&self) -> Result<(), Error> {
        self.wait(ServerName::ApiServer, READY_LIMIT, &["get", "--raw", "/readyz"]).await
    }

    /// Repeats a kubectl call until it succeeds, a server ends, or the time is over.
    async fn wait(&self, server: ServerName, limit: Duration, arguments: &[&str]) -> Result<(), Error> {
        let mut arguments = arguments.to_vec();
        arguments.push("--request-timeout=5s");
        let mut last = String::new();
        let attempts = async {
            loop {
                for process in &self.processes {
                    process.check()?;
                }
                match self.kubectl.run(&arguments).await {
                    Ok(_) => return Ok(()),
                    Err(error) => last = error.to_string(),
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let ended = tokio::time::timeout(limit, attempts).await;
        ended.unwrap_or_else(|_| {
            let log = self.process(server).map(Process::log_tail).unwrap_or_default();
            Err(Error::NotReady { server: server.program(), limit, last, log })
        })
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Last started, first stopped, so that no server waits for one that is gone already.
        while let Some(process) = self.processes.pop() {
            drop(process);
        }
    }
}
