//! The domain of ORCA: what a pod asks for, what the cloud holds, and what to do about the difference.
//!
//! ORCA is a virtual node for Kubernetes: every pod that is bound to the node runs as one cloud instance. This crate
//! holds the rules and the interfaces, and does no I/O: no client, no AWS, no async runtime, and no clock but the
//! [`clock::Clock`] that is passed in. Decisions are data; `orca-kube` carries them out, `orca-aws` is the back end for EC2.
//!
//! ```text
//!  annotations ─┐                      ┌─ cloud::CloudClient    (implemented by a back end)
//!  config ──────┼─► selection ► launch ┤
//!  resources ───┘       record         └─ provider::Provider    (implemented by orca-kube)
//!                          │
//!  instance ───────────────┴─► lifecycle::decide(observation, now) ─► Decision
//!                                        └─► status: phase, conditions, container statuses
//! ```
//!
//! # Where to start
//!
//! - To write a back end for another cloud, implement [`CloudClient`](cloud::CloudClient): [`cloud`] has a complete
//!   example, [`prelude`] the types that it needs, and `docs/back-ends.md` is the guide.
//! - To embed the node in a program, begin with `orca_kube::VirtualNode`, and come back for its [`config::Config`].
//! - To see what happens to a pod, and why, read [`lifecycle::decide`].
//!
//! The modules in reading order: [`ids`], [`well_known`], [`quantity`], [`resources`], [`price`], [`annotations`],
//! [`instance`], [`launch`], [`cloud`], [`provider`], [`selection`], [`lifecycle`], [`status`], [`orphans`], [`config`].
//!
//! A number in a comment, such as B27, names a duty of a node agent in Kubernetes; `docs/conformance.md` lists them.
//!
//! # Example
//!
//! From the annotations of a pod to the instance that it asks for, or to the reason why it gets none:
//!
//! ```
//! use k8s_openapi::api::core::v1::Pod;
//! use orca_core::admission::admit;
//! use orca_core::config::Config;
//! use orca_core::instance::CapacityType;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut pod: Pod = serde_json::from_value(serde_json::json!({ "metadata": { "annotations": {
//!     "orca.research/instance-type": "p5.48xlarge",
//!     "orca.research/launch-type": "spot",
//!     "orca.research/max-spot-price": "35.00",
//! } } }))?;
//! let request = admit(&pod, &Config::default()).map_err(|rejection| rejection.message)?;
//! assert_eq!((request.instance_type.as_str(), request.capacity_type), ("p5.48xlarge", CapacityType::Spot));
//!
//! pod.metadata.annotations = None;
//! let rejection = admit(&pod, &Config::default()).expect_err("no annotation names an instance type");
//! assert_eq!(rejection.reason, "MissingInstanceType");
//! # Ok(())
//! # }
//! ```

pub mod admission;
pub mod annotations;
pub mod backoff;
pub mod clock;
pub mod cloud;
pub mod config;
pub mod error;
pub mod fit;
pub mod ids;
pub mod instance;
pub mod launch;
pub mod leftover;
pub mod lifecycle;
pub mod limits;
pub mod orphans;
pub mod planted;
pub mod pod;
pub mod prelude;
pub mod price;
pub mod provider;
pub mod quantity;
pub mod resources;
pub mod selection;
pub mod state_mapping;
pub mod status;
pub mod tags;
pub mod text;
pub mod well_known;

pub use error::{CloudError, Kind};
pub use ids::{CloudIdentity, ClusterId, InstanceId, NodeName, Owner, PodRef, PodUid};
