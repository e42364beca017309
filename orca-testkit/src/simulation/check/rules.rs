//! Every rule in one table, with how it is checked, or why it cannot be yet.

/// A rule: what must hold at any moment (S), and what must come true once nothing fails (L).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// At most one instance of a pod is alive.
    S1,
    /// At most one instance is ever launched for a pod.
    S2,
    /// No instance of a pod that wants it is ended.
    S3,
    /// Nothing without our cluster and node in its tags is touched.
    S4,
    /// Running follows EC2's word, and Ready its checks.
    S5,
    /// What is terminal never changes.
    S6,
    /// The result is written before the instance is ended.
    S7,
    /// A workload that has exited is not started again.
    S8,
    /// No pod object is removed while an instance of it is known to be alive.
    S9,
    /// Limits on instances and money hold.
    S10,
    /// A pod's status is about its own instance.
    S11,
    /// No attempt changes its parameters.
    S12,
    /// What is not known is not absent.
    S13,
    /// No secret is shown.
    S14,
    /// Every instance ends by itself.
    S15,
    /// A wanted pod has an instance and shows it.
    L1,
    /// An instance that no pod wants is ended.
    L2,
    /// A deleted pod goes.
    L3,
    /// A pod whose instance ended fails, and says that it was disrupted.
    L4,
    /// An exit is shown.
    L5,
    /// The view follows the API server.
    L6,
    /// The Node is there again after it was deleted.
    L7,
    /// No storm of calls.
    L8,
    /// Nothing happens in a quiet cluster.
    L9,
    /// No pod waits without saying for what.
    L10,
}

/// Whether a rule is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It is, with this meaning.
    Checked(&'static str),
    /// It has no subject yet, for this reason.
    NoSubject(&'static str),
}

use Coverage::{Checked, NoSubject};

/// All rules, in order.
pub const TABLE: [(Rule, Coverage); 25] = [
    (Rule::S1, Checked("at every launch, the instances of that pod that are alive")),
    (
        Rule::S2,
        Checked(
            "all launches of a UID. Limits: EC2 forgets a token a day after its launch; and no plan takes away both the \
             record of a launch and the tags of its instance, or the sight of them",
        ),
    ),
    (
        Rule::S3,
        Checked(
            "at every TerminateInstances, the pod was deleted, terminal or gone, or had two instances. What an API server forgets \
             that is set back may have been acted on before. Of what it forgets, a process that never knew it ends three in an \
             hour at most, or one in ten",
        ),
    ),
    (Rule::S4, Checked("the tags at that moment, or those of the two minutes before")),
    (Rule::S5, Checked("the instance of the pod ran before, and its checks had passed")),
    (Rule::S6, Checked("phase, reason and container states of a UID, until the API server is set back")),
    (Rule::S7, Checked("as S3, for an instance that was stopped from outside")),
    (Rule::S8, NoSubject("nothing in the instance reports an exit: the instance is the workload; S2 holds")),
    (
        Rule::S9,
        Checked(
            "at every removal by the controller, the instance that the record names, or an answer named, is not alive",
        ),
    ),
    (Rule::S10, NoSubject("limits are refused by the config until they are enforced")),
    (Rule::S11, Checked("the instance in record and container was launched for that UID")),
    (Rule::S12, Checked("token and digest of an attempt never change, and attempts never go back")),
    (Rule::S13, Checked("no pod fails as InstanceGone while its instance is alive and tagged")),
    (Rule::S14, NoSubject("no secret is given to the controller in a simulated run")),
    (Rule::S15, NoSubject("instances have no agent and no end of their own yet")),
    (
        Rule::L1,
        Checked("twelve minutes, thirty-five while a send of unknown outcome may still be carried out"),
    ),
    (
        Rule::L2,
        Checked(
            "a minute if the pod is there and names it, else ten; counted from when an end is asked for again that was \
             refused for people to mend. Not for instances of another node, account or region, whose tags \
             were changed, or that a brake holds and an event told of",
        ),
    ),
    (
        Rule::L3,
        Checked(
            "grace, five minutes, and three for the instance to end. Not for pods that were launched elsewhere, or whose \
             instance lost its tags",
        ),
    ),
    (Rule::L4, Checked("two minutes; no disruption when the instance shut itself down")),
    (Rule::L5, NoSubject("nothing in the instance reports an exit")),
    (Rule::L6, Checked("by L1 to L4: all of them need a view that is right")),
    (Rule::L7, Checked("a node that is gone is there again within two minutes")),
    (Rule::L8, Checked("calls of one action in one minute")),
    (Rule::L9, Checked("ten minutes without a launch, an end or a new version of a pod")),
    (Rule::L10, Checked("a bound pod that is Pending for a minute shows why, or an event does")),
];
