//! ORCA's virtual node: the loops that keep a node alive and its pods true, over any cloud back end.
//!
//! ```text
//!  VirtualNode::run
//!   ├─ leader     one active process: a Lease in ORCA's namespace, named like the node
//!   ├─ node       the Node object and its Lease in kube-node-lease
//!   ├─ pods       watch ─► intake ─► queue ─► observe ─► orca_core::lifecycle::decide ─► apply
//!   │             tasks: what is slow, with results that wake a pod
//!   ├─ instances  the Provider over a CloudClient: sweeps, sends, terminations
//!   ├─ garbage    ends what no pod wants, slowly and with a brake
//!   ├─ identity   stops all of it while cluster or cloud are not those that the node belongs to
//!   └─ events     what people should know, deduplicated and capped
//! ```
//!
//! Every loop is a task under watch, and every task starts through [`Spawn`]. Every loop is level-triggered: a wake-up
//! carries a key and nothing else, and each loop also resyncs on a timer.
//! Nothing here is global: metrics go into the embedder's registry, shutdown is the embedder's token, time is the
//! embedder's clock, and no TLS provider is installed.

mod absence;
mod brake;
mod call;
pub mod crash;
pub mod error;
mod events;
mod garbage;
pub mod health;
mod identity;
mod instances;
mod leader;
mod metrics;
mod node;
mod pods;
mod random;
mod rate_limiter;
mod recent;
mod rights;
mod set_back;
mod spans;
pub mod spawn;
mod virtual_node;
mod watching;

pub use call::in_words;
pub use error::{Error, InvalidConfig};
pub use health::{Health, Unhealthy};
pub use spawn::{Spawn, TokioSpawn};
pub use virtual_node::{CloudMissing, VirtualNode, VirtualNodeBuilder};
