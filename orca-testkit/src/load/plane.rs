//! The API server that all contestants of a run share.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use kube::Client;
use orca_core::clock;
use tokio_util::task::AbortOnDropHandle;

use super::args::Api;
use super::audit;
use super::child::kubeconfig;
use super::error::Error;
use crate::fake_kube::controllers::Controllers;
use crate::fake_kube::{FakeKube, Options, Served, Transport};
use crate::servers::{ControlPlane, ServerName, files, installed};
use tempfile::TempDir;

/// The driver's own name in the audit log.
pub(super) const DRIVER: &str = "orca-load";
/// Every identity may do everything: rights are not what is measured.
const GROUPS: &[&str] = &["system:masters"];

/// A control plane of this run, or a cluster that was there before.
#[derive(Debug)]
pub(super) struct Plane {
    server: Server,
    folder: TempDir,
}

#[derive(Debug)]
enum Server {
    Real(Box<ControlPlane>),
    Fake(Fake),
    Given(PathBuf),
}

/// The fake API server in this process, with the controllers that the real control plane has too.
#[derive(Debug)]
struct Fake {
    kube: FakeKube,
    served: Served,
    _controllers: AbortOnDropHandle<()>,
}

impl Fake {
    async fn start() -> Result<Self, Error> {
        let kube = FakeKube::new(&Options::new(clock::system(), 1));
        let served = kube.serve((Ipv4Addr::LOCALHOST, 0).into(), Transport::Tls).await?;
        let controllers = tokio::spawn(Controllers::new(kube.store()).run());
        Ok(Self { kube, served, _controllers: AbortOnDropHandle::new(controllers) })
    }
}

impl Plane {
    pub(super) async fn start(api: &Api) -> Result<Self, Error> {
        let server = match api {
            Api::Real => Server::Real(Box::new(ControlPlane::start(&installed()?).await?)),
            Api::Fake => Server::Fake(Fake::start().await?),
            Api::Kubeconfig(path) => Server::Given(path.clone()),
        };
        Ok(Self { server, folder: files::temporary("orca-load-")? })
    }

    /// A kubeconfig for this user. A given cluster knows one identity only.
    pub(super) fn kubeconfig(&self, user: &str) -> Result<PathBuf, Error> {
        match &self.server {
            Server::Real(plane) => Ok(plane.kubeconfig_for(user, GROUPS)?),
            Server::Fake(fake) => {
                let path = self.file(&format!("{user}.kubeconfig"));
                let text = fake.served.kubeconfig_with(&fake.kube.token_for(user));
                std::fs::write(&path, text).map_err(Error::system("writing a kubeconfig"))?;
                Ok(path)
            }
            Server::Given(path) => Ok(path.clone()),
        }
    }

    /// The driver's client.
    pub(super) async fn client(&self) -> Result<Client, Error> {
        let config = kubeconfig(&self.kubeconfig(DRIVER)?).await?;
        Client::try_from(config).map_err(Error::api("making a client"))
    }

    /// What the API server was asked for, if it tells.
    pub(super) fn audit(&self) -> Option<audit::Log> {
        match &self.server {
            Server::Real(plane) => Some(audit::Log::File(plane.audit_log())),
            Server::Fake(fake) => Some(audit::Log::Fake(fake.kube.clone())),
            Server::Given(_) => None,
        }
    }

    /// The API server's process, if it is one of its own on this machine.
    pub(super) fn api_server_pid(&self) -> Option<u32> {
        match &self.server {
            Server::Real(plane) => plane.pid(ServerName::ApiServer),
            Server::Fake(_) | Server::Given(_) => None,
        }
    }

    /// A file of this run, deleted with it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
