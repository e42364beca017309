//! Why a virtual node ended, or could not be built.

use std::fmt;

use orca_core::config::ConfigError;

/// Everything that is wrong with a config. `Display` has all of it on one line.
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

/// A failure that ends a virtual node, or keeps it from being built. All other failures are retried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The config has wrong values. Only from `build`.
    #[error(transparent)]
    Config(#[from] InvalidConfig),
    /// The leader lease would have the name and the namespace of the node lease. Only from `build`.
    #[error(
        "the leader lease cannot be kept in {0}: the node lease of the same name is there; choose another namespace"
    )]
    LeaseNamespace(&'static str),
    /// A Node of this name exists, and ORCA did not make it. See
    /// [`adopt_foreign_node`](crate::VirtualNodeBuilder::adopt_foreign_node).
    #[error(
        "node {0} exists and is not ORCA's: it lacks the label orca.research/provider. Choose another node.name, or start with --adopt-node"
    )]
    ForeignNode(String),
    /// Another process has taken over the leader lease of this node. A new `VirtualNode` stands by.
    #[error("another process took over the leader lease of node {0}")]
    LostLeadership(String),
    /// The loop of this name ended without a shutdown: a bug.
    #[error("the {0} loop ended unexpectedly: this is a bug, please report it")]
    LoopEnded(&'static str),
    /// A loop panicked: a bug.
    #[error("the {name} loop panicked ({message}): this is a bug, please report it")]
    LoopPanicked {
        /// The loop.
        name: &'static str,
        /// The panic's message.
        message: String,
    },
}
