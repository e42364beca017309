//! What a back end says about itself before any call: the texts on the Node, and the tags that its config adds.

use std::collections::BTreeMap;

/// What the virtual node needs to know about its cloud without asking it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudInfo {
    /// The name of the cloud, such as `aws`: the node's label `orca.research/provider`. Letters, digits, `-`, `_` and `.`.
    pub provider: String,
    /// What runs the pods, such as `AWS EC2`: the node's `status.nodeInfo.osImage`.
    pub os_image: String,
    /// The region of its instances, as the back end calls it, such as `us-west-2`: the node's labels
    /// `orca.research/region` and `topology.kubernetes.io/region`. None: the node has neither label.
    pub region: Option<String>,
    /// Tags for every instance, from the back end's config: at most 39, with keys of 1 to 128 characters and values of
    /// at most 256. A key that ORCA sets itself makes the config invalid.
    pub tags: BTreeMap<String, String>,
    /// Extended resources that stand for devices of the instances, in addition to those of well-known makers such as
    /// `nvidia.com/gpu`. Each is a full name, or a prefix that ends in `*`. A pod that asks for one of them is rejected when
    /// the node does not offer it; other resources that the node does not offer are ignored, as the kubelet does.
    pub devices: Vec<String>,
    /// Whether this is a test server. Limits that protect a real cloud may then be set lower, such as `gc.minAgeSeconds`.
    pub is_for_tests: bool,
}
