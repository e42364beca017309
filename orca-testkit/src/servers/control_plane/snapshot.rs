//! What the cluster holds, as files: copied, and put back as an operator does after a mistake.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ControlPlane, ServerName};
use crate::servers::{Error, files};

/// A copy of everything that etcd held.
#[derive(Clone, Debug)]
pub struct Snapshot(PathBuf);

impl ControlPlane {
    /// Copies what the cluster holds. API server and etcd are stopped meanwhile.
    ///
    /// # Errors
    ///
    /// A file cannot be copied, or a server did not start in time; its log is in the error.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        let to = self.layout.folder.join("etcd-snapshot");
        self.stop_store().await?;
        copy(&self.data(), &to)?;
        self.start_store().await?;
        Ok(Snapshot(to))
    }

    /// Puts the cluster back to what it held then: whatever was written since is lost, and versions begin anew from there.
    ///
    /// # Errors
    ///
    /// A file cannot be copied, or a server did not start in time; its log is in the error.
    pub async fn restore(&self, snapshot: &Snapshot) -> Result<(), Error> {
        self.stop_store().await?;
        fs::remove_dir_all(self.data()).map_err(files::failed(&self.data()))?;
        copy(&snapshot.0, &self.data())?;
        self.start_store().await
    }

    fn data(&self) -> PathBuf {
        self.layout.folder.join("etcd")
    }

    async fn stop_store(&self) -> Result<(), Error> {
        self.stop_server(ServerName::ApiServer).await?;
        self.stop_server(ServerName::Etcd).await
    }

    async fn start_store(&self) -> Result<(), Error> {
        self.process(ServerName::Etcd)?.start_again()?;
        self.process(ServerName::ApiServer)?.start_again()?;
        self.wait_ready().await
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(files::failed(to))?;
    for entry in fs::read_dir(from).map_err(files::failed(from))? {
        let path = entry.map_err(files::failed(from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(files::failed(&path))?;
        }
    }
    Ok(())
}
