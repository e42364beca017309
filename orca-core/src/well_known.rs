//! Every name that ORCA shares with Kubernetes, with clouds and with people, spelled once: annotations, labels, taints,
//! tags, conditions and reasons. Users match these names, so they do not change.

/// The prefix of ORCA's own annotations, labels, tags and conditions.
pub const PREFIX: &str = "orca.research/";

/// Who reports ORCA's events, as in their `reportingController`.
pub const REPORTER: &str = "orca.research/orca";

/// Annotations that a pod author sets. The names are those of the original design.
pub mod annotation {
    /// The exact instance type, such as `p5.48xlarge`.
    pub const INSTANCE_TYPE: &str = "orca.research/instance-type";
    /// The name of a workload template of ORCA's config.
    pub const WORKLOAD_TEMPLATE: &str = "orca.research/workload-template";
    /// `on-demand` or `spot`.
    pub const LAUNCH_TYPE: &str = "orca.research/launch-type";
    /// The highest spot price in USD per hour, a decimal such as `35.00`.
    pub const MAX_SPOT_PRICE: &str = "orca.research/max-spot-price";
    /// An older spelling of [`MAX_SPOT_PRICE`], still accepted.
    pub const SPOT_MAX_PRICE: &str = "orca.research/spot-max-price";
    /// A machine image id, such as `ami-0123456789abcdef0`.
    pub const AMI: &str = "orca.research/ami";
    /// How long the instance may live, such as `4h` or `7d`. Not supported yet: the pod is rejected.
    pub const MAX_LIFETIME: &str = "orca.research/max-lifetime";
    /// The namespace to charge. Not supported yet: the pod is rejected.
    pub const BUDGET_NAMESPACE: &str = "orca.research/budget-namespace";
    /// The pod's own user data, base64. Not supported yet: the pod is rejected.
    pub const USER_DATA: &str = "orca.research/user-data";
    /// Would make an instance that ORCA cannot terminate: the pod is rejected.
    pub const TERMINATION_PROTECTION: &str = "orca.research/termination-protection";
    /// More log lines for this pod. Not supported yet: ignored with a warning.
    pub const DEBUG: &str = "orca.research/debug";

    /// Written by ORCA: the instance of this pod.
    pub const INSTANCE_ID: &str = "orca.research/instance-id";
    /// Written by ORCA: the public address of the instance, if it has one.
    pub const PUBLIC_IP: &str = "orca.research/public-ip";
    /// Written by ORCA to its Node: where its instances live ([`CloudIdentity`](crate::CloudIdentity)).
    pub const CLOUD_IDENTITY: &str = "orca.research/cloud-identity";
    /// Written by ORCA to its Node: the cluster that its instances are tagged with.
    pub const CLUSTER_ID: &str = "orca.research/cluster-id";
    /// Written by ORCA to its Node when the API server was restored to an older state: it may have lost the pods of
    /// instances that were launched until this time (RFC 3339).
    pub const SET_BACK_UNTIL: &str = "orca.research/set-back-until";
    /// Set by a kubelet on mirror pods, which stand for its static pods.
    pub const MIRROR: &str = "kubernetes.io/config.mirror";
}

/// Labels of the node.
pub mod label {
    /// The cloud behind the node.
    pub const PROVIDER: &str = "orca.research/provider";
    /// The cloud's region.
    pub const REGION: &str = "orca.research/region";
    /// ORCA's version.
    pub const VERSION: &str = "orca.research/version";
    /// `virtual-kubelet`, by the convention of virtual nodes.
    pub const TYPE: &str = "type";
    /// The value of [`TYPE`].
    pub const TYPE_VALUE: &str = "virtual-kubelet";
    /// Standard: host name.
    pub const HOSTNAME: &str = "kubernetes.io/hostname";
    /// Standard: operating system.
    pub const OS: &str = "kubernetes.io/os";
    /// Standard: processor architecture.
    pub const ARCH: &str = "kubernetes.io/arch";
    /// Standard: region.
    pub const TOPOLOGY_REGION: &str = "topology.kubernetes.io/region";
    /// Standard: keeps cloud load balancers from adding the virtual node (A43).
    pub const EXCLUDE_FROM_LOAD_BALANCERS: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
}

/// Taints of the node.
pub mod taint {
    /// Key of the default taint, which keeps ordinary pods away.
    pub const BURST_NODE: &str = "orca.research/burst-node";
    /// Set while the cloud does not answer.
    pub const CLOUD_UNREACHABLE: &str = "orca.research/cloud-unreachable";
    /// Set while cluster or cloud are not those that the Node records.
    pub const IDENTITY_CHANGED: &str = "orca.research/identity-changed";
}

