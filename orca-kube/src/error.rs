//! Why a virtual node stopped, or could not start.

use std::fmt;

use orca_core::config::ConfigError;

/// Everything that is wrong with a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfig(pub Vec<ConfigError>);

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the config is invalid: ")?;
        for (place, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if place == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidConfig {}

/// A failure that ends the virtual node. Everything else is retried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The config has wrong values.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The leader lease would have the name and the namespace of the node lease.
    #[error(
        "the leader lease cannot be kept in {0}: the node lease of the same name is there; choose another namespace"
    )]
    LeaseNamespace(&'static str),
    /// The API server cannot be used at all.
    #[error("cannot {operation}")]
    Kubernetes {
        /// What was tried.
        operation: &'static str,
        /// What the client said.
        #[source]
        source: Box<kube::Error>,
    },
    /// A node of that name exists and is not a virtual node of ORCA.
    #[error(
        "node {0} exists and is not ORCA's: it lacks the label orca.research/provider. Choose another node.name, or start with --adopt-node"
    )]
    ForeignNode(String),
    /// Another process holds the leader lease now.
    #[error("another process took over the leader lease of node {0}")]
    LostLeadership(String),
    /// One of the loops ended although nobody asked it to.
    #[error("the {0} loop ended unexpectedly: this is a bug, please report it")]
    LoopEnded(&'static str),
    /// One of the long-lived tasks panicked.
    #[error("the {name} loop panicked ({message}): this is a bug, please report it")]
    LoopPanicked {
        /// The loop.
        name: &'static str,
        /// The panic's message.
        message: String,
    },
}
