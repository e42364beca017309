//! The API server that all contestants of a run share.

use std::path::PathBuf;

use kube::Client;

use super::args::Api;
use super::audit;
use super::child::kubeconfig;
use super::error::Error;
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
    Given(PathBuf),
}

impl Plane {
    pub(super) async fn start(api: &Api) -> Result<Self, Error> {
        let server = match api {
            Api::Real => Server::Real(Box::new(ControlPlane::start(&installed()?).await?)),
            Api::Kubeconfig(path) => Server::Given(path.clone()),
        };
        Ok(Self { server, folder: files::temporary("orca-load-")? })
    }

    /// A kubeconfig for this user. A given cluster knows one identity only.
    pub(super) fn kubeconfig(&self, user: &str) -> Result<PathBuf, Error> {
        match &self.server {
            Server::Real(plane) => Ok(plane.kubeconfig_for(user, GROUPS)?),
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
            Server::Real(plane) => Some(audit::Log::new(plane.audit_log())),
            Server::Given(_) => None,
        }
    }

    /// The API server's process, if it runs on this machine.
    pub(super) fn api_server_pid(&self) -> Option<u32> {
        match &self.server {
            Server::Real(plane) => plane.pid(ServerName::ApiServer),
            Server::Given(_) => None,
        }
    }

    /// A file of this run, deleted with it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
