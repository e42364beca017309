//! Fakes, real servers, contracts and a simulation to test ORCA and its back ends with. Use it as a dev-dependency.
//!
//! - To test a back end of your own, turn on the feature `fakes`, and begin with
//!   [`CloudContract`](contract::cloud::CloudContract): it holds any cloud to the rules of `orca_core::cloud`.
//! - To test a program that embeds a virtual node, take [`FakeKube`](fake_kube::FakeKube) for the cluster, and
//!   [`FakeEc2`](fake_ec2::FakeEc2) for the cloud. `examples/embed.rs` shows both with a whole node.
//!
//! | Module | Feature | What it is |
//! |---|---|---|
//! | [`contract`] | `fakes` | what every cloud and every API server must do, tested on the fakes and on the real ones |
//! | [`fake_kube`] | `fakes` | a Kubernetes API server in memory, with a scheduler and controllers |
//! | [`fake_ec2`] | `fakes` | a stateful model of EC2, as a cloud in process and over HTTP |
//! | [`clock`] | `fakes` | clocks that a test sets, or that follow tokio's clock |
//! | [`fault`] | `fakes` or `servers` | faults that a test orders from the fake EC2 and from the proxy |
//! | [`servers`] | `servers` | real servers on loopback: a control plane, an EC2-compatible server, and a proxy in front of it |
//! | [`simulation`] | `sim` | whole runs of the real controller in simulated time, each from one seed |
//! | [`load`] | `load` | the command `orca-load`, which compares ORCA with its peers on one control plane |
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "fakes")]
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() {
//!     use orca_testkit::contract::cloud::CloudContract;
//!     use orca_testkit::fake_ec2::{Ec2Settings, FakeEc2};
//!
//!     let clock = orca_core::clock::system();
//!     let ec2 = FakeEc2::new(Ec2Settings::instant(), std::sync::Arc::clone(&clock));
//!     let cloud = ec2.cloud(); // in your test: your back end
//!     let report = CloudContract::for_type(&cloud, clock, "run-1", "t3.micro").run().await;
//!     report.into_result().expect("the cloud keeps the contract");
//!     assert!(ec2.alive().is_empty(), "the contract ends everything that it launches");
//! }
//! # #[cfg(not(feature = "fakes"))]
//! # fn main() {}
//! ```

#[cfg(feature = "fakes")]
pub mod clock;
#[cfg(feature = "fakes")]
pub mod contract;
#[cfg(feature = "fakes")]
pub mod fake_ec2;
#[cfg(feature = "fakes")]
pub mod fake_kube;
#[cfg(any(feature = "fakes", feature = "servers"))]
pub mod fault;
#[cfg(feature = "load")]
pub mod load;
#[cfg(feature = "servers")]
pub mod servers;
#[cfg(feature = "fakes")]
mod signal;
#[cfg(feature = "sim")]
pub mod simulation;
