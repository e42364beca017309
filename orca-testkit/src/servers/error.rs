//! Everything that can go wrong with the servers, named after what failed.

use std::path::PathBuf;
use std::time::Duration;

/// Why a server could not be found, started, asked or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither variable that leads to the cache folder is set.
    #[error("the cache folder is unknown: neither XDG_CACHE_HOME nor HOME is set")]
    CacheFolderUnknown,
    /// The prepared folder is missing.
    #[error(
        "the real servers are not prepared ({} is missing): run orca-testkit/servers/prepare, \
         about 7 minutes the first time",
        folder.display()
    )]
    NotPrepared {
        /// Where they would be.
        folder: PathBuf,
    },
    /// The prepared folder of a peer is missing.
    #[error(
        "{peer} is not prepared ({} is missing): run orca-testkit/servers/prepare-peers {peer}, \
         up to 3 minutes the first time",
        folder.display()
    )]
    PeerNotPrepared {
        /// The peer.
        peer: &'static str,
        /// Where it would be.
        folder: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{} could not be read or written", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// No loopback port was free.
    #[error("no loopback port could be bound")]
    Port(#[source] std::io::Error),
    /// A key or certificate could not be made.
    #[error("a certificate could not be made")]
    Certificate(#[from] rcgen::Error),
    /// A client certificate holds two groups at most.
    #[error("{user} has {count} groups, but a client certificate of this harness holds two")]
    TooManyGroups {
        /// The user asked for.
        user: String,
        /// The number of groups asked for.
        count: usize,
    },
    /// A program could not be run.
    #[error("{program} could not be run")]
    Spawn {
        /// The program.
        program: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A server ended without being stopped.
    #[error("{server} ended by itself ({status}); the end of its log:\n{log}")]
    Ended {
        /// The server.
        server: &'static str,
        /// How it ended.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// A server was not ready in time.
    #[error("{server} was not ready within {limit:?} ({last}); the end of its log:\n{log}")]
    NotReady {
        /// The server.
        server: &'static str,
        /// The time that it had.
        limit: Duration,
        /// What the last look at it showed.
        last: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server is not running, so there is nothing to signal.
    #[error("{0} is not running")]
    NotRunning(&'static str),
    /// A signal could not be sent.
    #[error("{server} could not be signalled")]
    Signal {
        /// The server.
        server: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// kubectl said no.
    #[error("kubectl {arguments} failed: {message}")]
    Kubectl {
        /// Its arguments.
        arguments: String,
        /// What it wrote to standard error.
        message: String,
    },
    /// An HTTP call got no answer.
    #[error("{url} gave no answer")]
    NoAnswer {
        /// What was called.
        url: String,
        /// Why there was none.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The EC2-compatible server refused a call of the probe.
    #[error("{action} was answered {status}: {body}")]
    Refused {
        /// The EC2 action.
        action: String,
        /// The HTTP status.
        status: u16,
        /// The answer.
        body: String,
    },
    /// An answer was not what the action promises.
    #[error("the answer to {action} has no {missing}")]
    Incomplete {
        /// The EC2 action.
        action: String,
        /// What was looked for.
        missing: &'static str,
    },
    /// An answer was not XML.
    #[error("the answer to {action} is not XML")]
    NotXml {
        /// The EC2 action.
        action: String,
        /// Where the parser stopped.
        source: roxmltree::Error,
    },
}