/// Tags on instance, volume, network interface and spot request.
pub mod tag {
    /// `ORCA` on everything that ORCA launched.
    pub const MANAGED_BY: &str = "ManagedBy";
    /// The value of [`MANAGED_BY`].
    pub const MANAGED_BY_VALUE: &str = "ORCA";
    /// For people: `orca-<namespace>-<pod>`.
    pub const NAME: &str = "Name";
    /// The cluster; with [`NODE`] it decides ownership.
    pub const CLUSTER: &str = "orca.research/cluster";
    /// The virtual node.
    pub const NODE: &str = "orca.research/node";
    /// For people.
    pub const POD_NAMESPACE: &str = "orca.research/pod-namespace";
    /// For people.
    pub const POD_NAME: &str = "orca.research/pod-name";
    /// The pod: the identity that everything is keyed by.
    pub const POD_UID: &str = "orca.research/pod-uid";
    /// Which launch attempt of that pod made the instance, from 1.
    pub const ATTEMPT: &str = "orca.research/attempt";
    /// The instance type, for people and cost reports.
    pub const INSTANCE_TYPE: &str = "orca.research/instance-type";
    /// When the attempt was recorded, RFC 3339.
    pub const CREATED_AT: &str = "orca.research/created-at";
    /// When the instance's lifetime is over, RFC 3339; only when a lifetime is set.
    pub const EXPIRES_AT: &str = "orca.research/expires-at";
    /// The greatest length of a tag's value, in characters (EC2 user guide, "Tag your Amazon EC2 resources").
    pub const MAX_VALUE_CHARS: usize = 256;
    /// The greatest length of a tag's key, in characters (same page).
    pub const MAX_KEY_CHARS: usize = 128;
    /// The most tags that one resource can have (same page).
    pub const MAX_TAGS: usize = 50;
}

/// Conditions that ORCA writes on pods.
pub mod pod_condition {
    /// The launch record: a JSON document in `message`. Pod authors cannot write `pods/status`.
    pub const LAUNCH: &str = "orca.research/Launch";
    /// True: image, command and probes of the containers are not used, because the machine image is the workload.
    pub const CONTAINERS_NOT_RUN: &str = "orca.research/ContainersNotRun";
    /// Unknown while nothing has confirmed the pod's instance for a minute or more, True once something has again. A pod
    /// that was always confirmed does not have it.
    pub const INSTANCE_CONFIRMED: &str = "orca.research/InstanceConfirmed";
    /// True while the pod has changes since its launch that cannot be carried out; `message` names them.
    pub const CHANGE_NOT_APPLIED: &str = "orca.research/ChangeNotApplied";
    /// Kubernetes' own: a resize is asked for and not carried out; `reason` says why.
    pub const RESIZE_PENDING: &str = "PodResizePending";
    /// Kubernetes' own: the pod ended because it lost its instance.
    pub const DISRUPTION_TARGET: &str = "DisruptionTarget";
}

/// Node conditions and their reasons.
pub mod node_condition {
    /// False while the cloud's API does not answer. Ready stays True: running pods are not affected.
    pub const CLOUD_REACHABLE: &str = "CloudReachable";
    /// Reason of Ready=True, from the original design.
    pub const PROVIDER_READY: &str = "OrcaProviderReady";
    /// Reason of Ready=False before the cloud has answered once.
    pub const PROVIDER_NOT_READY: &str = "OrcaProviderNotReady";
}

