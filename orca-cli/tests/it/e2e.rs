//! End to end: `orca` as a process of its own, under the RBAC that we ship, on a real control plane and moto.
//!
//! Each test starts servers of its own and stops them. Run with
//! `cargo test --workspace --all-features --test it -- --ignored --test-threads=1` after `orca-testkit/servers/prepare`.

mod admission;
mod crash;
mod deletion;
mod faults;
mod garbage;
mod handover;
mod loss;
mod manifests;
mod node;
mod pods;
mod startup;
mod steady;
mod trouble;
mod world;
