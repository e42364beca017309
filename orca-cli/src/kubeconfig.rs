//! Finds the cluster: the given kubeconfig, else the cluster that ORCA runs in, else `~/.kube/config`.

use std::env::split_paths;
use std::fmt;
use std::path::{Path, PathBuf};

use kube::config::{InClusterError, Kubeconfig, KubeconfigError};
use orca_core::text::nearest;

use crate::args::Globals;
use crate::environment::Environment;
use crate::proxies::Proxies;

mod access;
mod context;
mod identity;
mod plugin;
mod token_file;

pub use access::{Access, AccessError};
pub use context::ContextError;
pub use identity::CertificateError;
pub use plugin::PluginError;
pub use token_file::TokenFileError;

/// What decides which cluster it is.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `--kubeconfig` or `KUBECONFIG`: a file, or several as in `PATH`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// Whether this process has a service account of a cluster.
    pub is_in_cluster: bool,
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// What the environment says about proxies.
    pub proxies: Proxies,
}

impl Request {
    /// What the flags and the environment say.
    #[must_use]
    pub fn new(globals: &Globals, environment: &Environment) -> Self {
        Self {
            kubeconfig: globals.kubeconfig.clone().filter(|path| !path.as_os_str().is_empty()),
            context: globals.context.clone(),
            is_in_cluster: environment.is_in_cluster(),
            home: environment.home(),
            proxies: Proxies::new(environment),
        }
    }
}

/// Which way led to the cluster, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// This kubeconfig, and the context that was used.
    File(PathBuf, String),
    /// The service account of the pod that ORCA runs in.
    InCluster,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, context) => write!(f, "{}, context {context}", path.display()),
            Self::InCluster => f.write_str("in-cluster service account"),
        }
    }
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigFailure {
    /// The named file does not exist or cannot be read.
    #[error("the kubeconfig {} cannot be read: {source}; check --kubeconfig or KUBECONFIG", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is no kubeconfig, or its entries do not fit together.
    #[error("the kubeconfig {} is not usable: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KubeconfigError,
    },
    /// The context cannot be used.
    #[error("the kubeconfig {} is not usable with the context \"{context}\": {source}", path.display())]
    Context {
        /// The file.
        path: PathBuf,
        /// The context.
        context: String,
        /// What is wrong.
        source: ContextError,
    },
    /// The file has no such context.
    #[error("the kubeconfig {} has no context \"{name}\"{}; it has: {}", path.display(), hint(name, known), known.join(", "))]
    UnknownContext {
        /// The file.
        path: PathBuf,
        /// The context that was asked for.
        name: String,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// The file names no context to use.
    #[error("the kubeconfig {} has no current context; give --context, one of: {}", path.display(), known.join(", "))]
    NoContext {
        /// The file.
        path: PathBuf,
        /// The contexts that there are.
        known: Vec<String>,
    },
    /// The service account is there and cannot be used.
    #[error("the service account of this pod is not usable: {0}")]
    InCluster(#[from] InClusterError),
    /// Nothing points to a cluster.
    #[error(
        "no cluster found: there is no --kubeconfig, no service account of a cluster and no ~/.kube/config; give --kubeconfig FILE or set KUBECONFIG"
    )]
    NotFound,
}

fn hint(name: &str, known: &[String]) -> String {
    nearest(name, known.iter().map(String::as_str))
        .map(|meant| format!(", did you mean \"{meant}\"?"))
        .unwrap_or_default()
}

/// Finds the cluster.
///
/// # Errors
///
/// There is no cluster to be found, or its kubeconfig cannot be used.
pub fn resolve(request: &Request) -> Result<(Access, Source), KubeconfigFailure> {
    if let Some(paths) = &request.kubeconfig {
        return from_files(paths, request);
    }
    // A context is an entry of a kubeconfig, so it means that the service account is not wanted.
    if request.is_in_cluster && request.context.is_none() {
        // The address of the API server is one inside the cluster, where no proxy leads.
        return Ok((kube::Config::incluster()?.into(), Source::InCluster));
    }
    match request.home.as_ref().map(|home| home.join(".kube").join("config")).filter(|path| path.exists()) {
        Some(path) => from_files(&path, request),
        None => Err(KubeconfigFailure::NotFound),
    }
}

fn from_files(paths: &Path, request: &Request) -> Result<(Access, Source), KubeconfigFailure> {
    let (kubeconfig, path) = read(paths)?;
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let Some(name) = request.context.clone().or_else(|| kubeconfig.current_context.clone()) else {
        return Err(KubeconfigFailure::NoContext { path, known });
    };
    if !known.contains(&name) {
        return Err(KubeconfigFailure::UnknownContext { path, name, known });
    }
    match context::access(&kubeconfig, &name, &request.proxies) {
        Ok(access) => Ok((access, Source::File(path, name))),
        Err(source) => Err(KubeconfigFailure::Context { path, context: name, source }),
    }
}

/// Reads one file, or merges several as kubectl does: of a list, those that are missing are passed over.
fn read(paths: &Path) -> Result<(Kubeconfig, PathBuf), KubeconfigFailure> {
    let list: Vec<PathBuf> = split_paths(paths).filter(|path| !path.as_os_str().is_empty()).collect();
    let mut merged: Option<(Kubeconfig, PathBuf)> = None;
    let mut last_error = KubeconfigFailure::NotFound;
    for path in &list {
        match Kubeconfig::read_from(path) {
            Ok(mut next) => {
                // An empty value is none, and leaves the place to that of a later file.
                next.current_context = next.current_context.filter(|name| !name.is_empty());
                merged = Some(match merged {
                    None => (next, path.clone()),
                    Some((first, name)) => (merge(first, next, path)?, name),
                });
            }
            Err(KubeconfigError::ReadConfig(source, _)) => {
                let is_missing = source.kind() == std::io::ErrorKind::NotFound;
                last_error = KubeconfigFailure::Unreadable { path: path.clone(), source };
                if !is_missing {
                    return Err(last_error);
                }
            }
            Err(source) => {
                return Err(KubeconfigFailure::Malformed { path: path.clone(), source });
            }
        }
    }
    merged.ok_or(last_error)
}

fn merge(first: Kubeconfig, next: Kubeconfig, path: &Path) -> Result<Kubeconfig, KubeconfigFailure> {
    first.merge(next).map_err(|source| KubeconfigFailure::Malformed { path: path.into(), source })
}

#[cfg(test)]
mod tests;
