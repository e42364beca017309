//! The Node object and its lease: registered, kept true, re-created when deleted.

mod cloud_events;
mod controller;
mod difference;
mod lease;
mod object;
mod recreations;

pub(crate) use cloud_events::CloudEvents;
pub(crate) use controller::{Facts, NodeController, NodeParts};
pub(crate) use lease::{LeaseParts, NAMESPACE as LEASE_NAMESPACE, NodeLease};
pub(crate) use object::NodeTemplate;
