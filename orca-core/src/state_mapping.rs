//! The pod-to-instance state mapping: from what is known about a pod's instance to what the pod shows.
//!
//! [`shown`] is one total match. Who decides picks the [`Evidence`] (`lifecycle`), who writes renders the result
//! (`status`); what each evidence looks like to people is said here and nowhere else. `docs/pod-lifecycle.md` has it as
//! a table, made by [`table`].

mod instance;
pub mod table;

use jiff::Timestamp;

use crate::admission::Rejection;
use crate::error::CloudError;
use crate::ids::{CloudIdentity, InstanceId};
use crate::instance::{Health, Instance};
use crate::launch::RecordError;
use crate::provider::Missing;
use crate::status::Shown;
use crate::well_known::reason;

/// What is known about the instance of a pod, as far as people are to see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence<'a> {
    /// There is none, and this is why.
    NoInstance(NoInstance<'a>),
    /// There was one, and it was absent often and long enough to count as gone.
    Missing(&'a Missing),
    /// There is one, and nothing has confirmed it for a while.
    Unconfirmed {
        /// Which.
        id: &'a InstanceId,
        /// When it was confirmed last.
        since: Timestamp,
        /// Whether that is too long for anybody to rely on it.
        is_ready_unknown: bool,
    },
    /// There is one.
    Instance {
        /// As the cloud described it.
        instance: &'a Instance,
        /// What its checks say, if anybody has said so.
        health: Option<Health>,
        /// Whether the pod shows Ready for this very instance already: silence takes nothing back.
        was_ready: bool,
    },
    /// The pod's own deadline is over, whatever its instance does.
    Overdue,
    /// The pod was deleted, and nothing of it runs that ORCA could end.
    Deleted(Departure<'a>),
}

/// What became of the instance of a deleted pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure<'a> {
    /// It has ended.
    Ended,
    /// There never was one.
    NeverLaunched,
    /// Nobody knows whether its launch was carried out.
    Unknown,
    /// People gave up what was launched under this cloud identity.
    GivenUp(&'a CloudIdentity),
}

/// Why a pod has no instance.
#[derive(Clone, Debug, PartialEq)]
pub enum NoInstance<'a> {
    /// Pods of `DaemonSets` buy none.
    DaemonIgnored,
    /// Instances cannot be listed, so nothing may be launched.
    CloudUnreachable(&'a CloudError),
    /// The launch record cannot be used, so nothing may be launched.
    RecordUnusable(&'a RecordError),
    /// It was launched in another account or region than the one that answers now: nothing is known about it.
    LaunchedElsewhere {
        /// Where, as the record says.
        recorded: &'a CloudIdentity,
        /// Who answers now.
        current: &'a CloudIdentity,
    },
    /// It was launched in another account or region, and people have given up what runs there.
    GivenUp {
        /// The instance, if the record names it.
        instance: Option<&'a InstanceId>,
        /// Where, as the record says.
        recorded: &'a CloudIdentity,
    },
    /// The pod asks for something that it cannot have.
    Rejected {
        /// What, and what to write instead.
        rejection: &'a Rejection,
        /// Whether the pod fails for it, or waits to be changed.
        fails: bool,
    },
    /// An instance of an earlier pod of the same name has not ended.
    NamesakeEnding(&'a InstanceId),
    /// Pods of the same owner ended soon after their launch.
    HeldBack {
        /// When the next launch follows.
        until: Timestamp,
    },
    /// The cloud has been asked for an offer, and has not answered for a while.
    Preparing {
        /// Since when.
        since: Timestamp,
    },
    /// Launches go out as fast as the cloud takes them.
    Queued {
        /// When this one follows.
        until: Timestamp,
    },
    /// No offer could be made, so nothing was recorded or sent.
    NoOffer {
        /// What the cloud said.
        error: &'a CloudError,
        /// What follows.
        next: Next,
    },
    /// A launch is recorded and about to be sent, or on its way.
    Launching {
        /// Of what type.
        instance_type: &'a str,
    },
    /// The launch was recorded, and the call was stopped before it left.
    NotSent {
        /// Why.
        error: &'a CloudError,
        /// When it is tried again.
        until: Timestamp,
    },
    /// The launch was sent, and nobody knows what became of it.
    Unanswered(&'a CloudError),
    /// The launch was refused for certain.
    Refused {
        /// What the cloud said.
        error: &'a CloudError,
        /// What follows.
        next: Next,
    },
    /// The cloud knows the token already: there is an instance somewhere.
    AlreadyLaunched,
    /// The token may no longer be sent: only a list can show what it launched.
    Searching,
    /// The token may no longer be sent, and complete lists show nothing.
    OutcomeUnknown,
    /// The launch was executed, and its instance has ended.
    LaunchedAndEnded,
}

/// What follows when a pod does not get an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The pod fails: its author has to change something, and nothing would replace it at once.
    Fails,
    /// It waits until its author changes it.
    OnChange,
    /// It is asked for again when it may be there.
    WhenAvailable,
    /// This attempt follows, at this time.
    Attempt(u32, Timestamp),
    /// It is asked for again soon.
    Again,
}

/// What the pod shows on this evidence.
#[must_use]
pub fn shown(evidence: &Evidence<'_>) -> Shown {
    match evidence {
        Evidence::NoInstance(why) => without_instance(why),
        // Three complete lists over five minutes did not show it, and nobody asked ORCA to end it: a disruption.
        Evidence::Missing(missing) => lost(
            reason::INSTANCE_GONE,
            format!("instance {} is gone: the cloud no longer knows it", missing.id),
        ),
        Evidence::Instance { instance, health, was_ready } => instance::shown(instance, *health, *was_ready),
        // An outage of the cloud's API is not one of its instances: what was shown stays, and people are told (S5).
        Evidence::Unconfirmed { id, since, is_ready_unknown } => Shown::Unconfirmed {
            message: format!(
                "nothing has confirmed instance {id} since {since:.0}; the node's condition CloudReachable and its events say why"
            ),
            is_ready_unknown: *is_ready_unknown,
        },
        // The pod's own wish, so no disruption (B26).
        Evidence::Overdue => {
            failed(reason::DEADLINE_EXCEEDED, "Pod was active on the node longer than the specified deadline")
        }
        Evidence::Deleted(departure) => Shown::Deleted { message: deleted(*departure) },
    }
}

fn deleted(departure: Departure<'_>) -> String {
    match departure {
        Departure::Ended => "the pod was deleted and its instance has ended".into(),
        Departure::NeverLaunched => "the pod was deleted before anything was launched for it".into(),
        Departure::Unknown => {
            "the pod was deleted, and nobody knows whether its launch was carried out; an instance that \
                               still appears is ended by garbage collection"
                .into()
        }
        Departure::GivenUp(identity) => {
            format!("the pod was deleted; what was launched in {identity} was given up, and may run on")
        }
    }
}

fn without_instance(why: &NoInstance<'_>) -> Shown {
    match why {
        NoInstance::DaemonIgnored => waiting(
            reason::DAEMON_SET_POD_IGNORED,
            "pods of DaemonSets buy no instance on this node. This holds up the DaemonSet's rolling update: keep it off \
             with the node affinity type NotIn [virtual-kubelet], or set pods.daemonSets: run",
        ),
        NoInstance::CloudUnreachable(error) => waiting(
            reason::CLOUD_UNREACHABLE,
            format!("the cloud's instances cannot be listed, so nothing is launched until they can: {error}"),
        ),
        NoInstance::RecordUnusable(error) => waiting(
            reason::INSTANCE_CREATION_FAILED,
            sentence(
                &error.to_string(),
                "Nothing is launched by this record: delete the pod and make it again",
            ),
        ),
        // Unknown is never absent: nothing is concluded, and nothing is launched a second time.
        NoInstance::LaunchedElsewhere { recorded, current } => waiting(
            reason::CLOUD_IDENTITY_CHANGED,
            format!(
                "this pod was launched in {recorded}, and when they were last confirmed, ORCA's credentials and region were those of {current}; nothing is known about its instance. Give ORCA back what it had, or end the instance there and delete the pod by force"
            ),
        ),
        NoInstance::GivenUp { instance, recorded } => given_up(*instance, recorded),
        // Nothing was launched, so no disruption is claimed: the owner counts it as a failure of the pod.
        NoInstance::Rejected { rejection, fails: true } => failed(&rejection.reason, &rejection.message),
        NoInstance::Rejected { rejection, fails: false } => waiting(&rejection.reason, &rejection.message),
        NoInstance::NamesakeEnding(namesake) => waiting(
            reason::NAMESAKE_ENDING,
            format!("instance {namesake} of an earlier pod of this name has not ended yet"),
        ),
        NoInstance::HeldBack { until } => waiting(
            reason::LAUNCH_BACK_OFF,
            format!(
                "pods of this owner ended within minutes of their launch; the next launch follows at {until:.0}"
            ),
        ),
        NoInstance::Preparing { since } => waiting(
            reason::LAUNCH_PREPARING,
            format!("the cloud was asked for an offer at {since:.0} and has not answered yet"),
        ),
        NoInstance::Queued { until } => waiting(
            reason::LAUNCH_QUEUED,
            format!("launches go out as fast as the cloud takes them; this one follows at {until:.0}"),
        ),
        NoInstance::NoOffer { error, next } | NoInstance::Refused { error, next } => refused(error, *next),
        NoInstance::Launching { instance_type } => {
            waiting(reason::INSTANCE_LAUNCHING, format!("launching an instance of type {instance_type}"))
        }
        NoInstance::NotSent { error, until } => not_sent(error, *until),
        NoInstance::Unanswered(error) => waiting(
            reason::INSTANCE_LAUNCHING,
            format!("nobody knows yet whether the launch happens; asking again with the same token. {error}"),
        ),
        NoInstance::AlreadyLaunched => waiting(
            reason::INSTANCE_LAUNCHING,
            "the cloud knows this launch already; looking for its instance",
        ),
        NoInstance::Searching => {
            waiting(reason::INSTANCE_LAUNCHING, "looking for the instance of an earlier launch call")
        }
        // An instance may have existed and may have worked: who counts failures must not count this one.
        NoInstance::OutcomeUnknown => lost(
            reason::LAUNCH_OUTCOME_UNKNOWN,
            "nobody can tell whether the launch call was executed; garbage collection ends what may appear",
        ),
        NoInstance::LaunchedAndEnded => {
            lost(reason::INSTANCE_GONE, "the instance was launched and has ended")
        }
    }
}

/// What people have to mend is shown by its code; what passes by itself is a launch like any other.
fn not_sent(error: &CloudError, until: Timestamp) -> Shown {
    let more = format!("The launch call was not sent; the next try is at {until:.0}");
    if error.kind.is_definitive() {
        return waiting(&error.code, sentence(&error.told(), &more));
    }
    waiting(reason::INSTANCE_LAUNCHING, sentence(&error.to_string(), &more))
}

/// Neither the pod nor what it asks for is the cause.
fn given_up(instance: Option<&InstanceId>, recorded: &CloudIdentity) -> Shown {
    let what = instance.map_or_else(|| "what was launched for it".to_owned(), |id| format!("instance {id}"));
    lost(
        reason::INSTANCE_ABANDONED,
        format!("{what} in {recorded} was given up (--abandon): if it still runs there, end it by hand"),
    )
}

/// The cloud said no. The same words wherever an offer cannot be had, so that the status does not change to and fro.
fn refused(error: &CloudError, next: Next) -> Shown {
    let message = match next {
        Next::Fails => return failed(&error.code, error.told()),
        Next::OnChange => sentence(&error.told(), "It is tried again when the pod is changed"),
        Next::WhenAvailable => sentence(&error.told(), "It is asked for again when it may be there"),
        Next::Attempt(number, at) => sentence(&error.told(), &format!("Attempt {number} follows at {at:.0}")),
        Next::Again => sentence(&error.told(), "It is asked again soon"),
    };
    waiting(&error.code, message)
}

/// What was said as a sentence, and another one after it.
fn sentence(said: &str, more: &str) -> String {
    format!("{}. {more}", said.trim_end_matches('.'))
}

fn waiting(reason: &str, message: impl Into<String>) -> Shown {
    Shown::Waiting { reason: reason.to_owned(), message: message.into() }
}

/// Failed, by the pod's or the configuration's doing.
fn failed(reason: &str, message: impl Into<String>) -> Shown {
    Shown::Ended { reason: reason.to_owned(), message: message.into(), disruption: false }
}

/// Failed, because an instance was lost: `DisruptionTarget` lets a Job's policy ignore it (B71).
fn lost(reason: &str, message: impl Into<String>) -> Shown {
    Shown::Ended { reason: reason.to_owned(), message: message.into(), disruption: true }
}
