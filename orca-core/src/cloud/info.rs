//! What a back end says of itself, before any call: the words that stand on the Node, and the tags that its config adds.

use std::collections::BTreeMap;

/// What the virtual node needs to know about its cloud without asking it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudInfo {
    /// The name of the cloud, such as `aws`: the node's label `orca.research/provider`. Letters, digits, `-`, `_` and `.`.
    pub provider: String,
    /// What runs the pods, such as `AWS EC2`: the node's `status.nodeInfo.osImage`.
    pub os_image: String,
    /// The place of its instances in the back end's own word, such as `us-west-2`: the node's labels
    /// `orca.research/region` and `topology.kubernetes.io/region`. None: the node has neither.
    pub region: Option<String>,
    /// Tags for every instance, from the back end's config. They never override ORCA's own.
    pub tags: BTreeMap<String, String>,
    /// Extended resources that stand for devices of its instances, beside those of well-known makers: names, or a beginning
    /// with a final `*`. A pod that asks for one that the node does not offer is refused, and not launched without it.
    pub devices: Vec<String>,
    /// Whether it is a cloud for tests, on which limits may be set lower than a real one allows.
    pub is_for_tests: bool,
}
