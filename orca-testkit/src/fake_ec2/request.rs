//! What a launch call asks for; what its token stands for, and what an open spot request launches later.

use std::collections::BTreeMap;
use std::sync::Arc;

use orca_core::instance::CapacityType;

use super::instance::Tags;

/// `RunInstances`.
#[expect(clippy::struct_excessive_bools, reason = "EC2's own switches, each by itself")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RunInstances {
    pub(super) client_token: Option<String>,
    pub(super) dry_run: bool,
    pub(super) image: Option<String>,
    pub(super) instance_type: Option<String>,
    pub(super) least: u32,
    pub(super) most: u32,
    pub(super) subnet: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) market: CapacityType,
    /// In millionths of a US dollar per hour.
    pub(super) max_price: Option<u64>,
    /// Base64.
    pub(super) user_data: Option<String>,
    pub(super) is_protected: bool,
    pub(super) ends_on_shutdown: bool,
    pub(super) keeps_volumes: bool,
    pub(super) volume_gib: Option<u32>,
    /// Often the same four times, and kept for as long as the token is remembered.
    pub(super) tags: Arc<Tags>,
    pub(super) volume_tags: Arc<Tags>,
    pub(super) interface_tags: Arc<Tags>,
    pub(super) request_tags: Arc<Tags>,
    /// Parameters that the model makes nothing of. They are part of what a token stands for.
    pub(super) other: BTreeMap<String, String>,
}
