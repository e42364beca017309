//! The command `orca-load`: thousands of pods, on ORCA and on its peers in turn, on one control plane.
//!
//! ```text
//!  orca-load (driver)                                         orca-load contestant (child)
//!   ├─ plane     the API server: one of its own, or a given one     ├─ orca_kube::VirtualNode
//!   ├─ turn      warm up, create, watch, delete, count              ├─ cloud    answers after a set latency
//!   ├─ peers     kwok and virtual-kubelet, as they are              └─ record   every call, on the common clock
//!   └─ report    tables, JSON, ratios
//! ```
//!
//! Contestants alternate and share the machine with the API server and the driver, so figures compare within one run
//! only. What they mean: `docs/benchmarks.md`.

mod args;
mod audit;
mod child;
mod cloud;
mod contestant;
mod driver;
mod error;
mod moment;
mod nodes;
mod peers;
mod plane;
mod profile;
mod program;
mod report;
mod statistics;
mod turn;
mod usage;

pub use driver::main;
