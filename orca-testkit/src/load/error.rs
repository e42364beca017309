//! Why a load run could not be made, or failed.

use std::process::ExitCode;
use std::time::Duration;

/// What ends a run or a turn before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// A server or a peer of the harness.
    #[error(transparent)]
    Servers(#[from] crate::servers::Error),
    /// The fake API server.
    #[error("the fake API server cannot be offered")]
    Fake(#[from] crate::fake_kube::ServeError),
    /// The kubeconfig.
    #[error("the kubeconfig cannot be used")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// A call to the API server.
    #[error("{doing} failed")]
    Api {
        doing: &'static str,
        #[source]
        source: Box<kube::Error>,
    },
    /// A node that does not come up.
    #[error(
        "{contestant} ended, or did not make its node ready within {limit:?}; the end of its log:\n{log}"
    )]
    NodeNotReady { contestant: &'static str, limit: Duration, log: String },
    /// The program.
    #[error("--program: there is no file {}; build it with `cargo build --release -p orca-cli`", .0.display())]
    NoProgram(std::path::PathBuf),
    /// The profile.
    #[error("the API server gives no profile: {0}")]
    NoProfile(String),
    /// The child.
    #[error("the contestant orca {0}")]
    Child(String),
    /// ORCA's virtual node, in the child.
    #[error("the virtual node ended")]
    VirtualNode(#[from] orca_kube::Error),
    /// A file, a pipe or a thread.
    #[error("{doing} failed")]
    System {
        doing: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    pub(super) fn api(doing: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self::Api { doing, source: Box::new(source) }
    }

    pub(super) fn system(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::System { doing, source }
    }

    /// 2 when what was asked for cannot be done here at all, 1 otherwise.
    pub(super) fn code(&self) -> ExitCode {
        use crate::servers::Error as Servers;
        match self {
            Self::Servers(
                Servers::NotPrepared { .. } | Servers::PeerNotPrepared { .. } | Servers::CacheFolderUnknown,
            )
            | Self::NoProgram(_)
            | Self::Kubeconfig(_) => ExitCode::from(2),
            Self::Servers(_)
            | Self::Fake(_)
            | Self::Api { .. }
            | Self::NodeNotReady { .. }
            | Self::NoProfile(_)
            | Self::Child(_)
            | Self::VirtualNode(_)
            | Self::System { .. } => ExitCode::FAILURE,
        }
    }

    /// The whole chain in one text.
    pub(super) fn text(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}
