//! The domain of ORCA: what a pod asks for, what the cloud holds, and what to do about the difference.
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
//! Nothing here performs anything: no client, no AWS, no async runtime, no clock but the [`clock::Clock`]
//! that is passed in. Decisions are data; `orca-kube` carries them out.
//!
//! Reading order: [`ids`], [`well_known`], [`quantity`], [`resources`], [`price`], [`annotations`],
//! [`instance`], [`launch`], [`cloud`], [`provider`], [`selection`], [`lifecycle`], [`status`], [`orphans`], [`config`].

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