/// Reasons in container states, conditions and events. `UpperCamelCase`, and stable.
pub mod reason {
    /// A launch is recorded; its call is about to be sent, or is not answered yet.
    pub const INSTANCE_LAUNCHING: &str = "InstanceLaunching";
    /// The instance exists and does not run yet.
    pub const INSTANCE_BOOTING: &str = "InstanceBooting";
    /// Event: the cloud returned an instance.
    pub const INSTANCE_LAUNCHED: &str = "InstanceLaunched";
    /// Condition Ready and event: the instance runs.
    pub const INSTANCE_RUNNING: &str = "InstanceRunning";
    /// Event: the instance is being terminated.
    pub const INSTANCE_TERMINATING: &str = "InstanceTerminating";
    /// Event: the cloud refuses to end the instance of a deleted pod.
    pub const TERMINATION_REFUSED: &str = "TerminationRefused";
    /// The calls to end an instance have had no answer for over a minute.
    pub const TERMINATION_UNANSWERED: &str = "TerminationUnanswered";
    /// An instance is not ended because its tags no longer name this cluster, node and pod.
    pub const INSTANCE_NOT_OWNED: &str = "InstanceNotOwned";
    /// Event: what a deletion that takes longer than a minute waits for.
    pub const DELETION_WAITING: &str = "DeletionWaiting";
    /// The instance ended, and ORCA did not end it.
    pub const INSTANCE_GONE: &str = "InstanceGone";
    /// Conditions: nothing has confirmed the instance for a while.
    pub const INSTANCE_UNCONFIRMED: &str = "InstanceUnconfirmed";
    /// The cloud took back a spot instance.
    pub const SPOT_INTERRUPTED: &str = "SpotInterrupted";
    /// The launch was refused for good; the original design's reason.
    pub const INSTANCE_CREATION_FAILED: &str = "InstanceCreationFailed";
    /// It cannot be known whether the launch happened.
    pub const LAUNCH_OUTCOME_UNKNOWN: &str = "LaunchOutcomeUnknown";
    /// An annotation has a value that ORCA cannot use.
    pub const INVALID_ANNOTATION: &str = "InvalidAnnotation";
    /// No annotation, template or rule names an instance type.
    pub const MISSING_INSTANCE_TYPE: &str = "MissingInstanceType";
    /// The containers of a deleted pod, between its end and the removal of its object.
    pub const POD_DELETED: &str = "PodDeleted";
    /// DaemonSet pods buy no instance by default.
    pub const DAEMON_SET_POD_IGNORED: &str = "DaemonSetPodIgnored";
    /// Image, command and probes are not used: the machine image is the workload.
    pub const CONTAINERS_NOT_RUN: &str = "ContainersNotRun";
    /// Reason of `DisruptionTarget` (B71).
    pub const TERMINATION_BY_KUBELET: &str = "TerminationByKubelet";
    /// The pod asks for more than its instance type has.
    pub const INSTANCE_TYPE_TOO_SMALL: &str = "InstanceTypeTooSmall";
    /// Event: the back end does not know whether the instance type has what the pod asks for.
    pub const FIT_NOT_CHECKED: &str = "FitNotChecked";
    /// An `orca.research/` annotation without effect.
    pub const UNKNOWN_ANNOTATION: &str = "UnknownAnnotation";
    /// Pods of the same owner ended soon after their launch, so the next one waits.
    pub const LAUNCH_BACK_OFF: &str = "LaunchBackOff";
    /// The cloud was asked for an offer and has not answered for a while.
    pub const LAUNCH_PREPARING: &str = "LaunchPreparing";
    /// The pod was launched under another cloud identity than the one that answers now.
    pub const CLOUD_IDENTITY_CHANGED: &str = "CloudIdentityChanged";
    /// The operator gave up what was launched under another cloud identity (`--abandon`).
    pub const INSTANCE_ABANDONED: &str = "InstanceAbandoned";
    /// The launch waits for a permit of the launch rate.
    pub const LAUNCH_QUEUED: &str = "LaunchQueued";
    /// The instance of an earlier pod of the same name has not ended yet.
    pub const NAMESAKE_ENDING: &str = "NamesakeEnding";
    /// The kubelet's reason for a pod that was active too long (B26).
    pub const DEADLINE_EXCEEDED: &str = "DeadlineExceeded";
    /// Event: a change of the pod that cannot be carried out.
    pub const CHANGE_NOT_APPLIED: &str = "ChangeNotApplied";
    /// The cloud cannot be listed.
    pub const CLOUD_UNREACHABLE: &str = "CloudUnreachable";
    /// Event on the node: garbage collection ends an instance, because no pod wants it.
    pub const ORPHAN_INSTANCE_TERMINATED: &str = "OrphanInstanceTerminated";
    /// Event on the node: there are suspiciously many orphans, so none is ended until an operator agrees.
    pub const ORPHAN_BRAKE: &str = "OrphanBrake";
    /// Event on the node: suspiciously many pods are gone without a deletion that was observed, so none is believed gone.
    pub const VANISHED_PODS: &str = "VanishedPods";
    /// Event on the node: somebody else launches instances with this cluster and node in their tags, so garbage collection
    /// ends nothing.
    pub const FOREIGN_WRITER: &str = "ForeignWriter";
    /// Event on the node: suspiciously many instances are missing, so none is believed gone.
    pub const MISSING_INSTANCES: &str = "MissingInstances";
    /// Event on the node: instances of this cluster belong to another node, or to none.
    pub const FOREIGN_INSTANCES: &str = "ForeignInstances";
    /// Event on the node: the cluster is not the one that ORCA started with, so nothing is ended.
    pub const CLUSTER_CHANGED: &str = "ClusterChanged";
    /// Event on the node: a pod has more than one instance, which should never happen.
    pub const SURPLUS_INSTANCE: &str = "SurplusInstance";
    /// Event on the node: a volume, an interface or a spot request without an instance is removed.
    pub const LEFTOVER_REMOVED: &str = "LeftoverRemoved";
    /// Event on the node: a volume, an interface or a spot request has this node's tags and no pod's, so it is not removed.
    pub const LEFTOVER_NOT_OWNED: &str = "LeftoverNotOwned";
}
