//! The files, ports and certificates of one control plane, made before its servers start.

use super::kubeconfig::{self, Identity};
use crate::servers::certificates::{Authority, PemPair};
use crate::servers::{Error, files, ports};
use std::path::PathBuf;

/// How much the audit log says of each request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Who asked for what, and the code of the answer: enough to count who wrote what.
    Metadata,
    /// Of writes of pods also what was sent and what was answered: enough to tell what became of each pod.
    PodBodies,
}

impl Audit {
    /// Each request is written down once, when it is answered.
    fn policy(self) -> String {
        let bodies = "- level: RequestResponse\n  omitManagedFields: true\n  verbs: [create, update, patch, delete]\n  \
                      resources: [{group: '', resources: [pods, pods/status]}]\n";
        let bodies = if self == Self::PodBodies { bodies } else { "" };
        format!(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n{bodies}- level: Metadata\n"
        )
    }
}

#[derive(Debug)]
pub(super) struct Ports {
    pub(super) etcd: u16,
    pub(super) etcd_peer: u16,
    pub(super) api_server: u16,
    pub(super) controller_manager: u16,
    pub(super) scheduler: u16,
}

#[derive(Debug)]
pub(super) struct Layout {
    pub(super) folder: PathBuf,
    pub(super) ports: Ports,
    pub(super) authority: Authority,
    pub(super) api_server: PemPair,
    pub(super) kubelet_client: PemPair,
    pub(super) service_accounts: PemPair,
    pub(super) audit_policy: PathBuf,
}

impl Layout {
    pub(super) fn new(folder: PathBuf, audit: Audit) -> Result<Self, Error> {
        for name in ["logs", "home", "kubeconfigs"] {
            files::make_folder(&folder.join(name))?;
        }
        let [etcd, etcd_peer, api_server, controller_manager, scheduler] = ports::free()?;
        let authority = Authority::new(folder.join("pki"))?;
        let names = ["127.0.0.1", "10.96.0.1", "localhost", "kubernetes", "kubernetes.default.svc"];
        let audit_policy = folder.join("audit-policy.yaml");
        files::write(&audit_policy, audit.policy())?;
        Ok(Self {
            api_server: authority.server("kube-apiserver", &names)?,
            // The API server speaks to kubelets as this user, which a virtual node has to let in.
            kubelet_client: authority.client("kubelet-client", "kube-apiserver", &["system:masters"])?,
            service_accounts: authority.bare_key("service-accounts")?,
            ports: Ports { etcd, etcd_peer, api_server, controller_manager, scheduler },
            audit_policy,
            authority,
            folder,
        })
    }

    pub(super) fn server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.ports.api_server)
    }

    pub(super) fn log(&self, server: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{server}.log"))
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder.join("logs/audit.log")
    }

    /// A kubeconfig with a client certificate of its own.
    pub(super) fn kubeconfig(&self, file: &str, user: &str, groups: &[&str]) -> Result<PathBuf, Error> {
        let pair = self.authority.client(file, user, groups)?;
        self.write_kubeconfig(file, &Identity::Certificate(&pair))
    }

    pub(super) fn write_kubeconfig(&self, file: &str, identity: &Identity<'_>) -> Result<PathBuf, Error> {
        let path = self.folder.join("kubeconfigs").join(file);
        kubeconfig::write(&path, &self.server_url(), &self.authority.own.certificate, identity)?;
        Ok(path)
    }
}
