//! Why a virtual node stopped, or could not start.

/// A failure that ends the virtual node. Everything else is retried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The config has wrong values.
    #[error("the config is invalid: {0}")]
    Config(String),
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
