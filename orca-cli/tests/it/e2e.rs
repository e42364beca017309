//! End to end: `orca` as a process of its own, under the RBAC that we ship, on a real control plane and moto.
//!
//! Each test starts servers of its own and stops them. After `orca-testkit/servers/prepare`, run
//! `cargo test --workspace --all-features --test it -- --ignored --test-threads=2`: another selection of crates or
//! features builds the AWS SDK once more.

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
