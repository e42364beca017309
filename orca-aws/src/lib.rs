//! ORCA's back end for AWS: every pod runs as one EC2 instance.
//!
//! Start with [`Ec2Client::connect`], which makes the client that `orca_kube::VirtualNode` needs. Its settings are
//! [`config::Aws`], one section of a config file; [`config::Document`] is the whole file. The client is a
//! [`CloudClient`](orca_core::cloud::CloudClient), a [`HealthSource`](orca_core::cloud::HealthSource), and a
//! [`LeftoverSource`](orca_core::cloud::LeftoverSource). For another cloud read `docs/back-ends.md` instead.
//!
//! ```no_run
//! # #[cfg(feature = "sdk")]
//! async fn connect(file: &str) -> Result<(), Box<dyn std::error::Error>> {
//!     use orca_aws::{Ec2Client, config::Document};
//!     use orca_core::cloud::CloudClient as _;
//!
//!     let document: Document = serde_saphyr::from_str(file)?;
//!     if let Err(errors) = document.validate() {
//!         return Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into());
//!     }
//!     let cloud = Ec2Client::connect(&document.backend, orca_core::clock::system()).await?;
//!     println!("instances are launched in {}", cloud.identity().await?);
//!     // Next: orca_kube::VirtualNode::builder(client).cloud(Arc::new(cloud)).config(document.config)
//!     Ok(())
//! }
//! ```
//!
//! What the client calls, with the rights that its role needs (`docs/operations.md` has a policy):
//!
//! | method       | AWS call                                        | retries        | where          |
//! |--------------|-------------------------------------------------|----------------|----------------|
//! | `identity`   | STS `GetCallerIdentity`, once a minute          | the SDK's      | `identity.rs`  |
//! | `offers`     | SSM `GetParameter`, `DescribeImages`, `DescribeInstanceTypes`, each once a day | the SDK's | `offers.rs`, `image.rs`, `lookup.rs` |
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
//! Every error code of AWS is in one table, `error/table.rs`.
//!
//! Without the feature `sdk`, which is on by default, there is only [`config`]: programs can check a config quickly, and
//! without the SDK. The library installs no TLS provider, and reads no environment variable itself; the SDK does, for
//! credentials and endpoints.

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
