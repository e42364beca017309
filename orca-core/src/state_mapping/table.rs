//! The state mapping, rendered for people and compared on every run: each evidence and what the pod shows on it.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Departure, Evidence, Next, NoInstance, shown};
use crate::admission::{Rejection, RejectionKind};
use crate::error::{CloudError, Kind};
use crate::ids::{InstanceId, PodRef};
use crate::instance::{CapacityType, EndCause, Health, Instance, InstanceState, StateReason};
use crate::launch::RecordError;
use crate::provider::Missing;
use crate::status::{Ready, Shown};

/// The whole table as Markdown.
#[must_use]
pub fn render() -> String {
    let mut text =
        String::from("| what is known | phase | reason | ready | message |\n|---|---|---|---|---|\n");
    with_examples(|what, evidence| {
        let (phase, reason, ready, message) = cells(shown(evidence));
        let _infallible = writeln!(text, "| {what} | {phase} | {reason} | {ready} | {message} |");
    });
    text
}

fn cells(shown: Shown) -> (&'static str, String, &'static str, String) {
    let code = |reason: String| format!("`{reason}`");
    match shown {
        Shown::Waiting { reason, message } => ("Pending", code(reason), "no", message),
        Shown::Running { ready: Ready::Yes, .. } => ("Running", String::new(), "yes", String::new()),
        Shown::Running { ready: Ready::No(why), .. } => ("Running", String::new(), "no", why),
        Shown::Unconfirmed { message, is_ready_unknown } => {
            ("as before", String::new(), if is_ready_unknown { "unknown" } else { "as before" }, message)
        }
        Shown::Ended { reason, message, disruption: true } => {
            ("Failed", format!("{}, `DisruptionTarget`", code(reason)), "no", message)
        }
        Shown::Ended { reason, message, disruption: false } => ("Failed", code(reason), "no", message),
        Shown::Deleted { message } => ("Failed", String::new(), "no", message),
    }
}

