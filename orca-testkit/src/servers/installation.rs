//! Where the prepared servers are.

use super::{Error, environment, files};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The programs that `orca-testkit/servers/prepare` has made.
#[derive(Clone, Debug)]
pub struct Installation {
    folder: PathBuf,
}

/// Finds what `orca-testkit/servers/prepare` has made from the present state of its inputs.
///
/// # Errors
///
/// A part is missing; the error names the command that builds it.
pub fn installed() -> Result<Installation, Error> {
    let cache = environment::cache_folder().ok_or(Error::CacheFolderUnknown)?;
    let inputs = ["control-plane/go.mod", "control-plane/go.sum", "ec2/requirements.txt", "prepare"];
    let folder = cache.join("orca/servers").join(key(&inputs)?);
    if folder.join("prepared").is_file() {
        Ok(Installation { folder })
    } else {
        Err(Error::NotPrepared { folder })
    }
}

impl Installation {
    /// The folder that holds everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kubectl` or `etcd`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The Python that has moto.
    #[must_use]
    pub fn python(&self) -> PathBuf {
        self.folder.join("venv/bin/python")
    }
}

/// The key of what is made from these files of `orca-testkit/servers`. The scripts compute the same from the same files
/// in the same order.
pub(crate) fn key(inputs: &[&str]) -> Result<String, Error> {
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers");
    let mut digest = Sha256::new();
    for input in inputs {
        digest.update(files::read(&servers.join(input))?);
    }
    let mut key = String::new();
    for byte in &digest.finalize()[..8] {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    Ok(key)
}
