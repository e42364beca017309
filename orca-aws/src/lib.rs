//! EC2 behind ORCA's cloud traits: `Ec2Client` is a [`CloudClient`](orca_core::cloud::CloudClient), a
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
//! Every answer that is not a success goes through one table, in `error/table.rs`. What EC2 says about an instance
//! becomes the domain's [`Instance`](orca_core::instance::Instance) in `convert.rs`.
//!
//! Without the feature `sdk`, which is on by default, there is only [`config`]: the section of the config and what makes it
//! wrong, for programs that read a config which they cannot use.
//!
//! Time comes from the [`Clock`](orca_core::clock::Clock) that is passed in. The library installs no TLS provider
//! and, but for the SDK's own credential chain, reads no environment.

#[cfg(feature = "sdk")]
mod bisect;
#[cfg(feature = "sdk")]
mod cache;
#[cfg(feature = "sdk")]
mod call;
#[cfg(feature = "sdk")]
mod catalog;
#[cfg(feature = "sdk")]
mod client;
pub mod config;
#[cfg(feature = "sdk")]
mod connection;
#[cfg(feature = "sdk")]
mod convert;
#[cfg(feature = "sdk")]
mod describe;
#[cfg(feature = "sdk")]
mod error;
#[cfg(feature = "sdk")]
mod fence;
#[cfg(feature = "sdk")]
mod health;
#[cfg(feature = "sdk")]
mod identity;
#[cfg(feature = "sdk")]
mod image;
#[cfg(feature = "sdk")]
mod launch;
#[cfg(feature = "sdk")]
mod leftovers;
#[cfg(feature = "sdk")]
mod lookup;
#[cfg(feature = "sdk")]
mod offers;
#[cfg(feature = "sdk")]
mod parameters;
#[cfg(feature = "sdk")]
mod skew;
#[cfg(feature = "sdk")]
mod terminate;
#[cfg(all(test, feature = "sdk"))]
mod testing;

#[cfg(feature = "sdk")]
pub use client::{ConnectError, Ec2Client};
#[cfg(feature = "sdk")]
pub use connection::Proxy;