/// Calls with a sentence and an example of every evidence.
fn with_examples(mut row: impl FnMut(&str, &Evidence<'_>)) {
    let soon = Timestamp::UNIX_EPOCH;
    let error = CloudError::new(Kind::NoCapacity, "CodeOfTheCloud", "what the cloud said");
    let denied = CloudError::new(Kind::Denied, "CodeOfTheCloud", "what the cloud said");
    let lost = CloudError::new(Kind::Unknown, "CodeOfTheCloud", "what the cloud said");
    let rejection = Rejection {
        kind: RejectionKind::Annotation,
        reason: "ReasonOfAdmission".into(),
        message: "what is wrong, and what to write instead".into(),
    };
    let namesake = InstanceId::new("i-0");
    let outdated = RecordError::Unreadable("what is wrong".into());
    let mut none = |what: &str, why: NoInstance<'_>| row(what, &Evidence::NoInstance(why));
    none("a pod of a DaemonSet, and `pods.daemonSets: ignore`", NoInstance::DaemonIgnored);
    none("instances cannot be listed", NoInstance::CloudUnreachable(&error));
    none("the launch record cannot be used", NoInstance::RecordUnusable(&outdated));
    let (recorded, current) = (&"account/region".into(), &"another".into());
    none("launched under another cloud identity", NoInstance::LaunchedElsewhere { recorded, current });
    let given_up = NoInstance::GivenUp { instance: Some(&namesake), recorded };
    none("launched under another cloud identity, and given up by people", given_up);
    none("not admitted", NoInstance::Rejected { rejection: &rejection, fails: true });
    let waits = NoInstance::Rejected { rejection: &rejection, fails: false };
    none("not admitted, and a failed pod would be replaced at once", waits);
    none("an instance of the pod's predecessor has not ended", NoInstance::NamesakeEnding(&namesake));
    none("pods of the same owner ended soon after their launch", NoInstance::HeldBack { until: soon });
    none("no answer to the question for offers for 20 s", NoInstance::Preparing { since: soon });
    none("the launch rate is used up for 20 s or more", NoInstance::Queued { until: soon });
    none("no offer, for want of capacity", NoInstance::NoOffer { error: &error, next: Next::WhenAvailable });
    none("no offer, for another reason", NoInstance::NoOffer { error: &error, next: Next::Again });
    none("a launch is announced or on its way", NoInstance::Launching { instance_type: "t3.micro" });
    none("the call never left, for now", NoInstance::NotSent { error: &lost, until: soon });
    none(
        "the call never left, and people have to mend it",
        NoInstance::NotSent { error: &denied, until: soon },
    );
    none("nobody knows what became of the call", NoInstance::Unanswered(&error));
    none("refused for want of capacity", NoInstance::Refused { error: &error, next: Next::WhenAvailable });
    let attempt = NoInstance::Refused { error: &error, next: Next::Attempt(2, soon) };
    none("refused, and tried again", attempt);
    none(
        "refused while an earlier call is unanswered",
        NoInstance::Refused { error: &error, next: Next::Again },
    );
    none("refused for the pod's own values", NoInstance::Refused { error: &error, next: Next::Fails });
    let on_change = NoInstance::Refused { error: &error, next: Next::OnChange };
    none("the same, and a failed pod would be replaced at once", on_change);
    none("the cloud knows the token", NoInstance::AlreadyLaunched);
    none("the token is too old to be sent", NoInstance::Searching);
    none("the same, and complete lists show nothing", NoInstance::OutcomeUnknown);
    none("the cloud says that what the token launched has ended", NoInstance::LaunchedAndEnded);
    let missing = Missing { id: "i-1".into(), absences: 3, since: soon, latest: soon, is_held: false };
    row("three complete lists over five minutes do not show it", &Evidence::Missing(&missing));
    instances(&mut row);
    for (what, is_ready_unknown) in [
        ("nothing has confirmed the instance for a minute", false),
        ("the same, for longer than `pods.readyUnknownAfterSeconds`", true),
    ] {
        row(what, &Evidence::Unconfirmed { id: &missing.id, since: soon, is_ready_unknown });
    }
    row("`spec.activeDeadlineSeconds` is over", &Evidence::Overdue);
    row("deleted, and its instance has ended", &Evidence::Deleted(Departure::Ended));
    row("deleted, and nothing was ever launched", &Evidence::Deleted(Departure::NeverLaunched));
    row("deleted, and its launch stays unresolved", &Evidence::Deleted(Departure::Unknown));
    row(
        "deleted after what was launched was given up",
        &Evidence::Deleted(Departure::GivenUp(&"account/region".into())),
    );
}

fn instances(row: &mut impl FnMut(&str, &Evidence<'_>)) {
    let pending = instance(InstanceState::Pending, None);
    row("instance `pending`", &Evidence::Instance { instance: &pending, health: None, was_ready: false });
    let running = instance(InstanceState::Running, None);
    for (what, health, was_ready) in [
        ("instance `running`, checks passed", Some(Health::Passed), false),
        ("instance `running`, a check fails", Some(Health::Impaired), true),
        ("instance `running`, checks not known, and shown as ready before", None, true),
        ("instance `running`, checks not known or not decided", Some(Health::Initializing), false),
    ] {
        row(what, &Evidence::Instance { instance: &running, health, was_ready });
    }
    for (what, cause) in [
        ("by the spot market", EndCause::SpotInterruption),
        ("by its own shutdown", EndCause::Guest),
        ("by a call although its pod should run", EndCause::ApiCall),
        ("by the cloud", EndCause::Provider),
        ("because the cloud could not carry out its launch", EndCause::LaunchFailed),
        ("because its launch asked for what cannot be, or for too much", EndCause::LaunchInvalid),
        ("and nobody says why", EndCause::Other),
    ] {
        let ended = instance(InstanceState::Terminated, Some(cause));
        let what = format!("instance ended or stopped {what}");
        row(&what, &Evidence::Instance { instance: &ended, health: None, was_ready: true });
    }
}

fn instance(state: InstanceState, cause: Option<EndCause>) -> Instance {
    let reason =
        |cause| StateReason { cause, code: "CodeOfTheCloud".into(), message: "what the cloud said".into() };
    Instance {
        id: "i-1".into(),
        reference: "cloud://i-1".into(),
        state,
        cloud: None,
        state_reason: cause.map(reason),
        owner: None,
        pod: Some(PodRef::new("ml", "train", "u")),
        instance_type: "t3.micro".into(),
        capacity_type: CapacityType::OnDemand,
        zone: None,
        private_ip: None,
        other_ip: None,
        public_ip: None,
        launched_at: None,
    }
}
