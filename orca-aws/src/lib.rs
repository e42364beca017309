//! EC2 behind ORCA's cloud traits: [`Ec2Client`] is a [`CloudClient`](orca_core::cloud::CloudClient), a
//! [`HealthSource`](orca_core::cloud::HealthSource), and a [`LeftoverSource`](orca_core::cloud::LeftoverSource).
//!
//! | verb         | AWS call                                        | retries        | where          |
//! |--------------|-------------------------------------------------|----------------|----------------|
//! | `offers`     | SSM `GetParameter`, at most once a day          | the SDK's      | `offers.rs`, `image.rs` |
//! | `launch`     | `RunInstances` with a client token              | none           | `launch.rs`, `fence.rs` |
//! | `list_owned` | `DescribeInstances` by two tags, every page     | the SDK's      | `describe.rs`  |
//! | `describe`   | `DescribeInstances` by id, 100 a call           | the SDK's      | `describe.rs`  |
//! | `terminate`  | `TerminateInstances`, 500 a call                | none           | `terminate.rs` |
//! | `health`     | `DescribeInstanceStatus`, 100 a call            | the SDK's      | `health.rs`    |
//! | `impaired`   | `DescribeInstanceStatus` by filter, twice       | the SDK's      | `health.rs`    |
//! | `leftovers`  | `DescribeVolumes`, `DescribeNetworkInterfaces`, `DescribeSpotInstanceRequests` | the SDK's | `leftovers.rs` |
//! | `remove`     | `DeleteVolume`, `DeleteNetworkInterface`, `CancelSpotInstanceRequests` | none | `leftovers.rs` |
//! | `list_cluster` | `DescribeInstances` by one tag, every page    | the SDK's      | `describe.rs`  |
//!
//! Every answer that is not a success goes through one table, in `error/table.rs`. What EC2 says about a machine
//! becomes the domain's [`Instance`](orca_core::instance::Instance) in `convert.rs`.
//!
//! Time comes from the [`Clock`](orca_core::clock::Clock) that is passed in. The library installs no TLS provider
//! and, but for the SDK's own credential chain, reads no environment.

mod call;
mod client;
mod convert;
mod describe;
mod error;
mod fence;
mod halves;
mod health;
mod identity;
mod image;
mod launch;
mod leftovers;
mod offers;
mod parameters;
mod skew;
mod terminate;
#[cfg(test)]
mod testing;

pub use client::{ConnectError, Ec2Client};
